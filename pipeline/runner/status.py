"""Collects the status of a stylewatch folder: what runs, how far it is, what is pending, what failed.

Owns the judgment and the exit code that monitors go by; changes nothing. Reads the instance lock, which the system
frees when a process dies, the heartbeat and the ledger.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pipeline.engine.speed import read_speed
from pipeline.errors import StorageError
from pipeline.intake.scan import names_archive
from pipeline.ledger import FailureRow, Ledger, PhotoProblem, ledger_exists
from pipeline.model import FolderSettings, IncompleteFile, JobState, PhotosSkipped, StatusSettings
from pipeline.pairing import PairingPlan, why_unpaired
from pipeline.report.formatting import counted, duration
from pipeline.report.heartbeat import HeartbeatRecord, read_heartbeat
from pipeline.runner.instance.folder_marks import require_folders
from pipeline.runner.instance.lock import LockHolder, is_held, read_holder
from pipeline.runner.planning.backlog import backlog_seconds
from pipeline.runner.planning.disk_need import free_bytes
from pipeline.runner.preparation import ledger_file, source_of

#: For how long a given-up picture makes the exit code 1.
RECENT_SECONDS: Final = 86_400.0

#: So many photos without a picture are named.
_UNPAIRED_NAMED: Final = 20

ProcessState = Literal["running", "hung", "died", "not running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What the ledger knows. ``next_attempt``: when the first failed picture is retried (seconds since the epoch).

    ``photos`` are on record, None before the first run has looked for any. ``failures`` are pictures, ``problems``
    photos that were set aside. Their pictures are failures, too, but none of :meth:`other_failures`. ``unpaired`` are
    the first of the ``unpaired_count`` photos that no rule and no folder gives a style, with the reason.
    ``waiting_seconds``: how long the pending pictures take by the forecast, None if that is unknown. ``kept``: so
    many are done with earlier settings, and stay as they are. ``skipped``: the photos that the config left out when
    the folder was last scanned. ``rejected``: so many of those that count as done are rejected, and have no file.
    ``chosen``: for so many a recipe was chosen.
    """

    counts: dict[JobState, int] = field(default_factory=lambda: dict.fromkeys(JobState, 0))
    failures: tuple[FailureRow, ...] = ()
    problems: tuple[PhotoProblem, ...] = ()
    unpaired: tuple[tuple[str, str], ...] = ()
    unpaired_count: int = 0
    incomplete: tuple[IncompleteFile, ...] = ()
    made_today: int = 0
    next_attempt: float | None = None
    waiting_seconds: float | None = None
    kept: int = 0
    rejected: int = 0
    chosen: int = 0
    photos: int | None = None
    skipped: PhotosSkipped = field(default_factory=lambda: PhotosSkipped({}))

    def counts_by_name(self) -> dict[str, int]:
        """Return the pictures by state for programs: the rejected ones are none of the done ones."""
        counts = {state.value: count for state, count in self.counts.items()}
        return counts | {"done": counts["done"] - self.rejected, "rejected": self.rejected}

    def other_failures(self) -> tuple[FailureRow, ...]:
        """Return the pictures that failed although their photo was not set aside."""
        set_aside = {row.path for row in self.problems}
        return tuple(row for row in self.failures if row.job.photo not in set_aside)

    def problems_without_failures(self) -> tuple[PhotoProblem, ...]:
        """Return the photos set aside that no picture was to be made of."""
        photos = {row.job.photo for row in self.failures}
        return tuple(row for row in self.problems if row.path not in photos)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status at ``now``, in seconds since the epoch.

    ``heartbeat`` is that of the process that runs or was the last to run, ``holder`` the one that holds the lock of
    the state folder. ``free_bytes`` is None if the disk can't be read. ``not_mounted`` says which disk of state or
    pictures is missing; a daemon that waits for it has no place to write a heartbeat.
    """

    now: float
    process_state: ProcessState
    holder: LockHolder | None
    heartbeat: HeartbeatRecord | None
    heartbeat_age_seconds: float
    pictures: Pictures
    free_bytes: int | None
    not_mounted: str = ""

    def seconds_left(self) -> float | None:
        """Return how long the process at work takes for the pending pictures; None if that is unknown.

        While it makes pictures that is its own estimate, else the forecast.
        """
        heartbeat = self.heartbeat if self.process_state == "running" else None
        if heartbeat is None:
            return None
        if heartbeat.total is None:
            return self.pictures.waiting_seconds
        left = heartbeat.seconds_left
        return None if left is None else max(0.0, left - self.heartbeat_age_seconds)

    def backlog_seconds(self) -> float | None:
        """Return how long the pending pictures take: by whoever makes them, or else by the forecast."""
        left = self.seconds_left()
        return self.pictures.waiting_seconds if left is None else left

    def warnings(self) -> tuple[str, ...]:
        """Return what needs somebody's attention, in sentences; old failures are left out."""
        return (*self._blocking_problems(), *self._recent_failures())

    def exit_code(self) -> int:
        """Return 0 if all is well, 1 after pictures were given up in the last 24 hours, 3 if none can be made."""
        return 3 if self._blocking_problems() else 1 if self._recent_failures() else 0

    def _blocking_problems(self) -> tuple[str, ...]:
        process = self.heartbeat.name() if self.heartbeat else ""
        if self.process_state == "hung":
            silence = duration(self.heartbeat_age_seconds)
            return (f"{process} holds the folder and has not reported for {silence}; restart it",)
        if self.process_state == "died":
            return (f"{process} was killed, or the machine lost power; start it again and it continues",)
        if self.process_state == "running" and self.heartbeat and self.heartbeat.paused:
            return (self.heartbeat.paused,)
        return (self.not_mounted,) if self.not_mounted else ()

    def _recent_failures(self) -> tuple[str, ...]:
        since = self.now - RECENT_SECONDS
        given_up = [row for row in self.pictures.other_failures() if row.state is JobState.QUARANTINED]
        pictures = sum(row.when >= since for row in given_up)
        photos = sum(row.when >= since for row in self.pictures.problems)
        said = [f"{counted(pictures, 'picture')} given up"] if pictures else []
        said += [f"{counted(photos, 'photo')} set aside"] if photos else []
        return (f"{' and '.join(said)} in the last 24 hours",) if said else ()


