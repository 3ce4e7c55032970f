"""The options of ``gallery --serve``; what the server does with them: tests/cli/test_gallery_server.py."""

from __future__ import annotations

import io

import pytest

from pipeline.serving.passwords import is_password_hash
from tests.cli.invocation import Invoke, config_of
from tests.workshop import Workshop


@pytest.mark.parametrize(
    "given", [("--port", "1"), ("--allow", "0.0.0.0"), ("--host-name", "a"), ("--password-file", "f")]
)
def test_options_of_the_server_need_it(invoke: Invoke, workshop: Workshop, given: tuple[str, str]) -> None:
    result = invoke("gallery", config_of(workshop), *given)
    assert (result.code, "need --serve" in result.err) == (2, True)


def test_a_password_is_hashed_without_a_config(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    result = invoke("gallery", "--hash-password")
    assert result.code == 0
    assert is_password_hash(result.out.strip())
    assert "correct horse" not in result.out + result.err
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    refused = invoke("gallery", "--hash-password")
    assert (refused.code, refused.out) == (2, "")
