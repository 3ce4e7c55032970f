"""What is erased when the terminal has become narrower: all rows that the former lines have become, and no other."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from pipeline.cli.resizable_live import ResizableLive


def rows_erased(before: int, after: int, *, lines: int = 2) -> int:
    """Return how many rows are erased upwards, beside the one of the cursor, by the first refresh ``after``."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=before, height=30, legacy_windows=False)
    live = ResizableLive(console, lambda: Text("\n".join(["x" * console.width] * lines)))
    live.auto_refresh = False
    live.start(refresh=True)
    try:
        console.width = after
        out.truncate(0)
        live.refresh()
        drawn = out.getvalue()
        out.truncate(0)
        live.refresh()
        assert out.getvalue().count("\x1b[1A") == lines - 1, "from then on it is as ever"
    finally:
        live.stop()
    assert drawn.count("x" * after) == lines
    return drawn.count("\x1b[1A")


@pytest.mark.parametrize(("after", "rows"), [(100, 2), (200, 2), (99, 4), (50, 4), (49, 6), (30, 8)])
def test_lines_that_a_narrower_terminal_broke_are_erased_row_by_row(after: int, rows: int) -> None:
    assert rows_erased(100, after) == rows - 1


def test_no_more_lines_are_drawn_than_the_terminal_has() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=20, height=5, legacy_windows=False)
    live = ResizableLive(console, lambda: Text("\n".join(f"line {number}" for number in range(9))))
    live.auto_refresh = False
    live.start(refresh=True)
    drawn = out.getvalue()
    live.stop()
    assert "line 4" in drawn
    assert "line 5" not in drawn
