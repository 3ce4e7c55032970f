"""Shows the events of a run on the terminal: live, as plain lines, only problems, or as JSON. Decides nothing.

One of the readers of the event stream. Texts with file names never pass through rich's markup.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from types import TracebackType
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.cli.line_width import wrapped
from pipeline.cli.pictures_in_progress import PicturesInProgress
from pipeline.cli.resizable_live import ResizableLive
from pipeline.model import (
    EvaluationShare,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    NetworkLoading,
    OriginalsStay,
    PhotoSetAside,
    PhotosSkipped,
    PreviewSaved,
    Remark,
    RunEvent,
    RunFinished,
    RunStarted,
    WatchNotice,
)
from pipeline.report.formatting import (
    LOADING_TEXT,
    duration,
    failed_text,
    made_text,
    outcome,
    printable,
    set_aside_text,
    skipped_text,
    state_words,
    time_left,
    unpaired_left_out,
)
from pipeline.report.journal import Encoder
from pipeline.report.rate_limit import RateLimit
from pipeline.report.reasons import backlog_sentence
from pipeline.report.rows import Row
from pipeline.report.run_progress import RunProgress
from pipeline.report.style_totals import style_totals
from pipeline.report.summary import Summary

#: Up to this many jobs the table at the end has a row for each job, beyond that a row for each style.
ROWS_SHOWN: Final = 20

#: Wider than any table.
_ANY_WIDTH: Final = 100_000
#: Columns that the bar has beside the numbers at least, with the space between.
_SHORTEST_BAR: Final = 8

_COLORS: Final = {
    "warning": "yellow",
    "failed": "red",
    # kinds of WatchNotice
    "paused": "yellow",
    "polling": "yellow",
    "refused": "red",
    "resumed": "green",
    "reloaded": "green",
}


class Display:
    """Shows a run's events; a context manager, so that the terminal is restored whatever happens.

    On a terminal: a progress bar, a line for each picture in progress, problems above. Elsewhere, and on a dumb
    terminal: a line for each finished picture. ``quiet``: only problems, on standard error. ``json_lines``: each
    event as in the journal. With ``summary``, which must be given each event first, the end of a run shows its table
    and where the report is.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        json_lines: bool = False,
        summary: Summary | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``clock`` returns monotonic seconds, ``now`` the time of day for JSON."""
        self._quiet = quiet
        self._encode = Encoder(now) if json_lines else None
        self._summary = summary
        self._console = console or Console(stderr=quiet and not json_lines)
        if isinstance(self._console.file, TextIOWrapper):
            # Not every terminal can show "→": a question mark is better than an error that ends the run.
            self._console.file.reconfigure(errors="replace")
        # A dumb terminal can't move its cursor: it gets lines, as a pipe does.
        self._is_live = self._console.is_terminal and not self._console.is_dumb_terminal
        self._clock = clock
        self._board = RunProgress()
        self._unpaired = RateLimit(clock=clock)
        self._skipped = RateLimit(clock=clock)
        self._live: ResizableLive | None = None
        self._is_closed = False
        self._reasons_shown: set[str] = set()
        self._has_reloaded = False

    def __enter__(self) -> Display:
        """Return the display."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the terminal."""
        with contextlib.suppress(OSError):
            self._stop_live()

    def __call__(self, event: RunEvent) -> None:
        """Show one event. After the terminal was closed nothing is shown any more; the run continues."""
        left_out = PreviewSaved if self._encode is None else PreviewSaved | EvaluationShare
        if not (self._is_closed or isinstance(event, left_out)):
            try:
                self._show(event)
            except OSError:
                self._is_closed = True

    def _show(self, event: RunEvent) -> None:
        if self._encode is not None:
            self._console.file.write(self._encode(event) + "\n")
            self._console.file.flush()
            return
        self._board.update(event, self._clock())
        self._has_reloaded |= isinstance(event, WatchNotice) and event.kind == "reloaded"
        if not self._quiet and isinstance(event, RunStarted | NetworkLoading | JobStarted):
            self._start_live()
        self._print_event(event)

    def _print_event(self, event: RunEvent) -> None:
        match event:
            case PhotoSetAside():
                self._show_set_aside(event)
            case PhotosSkipped() if not self._quiet and self._skipped.admits():
                self._print(skipped_text(event))
            case RunStarted() if not self._quiet:
                self._show_begin(event)
            case JobFailed(photo_set_aside=False):
                self._print(f"{self._position()}{failed_text(event)}", _COLORS["failed"])
            case JobFinished() if not self._quiet and not self._is_live:
                self._print(f"{self._position()}{made_text(event)}")
            case Remark() if event.warning or not (self._quiet or event.token):
                self._print(event.text, _COLORS["warning"] if event.warning else "")
            case OriginalsStay():
                self._print(event.reason, _COLORS["warning"])
            case RunFinished():
                self._show_end(event)
            case WatchNotice() if not self._quiet or event.kind in ("paused", "resumed", "refused"):
                self._print(
                    f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {event.text}", _COLORS.get(event.kind, "")
                )
            case _:
                pass

    def _show_set_aside(self, event: PhotoSetAside) -> None:
        is_shown = self._unpaired.admits() if event.kind == "unpaired" else True
        if is_shown and not (self._quiet and event.kind == "incomplete"):
            self._print(set_aside_text(event), _COLORS["warning"])

    def _show_begin(self, event: RunStarted) -> None:
        """Say what is made again; a daemon said it when it reloaded its config, and goes on in its next passes."""
        if not (self._has_reloaded or self._reasons_shown.issuperset(event.reasons)):
            self._print(backlog_sentence(event.jobs - event.again, event.again, event.reasons))
        self._reasons_shown |= set(event.reasons)
        self._has_reloaded = False

    def _position(self) -> str:
        return f"[{self._board.done}/{self._board.total}] " if self._board.is_planned else ""

    def _show_end(self, event: RunFinished) -> None:
        self._stop_live()
        if left_out := self._unpaired.take_left_out():
            self._print(unpaired_left_out(left_out), _COLORS["warning"])
        if not self._quiet and self._summary is not None and (rows := self._summary.rows()):
            self._print_table(rows)
        went_wrong = event.failed or event.photos_set_aside or event.interrupted
        if not self._quiet or went_wrong or (event.reason and not event.planned_end):
            self._print(self._closing_line(event))
        if self._summary is not None and self._summary.write_error:
            self._print(self._summary.write_error, _COLORS["warning"])

    def _closing_line(self, event: RunFinished) -> str:
        text = outcome(event)
        report = self._summary.folder if self._summary is not None else None
        return f"{text[0].upper()}{text[1:]}" + ("." if report is None else f"; report: {report}")

    def _print(self, text: str, style: str = "") -> None:
        width = self._console.width if self._is_live else None
        self._console.print(Text(wrapped(printable(text), width), style), soft_wrap=True)

    def _print_table(self, rows: Sequence[Row]) -> None:
        table = results_table(rows)
        width = self._console.measure(table, options=self._console.options.update(max_width=_ANY_WIDTH)).maximum
        if self._is_live:
            self._console.print(table if width <= self._console.width else results_table(rows, figures=False))
            return
        # Elsewhere than on a terminal nothing is too wide: names stay whole, and each row is a line.
        Console(file=self._console.file, width=width, color_system=None, force_terminal=False).print(table)

    def _start_live(self) -> None:
        if self._live is None and self._is_live:
            self._live = ResizableLive(self._console, self._draw)
            self._live.start()

    def _stop_live(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _draw(self) -> RenderableType:
        return live_view(self._board, self._clock())


def live_view(board: RunProgress, now: float) -> RenderableType:
    """Return the live view of a run: a line for the whole run, and one for each picture in progress."""
    # On a narrow terminal the bar and the photos' names are shortened, so that nothing wraps.
    jobs = list(board.in_progress.values())  # a copy: rich draws from a thread of its own
    loading = [Text(LOADING_TEXT)] if board.is_loading and not jobs else []
    return Group(_OverallLine(board, now), *loading, PicturesInProgress(jobs))


@dataclass(frozen=True, slots=True)
class _OverallLine:
    """The bar and the numbers of the whole run; as many of these as fit on the line beside a short bar."""

    board: RunProgress
    now: float

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        board, line = self.board, Table.grid(padding=(0, 2), expand=True)
        line.add_column(ratio=1)
        line.add_column(no_wrap=True)
        numbers = _overall_text(board, self.now, options.max_width - _SHORTEST_BAR)
        line.add_row(ProgressBar(total=max(1, board.total), completed=board.done), Text(numbers))
        yield line


def _overall_text(board: RunProgress, now: float, width: int) -> str:
    """Return the numbers; the speed is left out if they are longer than ``width``, then the failures."""
    count, failed = f"{board.done:,} of {board.total:,}", f"{board.failed:,} failed" if board.failed else ""
    speed, left = _speed_text(board.pictures_per_hour(now)), board.seconds_left(now)
    still = time_left(left) if left else ""
    texts = [
        ", ".join(filter(None, parts))
        for parts in ((count, failed, speed, still), (count, failed, still), (count, still))
    ]
    return next((text for text in texts if len(text) <= width), texts[-1])


def _speed_text(per_hour: float | None) -> str:
    if not per_hour:
        return ""
    return f"{per_hour / 60:.1f} a minute" if per_hour >= 60 else f"{per_hour:.1f} an hour"


def results_table(rows: Sequence[Row], *, figures: bool = True) -> Table:
    """Return the table at the end of a run: a row for each job, or for each style if there are many jobs.

    Without ``figures`` that of jobs has only what is made of what, so that the names have room.
    """
    return _table_of_jobs(rows, figures) if len(rows) <= ROWS_SHOWN else _table_of_styles(rows)


def _table_of_jobs(rows: Sequence[Row], figures: bool) -> Table:
    # The names fill a small terminal; the other figures are in the report.
    table = _empty_table("Photo", "Style", *(("#Time", "#Style loss") if figures else ()), "Picture")
    for row in rows:
        style = row.style if row.recipe == "default" else f"{row.style} ({row.recipe})"
        time = "copied" if row.copied else _duration_text(row.seconds)
        numbers = (time, _change_text(row.first_style, row.last_style)) if figures else ()
        picture = row.output if row.state == JobState.DONE else state_words(JobState(row.state))
        _add_row(table, row.photo, style, *numbers, picture)
    return table


def _table_of_styles(rows: Sequence[Row]) -> Table:
    table = _empty_table("Style", "Recipe", "#Made", "#Copied", "#Failed", "#Time each", "#Style loss")
    for totals in style_totals(rows):
        counts = (f"{totals.made:,}", f"{totals.copied:,}", f"{totals.failed:,}")
        change = _change_text(totals.mean_first_style, totals.mean_last_style)
        _add_row(table, totals.style, totals.recipe, *counts, _duration_text(totals.mean_seconds), change)
    return table


def _empty_table(*titles: str) -> Table:
    """Return an empty table; columns whose title begins with # hold figures."""
    table = Table(show_edge=False)
    for title in titles:
        figures = title.startswith("#")
        table.add_column(
            title.removeprefix("#"), justify="right" if figures else "left", overflow="fold", no_wrap=figures
        )
    return table


def _add_row(table: Table, *cells: str) -> None:
    table.add_row(*(Text(printable(cell)) for cell in cells))


def _duration_text(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _change_text(first: float | None, last: float | None) -> str:
    return "" if first is None or last is None else f"{first:.3g} → {last:.3g}"
