"""Keeps a small record of the last runs, for the gallery. Owns its file in the state folder.

A ledger of an older version comes without one; what its reports say of the runs is taken over once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pipeline.durable_files import write_file
from pipeline.model import RunFinished

FILE_NAME: Final = "runs.json"

#: Grows when a field changes its meaning. An added field has a default, for files of older versions.
_VERSION: Final = 1

_MOST: Final = 30
_REPORT: Final = "report.json"

#: What the numbers of reports were called before version 2 of them.
_OLD_NAMES: Final = {
    "pictures_made": "finished",
    "pictures_copied": "copied",
    "pictures_failed": "failed",
    "pictures_left": "left",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a run did; see :class:`RunFinished`.

    ``started`` is in seconds since the epoch. ``report``: its report relative to the output folder, None without one.
    """

    started: float
    seconds: float
    made: int
    copied: int
    failed: int
    left: int
    set_aside: int
    interrupted: bool
    reason: str
    cache_hits: int = 0
    cache_misses: int = 0
    report: str | None = None


class RunRecords:
    """The records of the last runs with one state folder."""

    def __init__(self, state_folder: Path, output_folder: Path, reports: Path) -> None:
        self._file = state_folder / FILE_NAME
        self._output = output_folder
        self._reports = reports

    def all(self, without: Path | None = None) -> list[RunRecord]:
        """Return the records, the newest first; those of the reports if there are none, ``without`` this one."""
        try:
            value = json.loads(self._file.read_text(encoding="ascii"))
            if value["version"] > _VERSION:
                return []
            return [RunRecord(**_known(fields)) for fields in value["runs"]]
        except FileNotFoundError:
            return list(self._in_reports(without))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []

    def add(self, event: RunFinished, report: Path | None, now: float | None = None) -> None:
        """Record a run that has ended ``now`` (epoch seconds), unless there was nothing to do. Raises OSError."""
        counts = (event.finished, event.copied, event.failed, event.photos_set_aside)
        if not (any(counts) or event.interrupted or event.reason):
            return
        now = time.time() if now is None else now
        record = RunRecord(
            started=round(now - event.seconds),
            seconds=round(event.seconds, 3),
            made=event.finished,
            copied=event.copied,
            failed=event.failed,
            left=event.left,
            set_aside=event.photos_set_aside,
            interrupted=event.interrupted,
            reason=event.reason,
            cache_hits=event.cache_hits,
            cache_misses=event.cache_misses,
            report=None if report is None else self._below_output(report / "report.txt"),
        )
        # The first one is among the reports by now, if these are taken over.
        runs = [dataclasses.asdict(run) for run in [record, *self.all(without=report)][:_MOST]]
        write_file(self._file, json.dumps({"version": _VERSION, "runs": runs}).encode("ascii"), durable=False)

    def _below_output(self, file: Path) -> str | None:
        return file.relative_to(self._output).as_posix() if file.is_relative_to(self._output) else None

    def _in_reports(self, without: Path | None) -> Iterator[RunRecord]:
        with contextlib.suppress(OSError):
            folders = [path for path in self._reports.iterdir() if path.is_dir() and path != without]
            for folder in sorted(folders, reverse=True)[:_MOST]:
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                    run = json.loads((folder / _REPORT).read_text(encoding="ascii"))["run"]
                    yield self._of_report(run, folder)

    def _of_report(self, run: dict[str, Any], folder: Path) -> RunRecord:
        run = {name: run[old] for name, old in _OLD_NAMES.items() if old in run} | run
        text = folder / "report.txt"
        return RunRecord(
            started=datetime.fromisoformat(run["started"]).timestamp(),
            seconds=float(run["seconds"]),
            made=int(run["pictures_made"]),
            copied=int(run["pictures_copied"]),
            failed=int(run["pictures_failed"]),
            left=int(run["pictures_left"]),
            set_aside=int(run.get("photos_set_aside", 0)),
            interrupted=bool(run["interrupted"]),
            reason=str(run["reason"]),
            cache_hits=int(run.get("cache_hits", 0)),
            cache_misses=int(run.get("cache_misses", 0)),
            report=self._below_output(text) if text.is_file() else None,
        )


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {each.name: fields[each.name] for each in dataclasses.fields(RunRecord) if each.name in fields}