def collect_status(
    settings: StatusSettings,
    pairing: PairingPlan | None = None,
    *,
    pictures: Pictures | None = None,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
) -> Status:
    """Return the status. ``clock`` returns this machine's monotonic seconds. Raises LedgerError, StorageError.

    ``pairing`` tells why photos have no picture; without it none is named. With ``pictures`` the ledger, which may be
    out of order, is not read.
    """
    folders = settings.folders
    heartbeat, held, holder = _read_process(folders.state)
    heartbeat_age_seconds = heartbeat.age_seconds(now(), clock(), platform.node()) if heartbeat else 0.0
    # On a shared folder a lock may hold on the other machine only; then only `quiet_seconds` tells.
    held = held or (
        heartbeat is not None
        and heartbeat.host != platform.node()
        and heartbeat_age_seconds <= heartbeat.max_silence_seconds
    )
    return Status(
        now=now(),
        process_state=process_state(heartbeat, held, heartbeat_age_seconds),
        holder=holder,
        heartbeat=heartbeat,
        heartbeat_age_seconds=heartbeat_age_seconds,
        pictures=_pictures(settings, pairing, now) if pictures is None else pictures,
        free_bytes=free_bytes(folders.output),
        not_mounted=_not_mounted(folders),
    )


def _not_mounted(folders: FolderSettings) -> str:
    try:
        require_folders(folders.state, folders.output)
    except StorageError as error:
        return str(error)
    return ""


def _read_process(state_folder: Path) -> tuple[HeartbeatRecord | None, bool, LockHolder | None]:
    # A program that begins or ends between the three reads would seem to have died: they are repeated once.
    for _ in range(2):
        held = is_held(state_folder)
        heartbeat, holder = read_heartbeat(state_folder), read_holder(state_folder) if held else None
        if held or heartbeat is None:
            break
    if heartbeat and holder and heartbeat.pid != holder.pid:
        heartbeat = None  # that of a killed predecessor: the holder has written none yet
    return heartbeat, held, holder


def process_state(heartbeat: HeartbeatRecord | None, held: bool, heartbeat_age_seconds: float) -> ProcessState:
    """Decide from the last heartbeat and from the lock, which tells a killed process from a hung one.

    Process ids are not looked up: the system uses them again.
    """
    if not held:
        return "not running" if heartbeat is None else "died"
    return "hung" if heartbeat is not None and heartbeat_age_seconds > heartbeat.max_silence_seconds else "running"


def _pictures(settings: StatusSettings, pairing: PairingPlan | None, now: Callable[[], float]) -> Pictures:
    file = ledger_file(settings.folders)
    if not ledger_exists(file):
        return Pictures()
    # Without a zone, so that the day begins at midnight also when the clock is changed on it.
    midnight = datetime.fromtimestamp(now()).replace(hour=0, minute=0, second=0, microsecond=0)
    with Ledger.to_read(file, source_of(settings.folders), now) as ledger:
        unpaired = [] if pairing is None else list(_unpaired(ledger, pairing))
        return Pictures(
            counts=ledger.queries.counts(),
            failures=tuple(ledger.queries.failures()),
            problems=tuple(ledger.queries.photo_problems()),
            unpaired=tuple(unpaired[:_UNPAIRED_NAMED]),
            unpaired_count=len(unpaired),
            incomplete=tuple(ledger.incomplete.all()),
            made_today=ledger.queries.made_since(midnight.timestamp()),
            next_attempt=ledger.jobs.next_due(),
            kept=ledger.queries.kept_count(),
            rejected=ledger.rejections.count(),
            chosen=ledger.recipe_choices.count(),
            waiting_seconds=backlog_seconds(ledger, settings.recipes, read_speed(settings.engine)),
            photos=ledger.queries.photo_count(),
            skipped=ledger.skipped.now(),
        )


def _unpaired(ledger: Ledger, pairing: PairingPlan) -> Iterator[tuple[str, str]]:
    for path in ledger.queries.without_wanted_jobs():
        if not names_archive(path) and (reason := why_unpaired(path, pairing)):
            yield path, reason
