"""By which names the server may be called."""

from __future__ import annotations

import pytest

from pipeline.serving.hosts import TrustedHosts, is_host_name

HOSTS = TrustedHosts(["NAS.local", "gallery.example.org."])


@pytest.mark.parametrize(
    "header",
    [
        "localhost",
        "localhost:8765",
        "LOCALHOST",
        "127.0.0.1:8765",
        "192.168.1.20",
        "[::1]:8765",
        "[fe80::1]",
        "nas.local:1",
        "gallery.example.org",
        "nas.local.",
    ],
)
def test_its_own_names_and_addresses_of_numbers_are_trusted(header: str) -> None:
    assert HOSTS.trusts(header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "evil.example",
        "localhost.evil.example",
        "evil.localhost",
        "127.0.0.1.evil.example",
        "localhost:8765:1",
        "localhost@evil.example",
        "user@localhost",
        "localhost/",
        "[::1",
        "[localhost.x]",
        "nas.local\r\nX: y",
        "nas.local ",
        "1.2.3",
        "notnas.local",
    ],
)
def test_any_other_name_is_not(header: str | None) -> None:
    assert not HOSTS.trusts(header)


def test_a_name_has_no_scheme_and_no_port() -> None:
    assert is_host_name("nas.local")
    assert not any(is_host_name(text) for text in ("http://nas.local", "nas.local:80", "a b", ""))
