r"""The structured log for programs: one event a line. Owns its encoding and its file; does not interpret events.

``journal.jsonl`` holds one JSON object a line, in ASCII. Every object has

    version 2; grows when a field changes its meaning. Events and fields may be added at any time
    time    ISO 8601, UTC, milliseconds: "2026-03-01T22:00:00.000Z"
    run     the run's id, null outside of a run
    event   run_started, backlog_changed, photo_set_aside, network_loading, job_started, progress, checkpoint, remark,
            job_finished, job_failed, original_moved, originals_stay, run_finished, watch_notice

and the fields of the dataclass of that name in :mod:`pipeline.model` (``checkpoint`` is SnapshotSaved), with ``job``
spread out into ``photo``, ``style`` and ``recipe``, paths as strings and non-finite numbers as null. ``token`` ties
the lines of one attempt at a job together. Bytes of a name that are not UTF-8 stand as the escapes \udc80 ... \udcff;
after reading the JSON, Python's ``os.fsencode`` turns them back into those bytes.

Of the many progress events only the last one of each scale is written, and none about the gallery's previews or how
far an evaluation is. An artwork's ``history`` is left out: the ledger has it.

In version 1 ``failed`` of ``run_finished`` counted photos that were set aside and their pictures, too, and ``jobs``
of ``run_started`` only those of one pass of a daemon.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import logging
import math
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Final

from pipeline.model import (
    Artwork,
    EvaluationShare,
    Job,
    JobFailed,
    JobFinished,
    PreviewSaved,
    Progress,
    RunEvent,
    RunFinished,
    RunStarted,
    SnapshotSaved,
)
from pipeline.report.rotation import rotate

_LOG = logging.getLogger("stylewatch")

_VERSION: Final = 2

#: Events whose names in the journal differ from their classes: programs that read journals know these names.
_NAMES: Final[dict[type, str]] = {SnapshotSaved: "checkpoint"}

#: Fields that no line has; ``run`` is the run's id.
_LEFT_OUT: Final[dict[type, tuple[str, ...]]] = {
    RunStarted: ("run_id",),
    RunFinished: ("run_id",),
    Artwork: ("history",),
}


class Encoder:
    """Turns events into lines (without the line's end) and remembers which run they belong to."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """``now`` returns the time of day with its zone."""
        self._now = now
        self._run_id: str | None = None

    def __call__(self, event: RunEvent) -> str:
        """Return one line of JSON in ASCII."""
        if isinstance(event, RunStarted):
            self._run_id = event.run_id
        time = self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        name = _NAMES.get(type(event)) or re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
        head = {"version": _VERSION, "time": time, "run": self._run_id, "event": name}
        if isinstance(event, RunFinished):
            self._run_id = None
        return json.dumps(head | _fields(event), allow_nan=False)


def _fields(value: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        content = getattr(value, field.name)
        fields |= _fields(content) if isinstance(content, Job) else {field.name: _json_value(content)}
    for name in _LEFT_OUT.get(type(value), ()):
        del fields[name]
    return fields


def _json_value(value: Any) -> Any:
    """Return ``value`` as something that JSON can hold."""
    if dataclasses.is_dataclass(value):
        return _fields(value)
    if isinstance(value, tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class Journal:
    """Appends events to a file and starts a new file in time: ``journal.jsonl.1`` is the one before, and so on.

    A full disk or a lost share doesn't stop the run: events are left out, and the log says so once.
    """

    def __init__(
        self,
        path: Path,
        max_bytes: int,
        backups: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep at most ``max_bytes`` (0 = no limit) in ``path`` and each of its ``backups`` predecessors."""
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._encode = Encoder(now)
        self._file: FileIO | None = None
        self._last_progress: dict[str, Progress] = {}
        self._warned = False

    def __call__(self, event: RunEvent) -> None:
        """Write one event. An error of the disk is logged, not raised."""
        if isinstance(event, PreviewSaved | EvaluationShare):  # often, and of no use once the run is over
            return
        if isinstance(event, Progress):
            before = self._last_progress.get(event.token)
            self._last_progress[event.token] = event
            if before is not None and before.scale_index != event.scale_index:
                self._write(before)
            return
        if isinstance(event, JobFinished | JobFailed) and (last := self._last_progress.pop(event.token, None)):
            self._write(last)
        if isinstance(event, RunFinished):
            self._last_progress.clear()  # of jobs that returned to the queue
        self._write(event)

    def close(self) -> None:
        """Close the file; the next event opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, event: RunEvent) -> None:
        line = self._encode(event).encode("ascii") + b"\n"
        try:
            file = self._file_with_room(len(line))
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, "only a part of a line was written")  # noqa: TRY301 - handled like an error of write()
        except OSError as error:
            self.close()  # opening it again ends the incomplete line
            if not self._warned:
                self._warned = True
                _LOG.warning(
                    "%s can't be written (%s), so its events are left out; check the disk and log.journal",
                    self._path,
                    error.strerror,
                )

    def _file_with_room(self, count: int) -> FileIO:
        """Return the open file, after making it the first backup if ``count`` more bytes are too many for it."""
        file = self._file or self._open()
        if self._max_bytes and file.tell() and file.tell() + count > self._max_bytes:
            self.close()
            with contextlib.suppress(OSError):  # Windows keeps a file that another program has open: then it grows
                rotate(self._path, self._backups)
            file = self._open()
        return file

    def _open(self) -> FileIO:
        """Open for appending; an incomplete line, left by a crash, is ended first."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = FileIO(self._path, "ab+")
        self._file = file
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        return file
