"""The report of a run: ``report.txt``, ``report.csv`` and ``report.json``. Owns what is in the latter two.

A run that touched no picture and set no photo aside gets none, nor one that only found files still incomplete. CSV
and JSON have one row for each picture that the run touched; the CSV has one more, without style and recipe, for each
photo that was set aside or waits, and one without a photo for each reason why photos are skipped. The CSV is for
spreadsheets: UTF-8, lists joined by spaces, and a text that a spreadsheet would take for a formula (it begins with
``=``, ``+``, ``-``, ``@``, a tab or a line break) gets an apostrophe in front. The JSON is exact, its strings are
escaped as in the journal:

    version    2; grows when a field changes its meaning; fields may be added at any time
    run        run_id, config, started, ended (ISO 8601, local), seconds, interrupted, planned_end, reason
               photos_found: in the input folder
               pictures_to_make, pictures_done_before: when it began
               pictures_to_make_again: of these, there is a picture already; reasons_to_make_again: why, with how many
               pictures_to_make_by_recipe; estimated_seconds: for these, by the forecast, null if there was none
               pictures_made_by_earlier_passes: of a daemon, since there was last nothing to do
               pictures_made, pictures_copied, pictures_failed, pictures_left (still to be made): by this run
               photos_set_aside: by this run; pictures of these photos are not among those that failed
               photos_skipped: those that the config leaves out, by reason
               pictures_by_state: all on record at the end, by the ledger's states
               cache_hits, cache_misses: style targets taken from the cache, computed
               slots_used, slots_offered: how full the engine's batches were
    set_aside  the photos that got no picture: path, kind (quarantined, incomplete, gone, unpaired), reason
    pictures   the rows, see :class:`pipeline.report.rows.Row`

In version 1 ``pictures`` was called ``jobs``, and in ``run`` the numbers did not say of what they were.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.model import (
    IncompleteFile,
    Job,
    JobFailed,
    JobFinished,
    JobStarted,
    PhotoSetAside,
    RunEvent,
    RunFinished,
    RunStarted,
)
from pipeline.report.folders import ReportFolders
from pipeline.report.formatting import incomplete_reason, outcome
from pipeline.report.rows import Row, photo_row, picture_row, skipped_row
from pipeline.report.text_report import TextReport

_LOG = logging.getLogger("stylewatch")

_VERSION: Final = 2

#: What fields of RunStarted and RunFinished are called in the JSON, side by side; "" = left out.
_NAMES_AT_START: Final = {
    "photos": "photos_found",
    "jobs": "pictures_to_make",
    "done": "pictures_done_before",
    "again": "pictures_to_make_again",
    "reasons": "reasons_to_make_again",
    "recipes": "pictures_to_make_by_recipe",
    "made_before": "pictures_made_by_earlier_passes",
    "seconds": "estimated_seconds",
    "estimate": "",
}
_NAMES_AT_END: Final = {
    "finished": "pictures_made",
    "copied": "pictures_copied",
    "failed": "pictures_failed",
    "left": "pictures_left",
    "counts": "pictures_by_state",
    "standing": "",
}

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class Summary:
    """Collects the events of one run and writes its report when the run ends, also if it was interrupted.

    ``folder`` stays None if there was nothing to report, or if the report can't be written; that doesn't fail the
    run, ``write_error`` and the log say so.
    """

    def __init__(
        self,
        reports: Path,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        *,
        keep: int = 0,
        keep_days: int = 0,
    ) -> None:
        """``reports`` gets a folder DATE-TIME for each run (local time of its start).

        The latest ``keep`` stay for ``keep_days``; 0 = no limit.
        """
        self.folder: Path | None = None
        self.write_error = ""
        self._folders = ReportFolders(reports, keep, keep_days)
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
        return tuple(picture_row(event) for event in self._jobs.values())

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
        ended = self._now()
        undone = "the report can't be written"
        try:
            if self._jobs or not _seen_before(event, ended).issuperset(self._set_aside):
                self.folder = self._folders.write(self._began, self._files(event, ended))
            undone = "old reports can't be removed"
            self._folders.prune(ended, self.folder)
        except OSError as error:
            self.write_error = f"{undone}: {self._reports} ({error.strerror}); see log.reports"
            _LOG.warning("%s", self.write_error)

    def _files(self, event: RunFinished, ended: datetime) -> dict[str, bytes]:
        rows = self.rows()
        text = TextReport(
            config=self._started.config if self._started else "",
            began=self._began,
            ended=ended,
            outcome=outcome(event),
            pictures=tuple(self._jobs.values()),
            photos=tuple(self._set_aside.values()),
            notes=event.notes,
        ).text()
        return {
            "report.txt": text.encode("utf-8"),
            "report.csv": _csv(
                [
                    *rows,
                    *map(photo_row, self._set_aside.values()),
                    *(skipped_row(reason, count) for reason, count in event.photos_skipped.items()),
                ]
            ),
            "report.json": self._json(rows, event, ended),
        }

    def _json(self, rows: Sequence[Row], event: RunFinished, ended: datetime) -> bytes:
        run: dict[str, Any] = {
            "started": self._began.isoformat(timespec="seconds"),
            "ended": ended.isoformat(timespec="seconds"),
        }
        run |= _renamed(self._started, _NAMES_AT_START) if self._started else {}
        run |= _renamed(event, _NAMES_AT_END) | {"seconds": round(event.seconds, 1)}
        run["incomplete"] = [_incomplete_fields(file) for file in event.incomplete]
        report = {
            "version": _VERSION,
            "run": run,
            "set_aside": [dataclasses.asdict(photo) for photo in self._set_aside.values()],
            "pictures": [dataclasses.asdict(row) for row in rows],
        }
        return json.dumps(report, indent=1).encode("ascii")


def _seen_before(event: RunFinished, ended: datetime) -> set[str]:
    """Return the files that were incomplete before this run, too."""
    began = ended.timestamp() - event.seconds
    return {file.path for file in event.incomplete if file.since < began}


def _renamed(event: RunStarted | RunFinished, names: Mapping[str, str]) -> dict[str, Any]:
    fields = {names.get(name, name): value for name, value in dataclasses.asdict(event).items()}
    fields.pop("", None)
    return fields


def _incomplete_fields(file: IncompleteFile) -> dict[str, str]:
    since = datetime.fromtimestamp(file.since, UTC).isoformat(timespec="seconds")
    return {"path": file.path, "reason": file.reason, "since": since}


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
