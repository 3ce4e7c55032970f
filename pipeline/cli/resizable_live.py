"""A live view that survives a terminal's becoming narrower. Owns how many rows its former lines have become.

Rich erases as many rows as it has drawn. A terminal that becomes narrower breaks these lines into more rows, of which
the first would stay behind, once more at each change. Terminals that cut lines instead of breaking them are rare.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType, Segment, SegmentLines


class ResizableLive(Live):
    """Shows what ``draw`` returns, several times a second, until stopped; then nothing of it stays."""

    def __init__(self, console: Console, draw: Callable[[], RenderableType]) -> None:
        self._drawn = _Drawn(draw)
        super().__init__(console=console, get_renderable=lambda: self._drawn, transient=True)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Erase the surplus rows before what Rich erases and draws."""
        processed = super().process_renderables(renderables)
        surplus = self._drawn.surplus_rows(self.console.width)
        return [_erase_upwards(surplus), *processed] if surplus else processed


class _Drawn:
    """Draws, and remembers how wide the lines are that were drawn last."""

    def __init__(self, draw: Callable[[], RenderableType]) -> None:
        self._draw = draw
        self._widths: list[int] = []

    def surplus_rows(self, columns: int) -> int:
        """Return how many rows more than lines there are on a terminal that now has so many columns."""
        return sum(max(0, width - 1) // max(1, columns) for width in self._widths)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw for the terminal as wide as it is now; no more lines than it has."""
        lines = console.render_lines(self._draw(), options, pad=False)[: options.size.height]
        self._widths = [Segment.get_line_length(line) for line in lines]
        yield SegmentLines(lines, new_lines=True)


def _erase_upwards(rows: int) -> Control:
    codes: list[ControlType | tuple[ControlType, int]] = [ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)]
    for _ in range(rows):
        codes += [(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)]
    return Control(*codes)
