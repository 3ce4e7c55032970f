"""The report of a run as tables: ``report.csv`` and ``report.json``. Owns their columns; prints nothing.

Both have one row a job that the run touched; the CSV has one more, without style and recipe, for each photo that was
set aside before it could become jobs. The CSV is for spreadsheets: UTF-8, lists joined by spaces, and a text that
a spreadsheet would take for a formula (it begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break) gets an
apostrophe in front. The JSON is exact: ``run`` holds the run's totals, ``set_aside`` the photos that made no jobs,
``jobs`` the rows; its strings are escaped as in the journal. ``version`` grows when a field changes its
meaning; fields may be added at any time, and columns to the CSV after its last one.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pipeline.model import (
    IncompleteFile,
    Job,
    JobFailed,
    JobFinished,
    JobStarted,
    JobState,
    PhotoSetAside,
    RunEvent,
    RunFinished,
    RunStarted,
)
from pipeline.report.folders import ReportFolders
from pipeline.report.formatting import incomplete_reason

_LOG = logging.getLogger("stylewatch")

_VERSION: Final = 1
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job of the run. Losses are of the first and last evaluation at the finest scale.

    ``state`` is "done", "failed", "quarantined", or "pending" for a job that was begun and returned to the
    queue. What does not apply is None or empty: a ``copied`` picture took no seconds and has no losses. New columns
    come last.
    """

    photo: str
    style: str
    recipe: str
    output: str
    state: str
    reason: str = ""
    copied: bool = False
    attempts: int | None = None
    width: int | None = None
    height: int | None = None
    sizes: tuple[int, ...] = ()
    iterations: tuple[int, ...] = ()
    seconds: float | None = None
    device: str = ""
    first_content: float | None = None
    first_style: float | None = None
    first_total: float | None = None
    last_content: float | None = None
    last_style: float | None = None
    last_total: float | None = None
    cache_hits: int | None = None
    cache_misses: int | None = None
    notes: tuple[str, ...] = ()
    key: str = ""


class Summary:
    """Collects the events of one run and writes its report when the run ends, also if it was interrupted.

    A report that can't be written doesn't fail the run: ``write_error`` and the log say so, and ``folder`` stays
    None.
    """

    def __init__(
        self,
        reports: Path,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        *,
        keep: int = 0,
    ) -> None:
        """``reports`` gets a folder DATE-TIME for each run (local time of its start); the latest ``keep`` stay."""
        self.folder: Path | None = None
        self.write_error = ""
        self._folders = ReportFolders(reports, keep)
        self._reports = reports
        self._now = now
        self._began = now()
        self._started: RunStarted | None = None
        self._jobs: dict[Job, JobStarted | JobFinished | JobFailed] = {}
        self._set_aside: dict[str, PhotoSetAside] = {}

    def __call__(self, event: RunEvent) -> None:
        """Handle one event; the run's last one writes the report."""
        match event:
            case RunStarted():
                self._began, self._started, self.folder, self.write_error = self._now(), event, None, ""
                self._jobs.clear()
            case JobFailed(photo_set_aside=True):
                self._jobs.pop(event.job, None)  # its photo has a row for all of its pictures
            case JobStarted() | JobFinished() | JobFailed():
                self._jobs[event.job] = event
            case PhotoSetAside():
                # Also between two runs: then the next one's report has it.
                self._set_aside[event.path] = event
            case RunFinished():
                self._note_incomplete(event.incomplete)
                self._write(event)
                self._set_aside.clear()
            case _:
                pass

    def rows(self) -> tuple[Row, ...]:
        """Return one row for each job so far, in the order of their first events."""
        return tuple(_row(event) for event in self._jobs.values())

    def _note_incomplete(self, files: Sequence[IncompleteFile]) -> None:
        """Bring the incomplete files up to date: some have become whole, some are as they were in an earlier run."""
        with_jobs = {job.photo for job in self._jobs}
        for path in [path for path, event in self._set_aside.items() if event.kind == "incomplete"]:
            if path in with_jobs:
                del self._set_aside[path]
        now = self._now().timestamp() if files else 0.0
        for file in files:
            if file.path not in with_jobs:
                self._set_aside[file.path] = PhotoSetAside(file.path, "incomplete", incomplete_reason(file, now))

    def _write(self, event: RunFinished) -> None:
        rows = self.rows()
        try:
            table = _csv([*rows, *map(_row_aside, self._set_aside.values())])
            self.folder = self._folders.write(
                self._began, {"report.csv": table, "report.json": self._json(rows, event)}
            )
            self._folders.prune(self.folder)
        except OSError as error:
            undone = "can't be written" if self.folder is None else "is written, but older ones can't be removed"
            self.write_error = f"the report in {self._reports} {undone} ({error.strerror}); see log.reports"
            _LOG.warning("%s", self.write_error)

    def _json(self, rows: Sequence[Row], event: RunFinished) -> bytes:
        run = {"started": self._began.isoformat(timespec="seconds")}
        run |= {"ended": self._now().isoformat(timespec="seconds")}
        run |= dataclasses.asdict(self._started) if self._started else {}
        run |= dataclasses.asdict(event)
        report = {
            "version": _VERSION,
            "run": run,
            "set_aside": [dataclasses.asdict(photo) for photo in self._set_aside.values()],
            "jobs": [dataclasses.asdict(row) for row in rows],
        }
        return json.dumps(report, indent=1).encode("ascii")


def _row(event: JobStarted | JobFinished | JobFailed) -> Row:
    job = event.job
    row = Row(photo=job.photo, style=job.style, recipe=job.recipe, output=event.output, state=JobState.PENDING)
    match event:
        case JobFailed():
            return dataclasses.replace(
                row, state=event.state, reason=event.reason, attempts=event.attempts, key=event.key
            )
        case JobFinished():
            row = dataclasses.replace(row, state=JobState.DONE, attempts=event.attempts, key=event.key, copied=True)
            return dataclasses.replace(row, copied=False, **_artwork_cells(event)) if event.artwork else row
        case JobStarted():
            return row


def _row_aside(event: PhotoSetAside) -> Row:
    return Row(photo=event.path, style="", recipe="", output="", state=event.kind, reason=event.reason)


def _artwork_cells(event: JobFinished) -> dict[str, Any]:
    artwork = event.artwork
    assert artwork is not None
    same = ("width", "height", "sizes", "iterations", "seconds", "device", "cache_hits", "cache_misses", "notes")
    cells = {name: getattr(artwork, name) for name in same}
    for when, losses in (("first", artwork.first), ("last", artwork.last)):
        cells |= {f"{when}_{kind}": value for kind, value in dataclasses.asdict(losses).items()}
    return cells


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    columns = [field.name for field in dataclasses.fields(Row)]
    writer.writerow(columns)
    writer.writerows([_cell(getattr(row, column)) for column in columns] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        value = " ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
