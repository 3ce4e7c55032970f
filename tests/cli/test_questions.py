from __future__ import annotations

import io
import sys

import pytest

from pipeline.cli.questions import ask, can_ask
from pipeline.errors import UsageError


def even(text: str) -> int:
    if int(text) % 2:
        raise UsageError(f"{text} is odd")
    return int(text)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stdin", "possible"), [(None, False), (io.StringIO(), False), (Terminal(), True)])
def test_only_a_terminal_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None, possible: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert can_ask() is possible


def test_a_wrong_answer_is_explained_and_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("3\n5\n\n"))
    assert ask("An even number", even, "4") == 4
    shown = capsys.readouterr()
    assert shown.err == "3 is odd\n5 is odd\n"
    assert shown.out.count("An even number [4]: ") == 3
