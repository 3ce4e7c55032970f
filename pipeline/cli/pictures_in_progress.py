"""The lines of the live view for the pictures in progress. Owns what is left out where the terminal is narrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from pipeline.report.formatting import printable
from pipeline.report.run_progress import JobProgress

_GAP: Final = 2
#: Photos' names get at most so many columns, and losses are left out before they get fewer than the least.
_PHOTO_COLUMNS: Final = 50
_LEAST_PHOTO_COLUMNS: Final = 20
_LEAST_STYLE_COLUMNS: Final = 12


@dataclass(frozen=True, slots=True)
class PicturesInProgress:
    """A line for each picture, never more: photo, style, scale, evaluation and, where there is room, the losses.

    Which style it is can always be seen; long names are shortened in their middle.
    """

    jobs: Sequence[JobProgress]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay it out for the terminal as wide as it is now."""
        if not self.jobs:
            return
        details = [_details(job) for job in self.jobs]
        names = [(printable(job.job.photo), printable(_style(job))) for job in self.jobs]
        room = options.max_width
        least = min(_LEAST_PHOTO_COLUMNS, max(cell_len(photo) for photo, _ in names))
        while len(details[0]) > 1 and room - _width(details) - _style_room(names, room) < least:
            details = [cells[:-1] for cells in details]
        style_room = _style_room(names, room) - _GAP
        photo_room = max(1, min(_PHOTO_COLUMNS, room - _width(details) - style_room - _GAP))
        table = Table.grid(padding=(0, _GAP))
        for (photo, style), cells in zip(names, details, strict=True):
            table.add_row(
                *(
                    Text(cell, no_wrap=True)
                    for cell in (shortened(photo, photo_room), shortened(style, style_room), *cells)
                )
            )
        yield table


def _style(job: JobProgress) -> str:
    return f"× {job.job.style}" + ("" if job.job.recipe == "default" else f" ({job.job.recipe})")


def _details(job: JobProgress) -> list[str]:
    """Return what is known of the picture, the least important last."""
    now = job.progress
    share = f"{int(100 * job.evaluation_share)} %" if job.evaluation_share else ""
    if now is None:
        return ["evaluating" if share else "starting", share, ""]
    losses = f"content {now.losses.content:.3g}, style {now.losses.style:.3g}"
    evaluations = f"{now.iteration}/{now.iterations}" + (f" + {share}" if share else "")
    return [f"scale {now.scale_index + 1}/{now.scale_count}", evaluations, losses]


def _width(details: Iterable[Sequence[str]]) -> int:
    """Return how many columns these cells take, with the gap before each."""
    return sum(_GAP + max(map(cell_len, column)) for column in zip(*details, strict=True))


def _style_room(names: Sequence[tuple[str, str]], room: int) -> int:
    """Return how many columns the styles get, with the gap before them: a third of the terminal at most."""
    widest = max((cell_len(style) for _, style in names), default=0)
    return _GAP + min(widest, max(_LEAST_STYLE_COLUMNS, room // 3))


def shortened(text: str, columns: int) -> str:
    """Return ``text`` in at most so many columns of a terminal; of a longer one the middle is left out."""
    if cell_len(text) <= columns:
        return text
    head = _start(text, (columns - 1) // 3)
    tail = _start(text[::-1], columns - 1 - cell_len(head))[::-1]
    return f"{head}…{tail}"


def _start(text: str, columns: int) -> str:
    ends = takewhile(lambda end: cell_len(text[:end]) <= columns, range(1, len(text) + 1))
    return text[: max(ends, default=0)]
