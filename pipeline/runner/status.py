"""How a stylewatch folder stands: is somebody at work, does it get on, what is there to do, what went wrong.

Owns the judgment and the exit code that monitors go by; refuses words for people and changes nothing. Only looks: at
the instance lock, which the system frees when a process dies, at the sign of life, and at the ledger.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pipeline.engine.speed import read_speed
from pipeline.errors import StorageError
from pipeline.ledger import FailureRow, Ledger, PhotoProblem, is_there
from pipeline.model import FolderSettings, JobState, StatusSettings
from pipeline.report.formatting import counted, duration
from pipeline.report.heartbeat import HeartbeatRecord, read_heartbeat
from pipeline.runner.instance.folder_marks import require_folders
from pipeline.runner.instance.lock import Holder, holder_of, is_held
from pipeline.runner.planning.backlog import backlog_seconds
from pipeline.runner.preparation import ledger_file, source_of

#: So long a picture that was given up is news; a monitor need not tell of old ones for ever.
NEWS_SECONDS: Final = 86_400.0

Life = Literal["running", "hung", "died", "not running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What the ledger knows. ``next_attempt``: when the first failed picture may be tried again (epoch seconds).

    ``problems`` are the quarantined photos that have no jobs among the ``failures``. ``waiting_seconds``: how long
    the pictures to be made take by earlier measurements, None if nobody can tell.
    """

    counts: dict[JobState, int] = field(default_factory=lambda: dict.fromkeys(JobState, 0))
    failures: tuple[FailureRow, ...] = ()
    problems: tuple[PhotoProblem, ...] = ()
    made_today: int = 0
    next_attempt: float | None = None
    waiting_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How it stands at ``now``, in seconds since the epoch.

    ``sign`` is the sign of life of whoever is or was at work, ``silent_seconds`` its age. ``holder`` holds the state
    folder. ``free_bytes`` is None if the disk can't be looked at. ``not_mounted`` says which disk of state or
    pictures is missing; a daemon that waits for it has no place for a sign of life.
    """

    now: float
    life: Life
    holder: Holder | None
    sign: HeartbeatRecord | None
    silent_seconds: float
    pictures: Pictures
    free_bytes: int | None
    not_mounted: str = ""

    def seconds_left(self) -> float | None:
        """Return how long the pending pictures take at the latest pace; None if that is unknown."""
        sign = self.sign if self.life == "running" else None
        if sign is None or not sign.pictures_per_hour:
            return None
        counts = self.pictures.counts
        begun = sum(picture.share_done for picture in sign.pictures)
        left = counts[JobState.PENDING] + counts[JobState.LEASED] - begun
        return max(0.0, 3600 * left / sign.pictures_per_hour)

    def troubles(self) -> tuple[str, ...]:
        """Return what somebody should look at, in sentences; of old failures nobody is told again."""
        return (*self._standstills(), *self._news())

    def exit_code(self) -> int:
        """Return 0 if all is well, 1 for pictures given up of late, 3 if work is needed for any to be made."""
        return 3 if self._standstills() else 1 if self._news() else 0

    def _standstills(self) -> tuple[str, ...]:
        who = self.sign.name() if self.sign else ""
        if self.life == "hung":
            return (f"{who} holds the folder and has said nothing for {duration(self.silent_seconds)}; restart it",)
        if self.life == "died":
            return (f"{who} was killed or lost its power; start it again and it goes on",)
        if self.life == "running" and self.sign and self.sign.paused:
            return (self.sign.paused,)
        return (self.not_mounted,) if self.not_mounted else ()

    def _news(self) -> tuple[str, ...]:
        since = self.now - NEWS_SECONDS
        given_up = [row.when for row in self.pictures.failures if row.state is JobState.QUARANTINED]
        count = sum(when >= since for when in (*given_up, *(row.when for row in self.pictures.problems)))
        return (f"{counted(count, 'picture')} given up within a day",) if count else ()


def collect_status(
    settings: StatusSettings, *, now: Callable[[], float] = time.time, clock: Callable[[], float] = time.monotonic
) -> Status:
    """Look how it stands. ``clock`` returns this machine's monotonic seconds. Raises LedgerError, StorageError."""
    folders = settings.folders
    sign, held, holder = _who(folders.state)
    silent_seconds = sign.age_seconds(now(), clock(), platform.node()) if sign else 0.0
    # A lock may be the other machine's own; its promise to say something soon is then all there is.
    held = held or (sign is not None and sign.host != platform.node() and silent_seconds <= sign.quiet_seconds)
    return Status(
        now=now(),
        life=judge(sign, held, silent_seconds),
        holder=holder,
        sign=sign,
        silent_seconds=silent_seconds,
        pictures=_pictures(settings, now),
        free_bytes=_free_bytes(folders.output),
        not_mounted=_not_mounted(folders),
    )


def _not_mounted(folders: FolderSettings) -> str:
    try:
        require_folders(folders.state, folders.output)
    except StorageError as error:
        return str(error)
    return ""


def _who(state_folder: Path) -> tuple[HeartbeatRecord | None, bool, Holder | None]:
    # A program that begins or ends between the three looks would seem to have died: it is looked at once more.
    for _ in range(2):
        held = is_held(state_folder)
        sign, holder = read_heartbeat(state_folder), holder_of(state_folder) if held else None
        if held or sign is None:
            break
    if sign and holder and sign.pid != holder.pid:
        sign = None  # a killed predecessor's; the holder has not said anything yet
    return sign, held, holder


def judge(sign: HeartbeatRecord | None, held: bool, silent_seconds: float) -> Life:
    """Decide from the last sign of life and from the lock, which tells a dead process from a hung one.

    No number of a process is asked for: they are used again.
    """
    if not held:
        return "not running" if sign is None else "died"
    return "hung" if sign is not None and silent_seconds > sign.quiet_seconds else "running"


def _pictures(settings: StatusSettings, now: Callable[[], float]) -> Pictures:
    file = ledger_file(settings.folders)
    if not is_there(file):
        return Pictures()
    # Without a zone, so that the day begins at midnight also when the clock is changed on it.
    midnight = datetime.fromtimestamp(now()).replace(hour=0, minute=0, second=0, microsecond=0)
    with Ledger.to_read(file, source_of(settings.folders), now) as ledger:
        failures = ledger.queries.failures()
        told = {row.job.photo for row in failures}
        return Pictures(
            counts=ledger.queries.counts(),
            failures=tuple(failures),
            problems=tuple(row for row in ledger.queries.photo_problems() if row.path not in told),
            made_today=ledger.queries.made_since(midnight.timestamp()),
            next_attempt=ledger.jobs.next_due(),
            waiting_seconds=_waiting_seconds(settings, ledger) if settings.has_schedule else None,
        )


def _waiting_seconds(settings: StatusSettings, ledger: Ledger) -> float | None:
    return backlog_seconds(ledger, settings.recipes, read_speed(settings.engine))


def _free_bytes(folder: Path) -> int | None:
    existing = next((path for path in (folder, *folder.parents) if os.path.exists(path)), folder)  # noqa: PTH110 - Path's raises where it may not look
    try:
        return shutil.disk_usage(existing).free
    except OSError:
        return None
