"""The heartbeat of a running program, for ``stylewatch status``: who works on a state folder, and on what.

Owns a small file that the working thread replaces every few seconds, so that it grows old if that thread hangs. It
reads the same stream of events as the reports. What an old file means is decided by :mod:`pipeline.runner.status`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pipeline.durable_files import write_file
from pipeline.errors import LockedError, StylewatchError
from pipeline.model import (
    EvaluationShare,
    JobStarted,
    PreviewSaved,
    Progress,
    RunEvent,
    RunFinished,
    RunStarted,
    WatchNotice,
)
from pipeline.report.formatting import LOADING_TEXT, counted
from pipeline.report.run_progress import RunProgress

FILE_NAME: Final = "heartbeat.json"

#: Grows when a field changes its meaning. An added field has a default, for files of older versions.
_VERSION: Final = 1

#: The file's keys of fields that have another name here.
_FILE_KEYS: Final = {"max_silence_seconds": "quiet_seconds", "activity": "doing", "activity_text": "words"}

#: A healthy program writes at least this often, except while it starts or is busy with one large file.
BEAT_SECONDS: Final = 10.0
#: News is written sooner, but never more often than this: status shows it beside the ledger's own numbers.
_NEWS_SECONDS: Final = 0.25
#: Before the first beat the folder is scanned and photos are hashed, which may take long.
_STARTING_SECONDS: Final = 3600.0
#: The longest silence of a healthy program: it reads, hashes or moves one large file.
_MAX_SILENCE_SECONDS: Final = 300.0


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
    """What a running program wrote about itself. Times are in seconds since the epoch.

    The next one follows within ``max_silence_seconds``. ``activity`` is starting, painting, paused, resting, idle or
    stopping, ``activity_text`` the same for people; ``paused`` says why it waits, if it does. ``pictures_per_hour``
    counts only the time in which there was work, and is None before the first picture. While it is painting: ``done``
    and ``total`` pictures of the backlog, and the ``seconds_left``, as far as they are known.
    """

    pid: int
    host: str
    command: str
    started: float
    beat: float
    beat_monotonic: float
    max_silence_seconds: float
    activity: str
    activity_text: str
    paused: str
    last_scan: float | None
    pictures_per_hour: float | None
    pictures: tuple[PictureInProgress, ...]
    done: int | None = None
    total: int | None = None
    seconds_left: float | None = None

    def age_seconds(self, now: float, monotonic: float, host: str) -> float:
        """Return how long ago it was written. ``monotonic`` is this machine's clock since it was started.

        That clock neither jumps nor runs while the machine sleeps; for another machine's record only the time of day
        can be compared.
        """
        age = monotonic - self.beat_monotonic if host == self.host else now - self.beat
        return max(0.0, age)

    def identity(self) -> tuple[str, int, float]:
        """Return what identifies a program among those of all machines."""
        return self.host, self.pid, self.started

    def name(self) -> str:
        """Return the program's name for people, with its machine if that is another one."""
        return process_name(self.command, self.pid, self.host)


def process_name(command: str, pid: int, host: str) -> str:
    """Return what a process is called in messages; its machine is named if that is another one."""
    place = "" if host in ("", platform.node()) else f" on {host}"
    return f"'{command}' with pid {pid}{place}"


