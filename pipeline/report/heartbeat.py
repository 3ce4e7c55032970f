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
from pipeline.report.board import Board
from pipeline.report.words import counted

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
_QUIET_SECONDS: Final = 300.0
#: So many pictures are "lately".
_LATELY: Final = 50


@dataclass(frozen=True, slots=True)
class PictureInWork:
    """A picture being made: ``share_done`` 0..1, begun at ``since`` (epoch seconds)."""

    photo: str
    style: str
    recipe: str
    share_done: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife:
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
    pictures: tuple[PictureInWork, ...]

    def age_seconds(self, now: float, monotonic: float, host: str) -> float:
        """Return how long ago it was said. ``monotonic`` is this machine's clock since it was started.

        That one neither jumps nor runs while the machine sleeps; on another machine only the time of day is left.
        """
        age = monotonic - self.beat_monotonic if host == self.host else now - self.beat
        return max(0.0, age)

    def whose(self) -> tuple[str, int, float]:
        """Return what tells one program from another, on any machine."""
        return self.host, self.pid, self.started

    def name(self) -> str:
        """Return who it is, for people: on which machine only where that is another one."""
        place = "" if self.host == platform.node() else f" on {self.host}"
        return f"'{self.command}' with pid {self.pid}{place}"


def read_sign(state_folder: Path) -> SignOfLife | None:
    """Return the latest sign of life, None if there is none that can be read.

    It may be another version's, of a daemon that was not restarted yet: what is unknown here is left out.
    """
    try:
        fields = json.loads((state_folder / FILE_NAME).read_text(encoding="ascii"))
        if fields["version"] > _VERSION:
            return None
        pictures = tuple(PictureInWork(**_known(PictureInWork, picture)) for picture in fields["pictures"])
        return SignOfLife(**_known(SignOfLife, fields) | {"pictures": pictures})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _known(kind: type[SignOfLife | PictureInWork], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: fields[field.name] for field in dataclasses.fields(kind) if field.name in fields}


class _Pace:
    """How fast pictures come while there is work. Its seconds are those of any monotonic clock."""

    def __init__(self) -> None:
        self._worked_seconds = 0.0
        self._since: float | None = None
        self._marks: deque[float] = deque([0.0], maxlen=_LATELY + 1)

    def begin(self, now: float) -> None:
        self._since = now

    def end(self, now: float) -> None:
        self._worked_seconds, self._since = self._at(now), None

    def count(self, now: float) -> None:
        self._marks.append(self._at(now))

    def per_hour(self, now: float) -> float | None:
        pictures, seconds = len(self._marks) - 1, self._at(now) - self._marks[0]
        return 3600 * pictures / seconds if pictures and seconds > 0 else None

    def _at(self, now: float) -> float:
        return self._worked_seconds + (0.0 if self._since is None else now - self._since)


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
        self._begun: dict[str, float] = {}
        self._board = Board(clock())
        self._pace = _Pace()
        self._at_work = False
        self._pause = ""
        self._rest = ""
        self._stopping = False
        self._quiet_seconds = _STARTING_SECONDS
        self._successor: SignOfLife | None = None
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
        self._look_for_successor()
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
        self._board.take(event)
        after_seconds = _NEWS_SECONDS
        match event:
            case RunStarted():
                self._begin()
            case RunFinished():
                self._at_work = False
                self._pace.end(self._clock())
            case JobStarted():
                self._note_begun(event.token)
            case JobFinished() if event.artwork is not None:
                self._pace.count(self._clock())
            case WatchNotice():
                self._heed(event)
            case _:
                after_seconds = BEAT_SECONDS
        self._say(after_seconds)

    def beat(self) -> None:
        """Say that the program gets on. Called often; hardly ever costs more than a look at the clock."""
        self._quiet_seconds = _QUIET_SECONDS
        self._say(BEAT_SECONDS)

    def doing(self) -> str:
        """Return starting, painting, paused, resting (outside its schedule), idle or stopping."""
        if self._stopping:
            return "stopping"
        if self._at_work:
            return "painting"
        if self._pause:
            return "paused"
        if self._rest:
            return "resting"
        return "idle" if self._quiet_seconds == _QUIET_SECONDS else "starting"

    def words(self) -> str:
        """Return what is being done, for people."""
        match self.doing():
            case "painting":
                in_work = counted(len(self._board.canvases), "picture")
                return f"painting {in_work}, {self._board.done:,} of {self._board.total:,} done"
            case "paused":
                return self._pause
            case "resting":
                return self._rest
            case "idle":
                return "waiting for photos"
            case other:
                return other

    def _begin(self) -> None:
        self._board = Board(self._clock(), planned=self._board.planned, finished_before=self._board.finished_before)
        self._begun.clear()
        self._at_work = True
        self._quiet_seconds = _QUIET_SECONDS
        self._pace.begin(self._clock())

    def _note_begun(self, token: str) -> None:
        self._begun[token] = self._now()
        self._begun = {token: since for token, since in self._begun.items() if token in self._board.canvases}

    def _heed(self, notice: WatchNotice) -> None:
        if notice.kind in ("paused", "resumed"):
            # What else is waited for when something is mended is told right afterwards.
            self._pause = notice.text if notice.kind == "paused" else ""
        elif notice.kind in ("resting", "working"):
            self._rest = notice.text if notice.kind == "resting" else ""
        elif notice.kind == "stopped":
            self._stopping = True

    def _say(self, after_seconds: float) -> None:
        if self._successor is None and self._clock() - self._said_at >= after_seconds:
            self._look_for_successor()
            if self._successor is not None:
                raise self._taken_over(self._successor)
            self._write()

    def _look_for_successor(self) -> None:
        """Note whose sign is there if it is not this program's: it works without the lock, or with one of its own."""
        sign = read_sign(self._file.parent)
        if sign is not None and sign.whose() != (platform.node(), os.getpid(), self._started):
            self._successor = sign

    def _taken_over(self, sign: SignOfLife) -> LockedError:
        return LockedError(
            f"{self._file.parent}: {sign.name()} has taken over the work here, on a disk without locks that hold for "
            f"all machines; nothing is lost, but let only one of them work with this folder"
        )

    def _write(self) -> None:
        self._said_at = self._clock()
        part = self._file.with_name(f".{FILE_NAME}.part")
        # A full disk keeps nobody from painting; the sign then grows old, which is not wrong either.
        with contextlib.suppress(OSError):
            part.write_text(json.dumps(self._fields()), encoding="ascii")
            part.replace(self._file)

    def _fields(self) -> dict[str, Any]:
        sign = SignOfLife(
            pid=os.getpid(),
            host=platform.node(),
            command=self._command,
            started=self._started,
            beat=self._now(),
            beat_monotonic=self._said_at,
            quiet_seconds=self._quiet_seconds,
            doing=self.doing(),
            words=self.words(),
            paused=self._pause,
            last_scan=self.last_scan,
            pictures_per_hour=self._pace.per_hour(self._said_at),
            pictures=tuple(self._in_work()),
        )
        return {"version": _VERSION, **dataclasses.asdict(sign)}

    def _in_work(self) -> list[PictureInWork]:
        return [
            PictureInWork(
                canvas.job.photo,
                canvas.job.style,
                canvas.job.recipe,
                round(canvas.share_done(), 3),
                self._begun.get(token, self._started),
            )
            for token, canvas in self._board.canvases.items()
        ]
