from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipeline.cli.own_command import absolute_words, command_line, own_words, path_from_here


def test_words_are_quoted_for_the_shell() -> None:
    line = command_line("run", Path("my photos") / "it.yaml")
    assert line == ("run 'my photos/it.yaml'" if os.name != "nt" else 'run "my photos\\it.yaml"')


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_the_program_is_called_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here, elsewhere = str(tmp_path / ".venv" / "bin" / "stylewatch"), "/opt/stylewatch/bin/stylewatch"
    assert own_words("stylewatch", lambda _: None) == ["stylewatch"]
    assert own_words(elsewhere, lambda _: elsewhere) == ["stylewatch"]
    assert own_words(elsewhere, lambda _: "/usr/bin/stylewatch") == [elsewhere]
    assert own_words(".venv/bin/stylewatch", lambda _: None) == [".venv/bin/stylewatch"]
    assert own_words(here, lambda _: None) == [".venv/bin/stylewatch"]
    assert own_words("/somewhere/pipeline/__main__.py") == [sys.executable, "-m", "pipeline"]


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_cron_needs_the_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_words([".venv/bin/stylewatch"], lambda _: None) == [str(tmp_path / ".venv/bin/stylewatch")]
    assert absolute_words(["stylewatch"], lambda _: "/usr/bin/stylewatch") == ["/usr/bin/stylewatch"]
    assert absolute_words(["/x/python", "-m", "pipeline"], lambda _: None) == ["/x/python", "-m", "pipeline"]


def test_a_path_is_relative_to_the_current_folder_if_it_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert path_from_here(tmp_path / "a" / "b.yaml") == Path("a", "b.yaml")
    assert path_from_here(tmp_path.parent / "b.yaml") == tmp_path.parent / "b.yaml"
    assert path_from_here(tmp_path / "-b.yaml") == tmp_path / "-b.yaml"  # not an option