def read_heartbeat(state_folder: Path) -> HeartbeatRecord | None:
    """Return the latest record, None if there is none that can be read.

    A daemon that was not restarted after an update may have written it: fields that are unknown here are left out.
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
    keys = {field.name: _FILE_KEYS.get(field.name, field.name) for field in dataclasses.fields(kind)}
    return {name: fields[key] for name, key in keys.items() if key in fields}


class Heartbeat:
    """Writes the heartbeat file; a context manager that removes it at the end. Use it in the working thread only."""

    def __init__(
        self,
        state_folder: Path,
        command: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``command`` is the user's command. ``clock``: the machine's monotonic seconds, ``now``: epoch seconds.

        Calls raise LockedError, once, if the file turns out to be another program's.
        """
        self.last_scan: float | None = None
        self._file = state_folder / FILE_NAME
        self._command = command
        self._clock = clock
        self._now = now
        self._started = now()
        self._started_at: dict[str, float] = {}
        self._progress = RunProgress()
        self._is_running = False
        self._paused = ""
        self._resting = ""
        self._stopping = False
        self._has_started = False
        self._has_news = False
        self._other_writer: HeartbeatRecord | None = None
        self._write()

    def __enter__(self) -> Heartbeat:
        """Return the heartbeat."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the file: one that stays shows that the program was killed.

        Raises LockedError instead of an error that another program's work on the same folder caused.
        """
        self._check_for_other_writer()
        if self._other_writer is not None:
            if isinstance(error, StylewatchError) and not isinstance(error, LockedError):
                raise self._taken_over(self._other_writer) from error
            return
        self.remove()

    def remove(self) -> None:
        """Remove the file. Safe to call from a signal handler that ends the program."""
        if self._other_writer is None:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)

    def __call__(self, event: RunEvent) -> None:
        """Handle one event."""
        self._progress.update(event, self._clock())
        self._handle(event)
        self._write_if_due()

    def _handle(self, event: RunEvent) -> None:
        self._has_news |= not isinstance(event, Progress | EvaluationShare | PreviewSaved)
        match event:
            case RunStarted():
                self._is_running = self._has_started = True
            case RunFinished():
                self._is_running = False
            case JobStarted():
                self._record_start(event.token)
            case WatchNotice():
                self._handle_notice(event)
            case _:
                pass

    def beat(self) -> None:
        """Report that the program makes progress. Called often; mostly it costs no more than reading the clock."""
        self._has_started = True
        self._write_if_due()

    def activity(self) -> str:
        """Return starting, painting, paused, resting (outside its schedule), idle or stopping."""
        if self._stopping:
            return "stopping"
        if self._is_running:
            return "painting"
        if self._paused:
            return "paused"
        if self._resting:
            return "resting"
        return "idle" if self._has_started else "starting"

    def activity_text(self) -> str:
        """Return what the program is doing, for people."""
        match self.activity():
            case "painting":
                progress = self._progress
                pictures = f"making {counted(len(progress.in_progress), 'picture')}"
                doing = LOADING_TEXT if progress.is_loading else pictures
                failed = f", {progress.failed:,} failed" if progress.failed else ""
                return f"{doing}, {progress.done:,} of {progress.total:,} done{failed}"
            case "paused":
                return self._paused
            case "resting":
                return self._resting
            case "idle":
                return "waiting for photos"
            case other:
                return other

    def _record_start(self, token: str) -> None:
        self._started_at[token] = self._now()
        self._started_at = {
            token: since for token, since in self._started_at.items() if token in self._progress.in_progress
        }

    def _handle_notice(self, notice: WatchNotice) -> None:
        if notice.kind in ("paused", "resumed"):
            # If something else is still to be waited for, another notice follows at once.
            self._paused = notice.text if notice.kind == "paused" else ""
        elif notice.kind in ("resting", "working"):
            self._resting = notice.text if notice.kind == "resting" else ""
        elif notice.kind == "stopped":
            self._stopping = True

    def _write_if_due(self) -> None:
        after_seconds = _NEWS_SECONDS if self._has_news else BEAT_SECONDS
        if self._other_writer is None and self._clock() - self._written_at >= after_seconds:
            self._check_for_other_writer()
            if self._other_writer is not None:
                raise self._taken_over(self._other_writer)
            self._write()

    def _check_for_other_writer(self) -> None:
        """Record whose file it is if it is another program's, which runs although this one holds the lock."""
        record = read_heartbeat(self._file.parent)
        if record is not None and record.identity() != (platform.node(), os.getpid(), self._started):
            self._other_writer = record

    def _taken_over(self, record: HeartbeatRecord) -> LockedError:
        return LockedError(
            f"{self._file.parent}: {record.name()} has taken over the work here: file locks on this disk don't "
            f"work across machines; nothing is lost, but let only one program work with this folder"
        )

    def _write(self) -> None:
        self._written_at, self._has_news = self._clock(), False
        # A full disk must not stop the work; the file then grows old, which status reports.
        with contextlib.suppress(OSError):
            write_file(self._file, json.dumps(self._fields()).encode("ascii"), durable=False)

    def _fields(self) -> dict[str, Any]:
        record = HeartbeatRecord(
            pid=os.getpid(),
            host=platform.node(),
            command=self._command,
            started=self._started,
            beat=self._now(),
            beat_monotonic=self._written_at,
            max_silence_seconds=_MAX_SILENCE_SECONDS if self._has_started else _STARTING_SECONDS,
            activity=self.activity(),
            activity_text=self.activity_text(),
            paused=self._paused,
            last_scan=self.last_scan,
            pictures_per_hour=self._progress.pictures_per_hour(self._written_at),
            pictures=tuple(self._pictures()),
            done=self._progress.done if self._is_running else None,
            total=self._progress.total if self._is_running else None,
            seconds_left=self._progress.seconds_left(self._written_at) if self._is_running else None,
        )
        fields = {_FILE_KEYS.get(name, name): value for name, value in dataclasses.asdict(record).items()}
        return {"version": _VERSION, **fields}

    def _pictures(self) -> list[PictureInProgress]:
        return [
            PictureInProgress(
                job.job.photo,
                job.job.style,
                job.job.recipe,
                round(job.share_done, 3),
                self._started_at.get(token, self._started),
            )
            for token, job in self._progress.in_progress.items()
        ]
