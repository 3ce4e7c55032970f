"""``gallery --serve``: its password, what it refuses before it listens, and how it ends."""

from __future__ import annotations

import platform
import re
import signal
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline.cli.gallery_server import _addresses, _host_names
from pipeline.cli.serve import ServeOptions, serve_gallery
from pipeline.errors import StorageError
from tests.cli.invocation import Invoke, config_of
from tests.workshop import CONFIG, Workshop

HASH = "pbkdf2:sha256:1$salt$0000"


@pytest.fixture(autouse=True)
def no_password_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STYLEWATCH_PASSWORD_HASH", raising=False)


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port that is in use, so that no command that gets this far serves for ever."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def options(**changes: object) -> ServeOptions:
    usual: dict[str, object] = {"serve": True, "port": 0, "allow": None, "host_names": (), "password_file": None}
    return ServeOptions(**usual | changes)  # type: ignore[arg-type]


def make_page(workshop: Workshop) -> None:
    page = workshop.out / "gallery" / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("<!doctype html>")


def test_a_port_in_use_is_one_sentence(invoke: Invoke, workshop: Workshop, port: int) -> None:
    make_page(workshop)
    result = invoke("gallery", config_of(workshop), "--serve", "--port", str(port))
    assert (result.code, result.out) == (3, "")
    assert result.err == (
        f"stylewatch: port {port} of 127.0.0.1 is in use by another program; stop it, or choose another one with "
        "--port\n"
    )


def test_the_network_needs_a_password(invoke: Invoke, workshop: Workshop, port: int) -> None:
    result = invoke("gallery", config_of(workshop), "--serve", "--allow", "127.0.0.1", "--port", str(port))
    assert (result.code, "--allow needs a password" in result.err) == (2, True)
    assert "--hash-password > FILE" in result.err


def test_a_password_comes_from_a_file_or_the_environment(
    invoke: Invoke, workshop: Workshop, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("gallery", config_of(workshop), "--serve", "--allow", "127.0.0.1", "--port", str(port))
    file = workshop.folder / "password"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):  # the last one is what PowerShell's ">" writes
        file.write_text(f"{HASH}\n", encoding=encoding)
        assert "in use" in invoke(*command, "--password-file", file).err
    monkeypatch.setenv("STYLEWATCH_PASSWORD_HASH", HASH)
    assert "in use" in invoke(*command).err


@pytest.mark.parametrize("content", [b"my secret", b"", b"\xff\xfe", b"md5$a$b"])
def test_what_is_no_hash_is_refused_with_what_makes_one(invoke: Invoke, workshop: Workshop, content: bytes) -> None:
    file = workshop.folder / "password"
    file.write_bytes(content)
    result = invoke("gallery", config_of(workshop), "--serve", "--password-file", file)
    assert result.code == 2
    assert f"--password-file {file}: this is not the hash of a password" in result.err
    assert "my secret" not in result.err
    missing = invoke("gallery", config_of(workshop), "--serve", "--password-file", workshop.folder / "none")
    assert (missing.code, "it can't be read" in missing.err) == (2, True)


@pytest.mark.parametrize("name", ["http://nas.local", "nas:80", "a b"])
def test_a_host_name_is_a_name(invoke: Invoke, workshop: Workshop, name: str) -> None:
    result = invoke("gallery", config_of(workshop), "--serve", "--host-name", name)
    assert (result.code, "a name only, like nas.local" in result.err) == (2, True)


def test_without_a_page_it_is_made_and_only_then_is_there_nothing_to_serve(workshop: Workshop) -> None:
    file, calls = config_of(workshop), []
    with pytest.raises(StorageError, match=r"there is no .*index.html: 'stylewatch run' makes it"):
        serve_gallery(workshop.config(), file, options(), lambda: calls.append("made"))
    assert calls == ["made"]


def ask(address: str, answers: list[str]) -> None:
    """Ask a server for several things, then send this process the signal of Ctrl-C."""
    for path in ("healthz", "metrics", "gallery/index.html", "state/unpacked/a.jpg"):
        try:
            with urllib.request.urlopen(address + path, timeout=20) as answer:
                answers.append(answer.read().decode())
        except urllib.error.HTTPError as error:
            answers.append(str(error.code))
            error.close()
        except OSError as error:
            answers.append(str(error))
    signal.raise_signal(signal.SIGINT)


def test_it_serves_until_ctrl_c_and_photos_out_of_archives_stay_private(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop = Workshop(tmp_path, CONFIG + "state: {folder: out/state}\n")
    file = config_of(workshop)
    unpacked = workshop.out / "state" / "unpacked" / "a.jpg"
    unpacked.parent.mkdir(parents=True)
    unpacked.write_bytes(b"private")
    answers: list[str] = []
    asking: list[threading.Thread] = []

    def on_ready(address: str) -> None:
        asking.append(threading.Thread(target=ask, args=(address, answers)))
        asking[0].start()

    with pytest.raises(click.exceptions.Exit) as ended:
        serve_gallery(workshop.config(), file, options(), lambda: make_page(workshop), on_ready)
    asking[0].join()
    assert ended.value.exit_code == 130
    health, metrics, page, private = answers
    assert (health, page, private) == ("0: all is well\n", "<!doctype html>", "404")
    assert "stylewatch_pictures{" in metrics
    assert re.fullmatch(r"serving the gallery at http://127.0.0.1:\d+/ \(Ctrl-C ends it\)\n", capsys.readouterr().out)


def test_all_addresses_are_those_of_both_kinds() -> None:
    assert _addresses(options()) == ("127.0.0.1", "::1")
    assert _addresses(options(allow="::")) == ("::", "0.0.0.0")
    assert _addresses(options(allow="192.168.1.20")) == ("192.168.1.20",)


def test_on_the_network_the_machine_goes_by_its_own_names_too() -> None:
    own = platform.node().partition(".")[0]
    assert _host_names(options(host_names=("nas",))) == ("nas",)
    assert {"nas", own, f"{own}.local"} <= set(_host_names(options(host_names=("nas",), allow="0.0.0.0")))
