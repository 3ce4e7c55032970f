"""A sign of life, for ``stylewatch status``: who works on a state folder, and what is being done there.

Owns a small file that the working thread replaces every few seconds, so that it grows old when that thread hangs. One
more reader of the stream of events. Refuses to judge, which is :mod:`pipeline.runner.status`'s.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pipeline.errors import LockedError, StylewatchError
from pipeline.model import JobFinished, JobStarted, RunEvent, RunFinished, RunStarted, WatchNotice
from pipeline.report.formatting import counted
from pipeline.report.run_progress import RunProgress

FILE_NAME: Final = "heartbeat.json"

#: Grows when a field means something else. One that is added has a default, for files of older versions.
_VERSION: Final = 1

#: A program in good health says something at least so often, but while it begins or is busy with one large file.
BEAT_SECONDS: Final = 10.0
#: What is new is told sooner, but never more often than this.
_NEWS_SECONDS: Final = 1.0
#: Until the first beat the folder is looked through and photos are hashed, and nobody can tell how long that takes.
_STARTING_SECONDS: Final = 3600.0
#: The longest that a program in good health says nothing: it reads, hashes or moves one large file.
_MAX_SILENT_SECONDS: Final = 300.0
#: So many pictures are "lately".
_RECENT_PICTURES: Final = 50


@dataclass(frozen=True, slots=True)
class PictureInProgress:
    """A picture being made: ``share_done`` 0..1, begun at ``since`` (epoch seconds)."""

    photo: str
    style: str
    recipe: str
    share_done: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatRecord:
    """What a program at work said of itself. Times are in seconds since the epoch.

    It promised to say something again within ``quiet_seconds``. ``doing`` is starting, painting, paused, resting,
    idle or stopping, ``words`` the same for people; ``paused`` says why it waits, if it does.
    ``pictures_per_hour`` counts only the time in which there was work, and is None before the first picture.
    """

    pid: int
    host: str
    command: str
    started: float
    beat: float
    beat_monotonic: float
    quiet_seconds: float
    doing: str
    words: str
    paused: str
    last_scan: float | None
    pictures_per_hour: float | None
    pictures: tuple[PictureInProgress, ...]

    def age_seconds(self, now: float, monotonic: float, host: str) -> float:
        """Return how long ago it was said. ``monotonic`` is this machine's clock since it was started.

        That one neither jumps nor runs while the machine sleeps; on another machine only the time of day is left.
        """
        age = monotonic - self.beat_monotonic if host == self.host else now - self.beat
        return max(0.0, age)

    def identity(self) -> tuple[str, int, float]:
        """Return what tells one program from another, on any machine."""
        return self.host, self.pid, self.started

    def name(self) -> str:
        """Return who it is, for people: on which machine only where that is another one."""
        place = "" if self.host == platform.node() else f" on {self.host}"
        return f"'{self.command}' with pid {self.pid}{place}"


def read_heartbeat(state_folder: Path) -> HeartbeatRecord | None:
    """Return the latest sign of life, None if there is none that can be read.

    It may be another version's, of a daemon that was not restarted yet: what is unknown here is left out.
    """
    try:
        fields = json.loads((state_folder / FILE_NAME).read_text(encoding="ascii"))
        if fields["version"] > _VERSION:
            return None
        pictures = tuple(PictureInProgress(**_known(PictureInProgress, picture)) for picture in fields["pictures"])
        return HeartbeatRecord(**_known(HeartbeatRecord, fields) | {"pictures": pictures})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _known(kind: type[HeartbeatRecord | PictureInProgress], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: fields[field.name] for field in dataclasses.fields(kind) if field.name in fields}


class _Throughput:
    """How fast pictures come while there is work. Its seconds are those of any monotonic clock."""

    def __init__(self) -> None:
        self._work_seconds = 0.0
        self._since: float | None = None
        self._finished_at: deque[float] = deque([0.0], maxlen=_RECENT_PICTURES + 1)

    def begin(self, now: float) -> None:
        self._since = now

    def end(self, now: float) -> None:
        self._work_seconds, self._since = self._at(now), None

    def count(self, now: float) -> None:
        self._finished_at.append(self._at(now))

    def per_hour(self, now: float) -> float | None:
        pictures, seconds = len(self._finished_at) - 1, self._at(now) - self._finished_at[0]
        return 3600 * pictures / seconds if pictures and seconds > 0 else None

    def _at(self, now: float) -> float:
        return self._work_seconds + (0.0 if self._since is None else now - self._since)


class Heartbeat:
    """Writes the sign of life; a context manager that removes it in the end. Belongs to the thread that works."""

    def __init__(
        self,
        state_folder: Path,
        command: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``command`` is what was called. ``clock``: the machine's monotonic seconds, ``now``: epoch seconds.

        Calls raise LockedError, once, when another program's sign of life is found in the place of this one's.
        """
        self.last_scan: float | None = None
        self._file = state_folder / FILE_NAME
        self._command = command
        self._clock = clock
        self._now = now
        self._started = now()
        self._started_at: dict[str, float] = {}
        self._progress = RunProgress(clock())
        self._throughput = _Throughput()
        self._is_running = False
        self._paused = ""
        self._resting = ""
        self._stopping = False
        self._quiet_seconds = _STARTING_SECONDS
        self._successor: HeartbeatRecord | None = None
        self._write()

    def __enter__(self) -> Heartbeat:
        """Return the heart."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind: a file that stays tells of a program that was killed.

        Raises LockedError instead of what follows from another program's work on the same folder.
        """
        self._check_for_successor()
        if self._successor is not None:
            if isinstance(error, StylewatchError) and not isinstance(error, LockedError):
                raise self._taken_over(self._successor) from error
            return
        self.forget()

    def forget(self) -> None:
        """Remove the sign of life. Safe to call from a signal handler, by whoever ends the program there."""
        if self._successor is None:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)

    def __call__(self, event: RunEvent) -> None:
        """Take in one event."""
        self._progress.update(event)
        after_seconds = _NEWS_SECONDS
        match event:
            case RunStarted():
                self._start_run()
            case RunFinished():
                self._is_running = False
                self._throughput.end(self._clock())
            case JobStarted():
                self._record_start(event.token)
            case JobFinished() if event.artwork is not None:
                self._throughput.count(self._clock())
            case WatchNotice():
                self._handle_notice(event)
            case _:
                after_seconds = BEAT_SECONDS
        self._write_if_due(after_seconds)

    def beat(self) -> None:
        """Say that the program gets on. Called often; hardly ever costs more than a look at the clock."""
        self._quiet_seconds = _MAX_SILENT_SECONDS
        self._write_if_due(BEAT_SECONDS)

    def doing(self) -> str:
        """Return starting, painting, paused, resting (outside its schedule), idle or stopping."""
        if self._stopping:
            return "stopping"
        if self._is_running:
            return "painting"
        if self._paused:
            return "paused"
        if self._resting:
            return "resting"
        return "idle" if self._quiet_seconds == _MAX_SILENT_SECONDS else "starting"

    def words(self) -> str:
        """Return what is being done, for people."""
        match self.doing():
            case "painting":
                pictures = counted(len(self._progress.in_progress), "picture")
                return f"painting {pictures}, {self._progress.done:,} of {self._progress.total:,} done"
            case "paused":
                return self._paused
            case "resting":
                return self._resting
            case "idle":
                return "waiting for photos"
            case other:
                return other

    def _start_run(self) -> None:
        self._progress = RunProgress(
            self._clock(), planned=self._progress.planned, finished_before=self._progress.finished_before
        )
        self._started_at.clear()
        self._is_running = True
        self._quiet_seconds = _MAX_SILENT_SECONDS
        self._throughput.begin(self._clock())

    def _record_start(self, token: str) -> None:
        self._started_at[token] = self._now()
        self._started_at = {
            token: since for token, since in self._started_at.items() if token in self._progress.in_progress
        }

    def _handle_notice(self, notice: WatchNotice) -> None:
        if notice.kind in ("paused", "resumed"):
            # What else is waited for when something is mended is told right afterwards.
            self._paused = notice.text if notice.kind == "paused" else ""
        elif notice.kind in ("resting", "working"):
            self._resting = notice.text if notice.kind == "resting" else ""
        elif notice.kind == "stopped":
            self._stopping = True

    def _write_if_due(self, after_seconds: float) -> None:
        if self._successor is None and self._clock() - self._written_at >= after_seconds:
            self._check_for_successor()
            if self._successor is not None:
                raise self._taken_over(self._successor)
            self._write()

    def _check_for_successor(self) -> None:
        """Note whose sign is there if it is not this program's: it works without the lock, or with one of its own."""
        record = read_heartbeat(self._file.parent)
        if record is not None and record.identity() != (platform.node(), os.getpid(), self._started):
            self._successor = record

    def _taken_over(self, record: HeartbeatRecord) -> LockedError:
        return LockedError(
            f"{self._file.parent}: {record.name()} has taken over the work here: locks on this disk don't hold for "
            f"all machines; nothing is lost, but let only one program work with this folder"
        )

    def _write(self) -> None:
        self._written_at = self._clock()
        part = self._file.with_name(f".{FILE_NAME}.part")
        # A full disk keeps nobody from painting; the sign then grows old, which is not wrong either.
        with contextlib.suppress(OSError):
            part.write_text(json.dumps(self._fields()), encoding="ascii")
            part.replace(self._file)

    def _fields(self) -> dict[str, Any]:
        record = HeartbeatRecord(
            pid=os.getpid(),
            host=platform.node(),
            command=self._command,
            started=self._started,
            beat=self._now(),
            beat_monotonic=self._written_at,
            quiet_seconds=self._quiet_seconds,
            doing=self.doing(),
            words=self.words(),
            paused=self._paused,
            last_scan=self.last_scan,
            pictures_per_hour=self._throughput.per_hour(self._written_at),
            pictures=tuple(self._pictures()),
        )
        return {"version": _VERSION, **dataclasses.asdict(record)}

    def _pictures(self) -> list[PictureInProgress]:
        return [
            PictureInProgress(
                job.job.photo,
                job.job.style,
                job.job.recipe,
                round(job.share_done(), 3),
                self._started_at.get(token, self._started),
            )
            for token, job in self._progress.in_progress.items()
        ]
