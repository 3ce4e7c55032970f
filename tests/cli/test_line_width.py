"""Lines on a narrow terminal."""

from __future__ import annotations

import contextlib
import io

import pytest

from pipeline.cli.line_width import echo, terminal_width, wrapped

SENTENCE = "root1.jpg gets no picture: it lies in no style's folder: blossoms, window; letter case counts"
PATH = "/home/me/photos/painted/reports/2026-11-29-144153"


@pytest.mark.parametrize("width", [None, 100, 19])
def test_a_line_stays_whole_where_it_fits_or_where_nothing_would(width: int | None) -> None:
    assert wrapped(SENTENCE, width) == SENTENCE


def test_a_line_is_broken_between_words() -> None:
    assert wrapped(SENTENCE, 60).splitlines() == [
        "root1.jpg gets no picture: it lies in no style's folder:",
        "  blossoms, window; letter case counts",
    ]


def test_a_path_stays_whole_so_that_it_can_be_copied() -> None:
    assert wrapped(f"1 picture made; report: {PATH}", 30).splitlines()[-1] == f"  {PATH}"


def test_an_indent_and_spaces_between_words_stay() -> None:
    assert wrapped("  a.jpg  × wave: 20% after 12.3 s", 22) == "  a.jpg  × wave: 20%\n  after 12.3 s"


@pytest.mark.usefixtures("capsys")
def test_what_is_no_terminal_has_no_width() -> None:
    assert terminal_width() is None


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("out", "lines"), [(FakeTerminal(), 2), (io.StringIO(), 1)])
def test_a_line_is_printed_as_wide_as_the_terminal(
    monkeypatch: pytest.MonkeyPatch, out: io.StringIO, lines: int
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    with contextlib.redirect_stdout(out):
        echo(SENTENCE)
    assert len(out.getvalue().splitlines()) == lines
