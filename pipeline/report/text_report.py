"""``report.txt``: a run's report for people, to be read or mailed. Owns its layout, and shares the log's sentences.

What somebody wants to know first comes first: the outcome, the table by style, what failed and why, and only then the
pictures that were made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.model import JobFailed, JobFinished, JobStarted, JobState, PhotoSetAside
from pipeline.report.formatting import duration, failed_text, made_text, printable, set_aside_text, state_words
from pipeline.report.rows import picture_row
from pipeline.report.style_totals import style_totals

_TITLES: Final = ("style", "recipe", "made", "copied", "failed", "time each")
#: Columns before this one hold names and are aligned to the left.
_FIRST_FIGURE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReport:
    """What the report says; ``pictures`` are the last event of each picture, ``outcome`` and ``notes`` sentences."""

    config: str
    began: datetime
    ended: datetime
    outcome: str
    pictures: Sequence[JobStarted | JobFinished | JobFailed]
    photos: Sequence[PhotoSetAside]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """Return the whole file, with names made harmless."""
        return "".join(f"{printable(line)}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"stylewatch: report of the run of {self.config}" if self.config else "stylewatch: report of a run"
        yield f"begun {self.began:%Y-%m-%d %H:%M:%S}, ended {self.ended:%Y-%m-%d %H:%M:%S}"
        yield f"{self.outcome[:1].upper()}{self.outcome[1:]}."
        yield from self._table()
        failed = [failed_text(event) for event in self.pictures if isinstance(event, JobFailed)]
        yield from _section("Pictures that failed", failed)
        yield from _section("Notes", self.notes)
        aside = [photo for photo in self.photos if photo.kind == "quarantined"]
        yield from _section("Photos set aside", [set_aside_text(photo) for photo in aside])
        others = [photo for photo in self.photos if photo.kind != "quarantined"]
        yield from _section("Photos without a picture so far", [set_aside_text(photo) for photo in others])
        yield from _section(
            "Pictures made", [made_text(event) for event in self.pictures if isinstance(event, JobFinished)]
        )
        waiting = [event for event in self.pictures if isinstance(event, JobStarted)]
        left = [f"{event.job} is {state_words(JobState.PENDING)} again" for event in waiting]
        yield from _section("Pictures begun and left for the next run", left)

    def _table(self) -> Iterator[str]:
        if not self.pictures:
            return
        cells = [
            (
                totals.style,
                totals.recipe,
                f"{totals.made:,}",
                f"{totals.copied:,}",
                f"{totals.failed:,}",
                "" if totals.mean_seconds is None else duration(totals.mean_seconds),
            )
            for totals in style_totals([picture_row(event) for event in self.pictures])
        ]
        yield ""
        yield from _columns([_TITLES, *cells])


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title} ({len(lines):,}):"
        yield from (f"  {line}" for line in lines)


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows in columns, as wide as their widest cell."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if number < _FIRST_FIGURE else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
