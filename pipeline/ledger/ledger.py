"""The ledger as the runner sees it. Owns the order of promises: each method is one durable transaction.

One ``Ledger`` is one source's view and belongs to one thread. Claims and what follows from them need the state
folder's lock; reading, ``retry`` and ``redo`` are fine beside a running instance.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.failpoints import failpoint
from pipeline.ledger import jobs, leases, originals, photos, queries, schema
from pipeline.ledger.found import FoundPictures
from pipeline.ledger.records import (
    Backlog,
    Claim,
    ClaimOrder,
    FailureRow,
    Finished,
    JobChanges,
    Lease,
    Move,
    Original,
    PhotoProblem,
    PhotoRow,
    Published,
    Timing,
    WantedJob,
)
from pipeline.ledger.schema import LockWatch
from pipeline.ledger.sources import Sources
from pipeline.ledger.states import Store, store_on, stored_paths
from pipeline.model import Job, JobState, Photo


class Ledger:
    """All methods raise LedgerError (damaged, locked, LeaseLostError for a token) and StorageError (its disk)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version: tuple[int, object] | None = None

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._store.connection

    @property
    def sources(self) -> Sources:
        """The input folders that it knows."""
        return Sources(self._store)

    @property
    def found(self) -> FoundPictures:
        """Pictures that were there before this ledger."""
        return FoundPictures(self._store)

    @classmethod
    def open(
        cls, file: Path, source: str, clock: Callable[[], float] = time.time, watch: LockWatch | None = None
    ) -> Self:
        """Open or create the ledger in ``file``. ``source`` names the input folder; ``clock`` returns epoch seconds.

        ``watch`` hears of locks. Raises LedgerError for a damaged, foreign or locked file or a newer schema;
        StorageError. After such an error of its disk, the next method called opens the file anew.
        """
        return cls(store_on(partial(schema.connect, file), str(file), source, clock, watch, reconnects=True))

    @classmethod
    def to_read(cls, file: Path, source: str, clock: Callable[[], float] = time.time) -> Self:
        """Open an existing ledger for looking only, beside whoever works with it. Raises as :meth:`open` does."""
        return cls(store_on(partial(schema.connect_to_read, file), str(file), source, clock))

    @classmethod
    def rehearsal(cls, file: Path, source: str, clock: Callable[[], float] = time.time) -> Self:
        """Return a copy in memory, empty if there is no ``file``: nothing done to it reaches the disk."""
        return cls(store_on(partial(schema.memory_copy, file), str(file), source, clock))

    def close(self) -> None:
        """Close the file; open leases stay on record."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def require_in_place(self) -> None:
        """Raise StorageError if its file is gone, and LedgerError if its name stands for one on another disk."""
        self._store.require_in_place()

    def unknown_photos(self, photos_seen: Iterable[Photo]) -> list[Photo]:
        """Return those not recorded yet, or recorded with another size, mtime or inode: intake has to look."""
        return photos.unknown_photos(self._store, photos_seen)

    def photos_at(self, path: str) -> list[PhotoRow]:
        """Return what is on record at ``path`` and below it, without what is gone, by path."""
        return photos.photos_at(self._store, path)

    def news(self, photos_seen: Iterable[Photo]) -> tuple[list[Photo], list[Photo]]:
        """Return the unknown ones, and those that are known but were gone: what is left needs no recording."""
        return photos.news(self._store, photos_seen)

    def missing(self, seen: Iterable[str]) -> list[str]:
        """Return the recorded photos that should be there and are not among those ``seen`` by a whole scan."""
        return photos.missing(self._store, {os.fsencode(path) for path in seen})

    def recorded_under(self, path: str) -> list[str]:
        """Return the recorded photos that should be there at ``path`` or, if that is a folder, under it."""
        return photos.recorded_under(self._store, path)

    def unexamined(self) -> list[str]:
        """Return the photos that intake has to look at again: they changed, or were given another chance."""
        return photos.unexamined(self._store)

    def record_photos(
        self,
        seen: Iterable[Photo],
        ready: Iterable[Photo],
        quarantined: Iterable[tuple[Photo, str]],
        only: Collection[str] | None = None,
    ) -> None:
        """Record a scan.

        ``seen`` is all of it: jobs of photos no longer in it are withdrawn until they are back, done ones stay done.
        ``ready`` are unknown ones that intake let in: their done jobs become pending, since the content may
        be another. ``quarantined`` ones come with their reason. Unknown ones in neither keep their jobs unclaimed.
        With ``only`` it was a look at these photos alone: nothing becomes known of others.
        """
        photos.record_photos(self._store, seen, ready, quarantined, stored_paths(only))
        failpoint("photos-recorded")

    def note_photo_sha256(self, photo: str, sha256: str) -> None:
        """Record the content of a photo's file."""
        photos.note_photo_sha256(self._store, photo, sha256)

    def record_jobs(
        self, wanted: Iterable[WantedJob], suffix: str, only: Collection[str] | None = None
    ) -> JobChanges:
        """Make the jobs on record the wanted ones; names of new ones are allocated in the order of jobs.

        Changed settings make a job pending again with all its attempts. One not wanted any more is withdrawn, a done
        one too, until it is wanted again. Jobs of photos that are gone, quarantined or being looked at are left alone
        unless ``wanted`` mentions the photo; wanted jobs of photos that are not on record are ignored. With ``only``
        the jobs of other photos are left alone.
        """
        changes = jobs.record_jobs(self._store, wanted, suffix, stored_paths(only))
        failpoint("jobs-recorded")
        return changes

    def ready_failed(self) -> int:
        """Make failed jobs pending, at the start of a run, even those that should wait. Returns how many."""
        return jobs.ready_failed(self._store)

    def ready_due(self) -> int:
        """Make failed jobs pending that waited long enough, by no clock more than their delay. Returns how many."""
        return jobs.ready_due(self._store)

    def next_due(self) -> float | None:
        """Return when :meth:`ready_due` will find a job, in epoch seconds; None without failed jobs."""
        return jobs.next_due(self._store)

    def redo_outdated(self, engine_version: str) -> int:
        """Make done jobs of any other engine version pending. Returns how many."""
        return jobs.redo_outdated(self._store, engine_version)

    def redo(self, wanted: Iterable[Job]) -> int:
        """Make these jobs pending, as far as they are done. Returns how many."""
        return jobs.redo(self._store, wanted)

    def retry(self, photos_named: Collection[str] | None = None) -> int:
        """Make failed and quarantined jobs (of these photos) pending; quarantined photos become unknown.

        Returns how many jobs, plus the lifted photos without any.
        """
        return jobs.retry(self._store, photos_named)

    def claim(self, limit: int, order: ClaimOrder) -> list[Claim]:
        """Lease up to ``limit`` pending jobs, each under a fresh token, by the photo's age or by name."""
        claims = leases.claim(self._store, limit, order)
        if claims:
            failpoint("job-leased")
        return claims

    def start(self, token: str) -> None:
        """Note that work began: from here on an interruption counts."""
        leases.start(self._store, token)

    def record_artwork(self, token: str, sha256: str) -> None:
        """Note that the job's temporary file is complete, with this hash, before it is published."""
        leases.record_artwork(self._store, token, sha256)
        failpoint("artwork-recorded")

    def rename_output(self, token: str) -> str:
        """Give the job the next free name, relative to the output folder, since its name is somebody else's file."""
        return leases.rename_output(self._store, token)

    def complete(
        self,
        token: str,
        *,
        key: str,
        output: str,
        picture_sha256: str,
        engine_version: str,
        seconds: float = 0.0,
        pixel_evaluations: float = 0.0,
    ) -> None:
        """Leased → done. ``pixel_evaluations`` (pixels × evaluations, over all scales) 0: not for estimates.

        It is pending again instead if photo or settings changed during the lease.
        """
        leases.complete(
            self._store,
            token,
            key=key,
            output=output,
            picture_sha256=picture_sha256,
            engine_version=engine_version,
            seconds=seconds,
            pixel_evaluations=pixel_evaluations,
        )
        failpoint("job-done")

    def settle_unchanged(self, token: str, key: str) -> None:
        """Leased → done without work: ``key`` is the published picture's (else LedgerError)."""
        leases.settle_unchanged(self._store, token, key)

    def release(self, token: str) -> bool:
        """Leased → pending, at no cost; False: it stays leased, for recovery, as its picture may be published."""
        return leases.release(self._store, token)

    def withdraw(self, token: str, reason: str) -> None:
        """Leased → withdrawn, with the photo's other unfinished jobs: the photo is gone until a scan sees it."""
        leases.withdraw(self._store, token, reason)

    def forget_photo(self, token: str) -> None:
        """Leased → pending, but not to be claimed before :meth:`record_photos` let the changed photo in again."""
        leases.forget_photo(self._store, token)

    def fail(
        self, token: str, reason: str, *, costs_attempt: bool, max_attempts: int, delay_seconds: float = 0.0
    ) -> JobState:
        """Leased → failed, or quarantined by the ``max_attempts``-th failure that costs one. Returns the state.

        A failed job waits ``delay_seconds`` until :meth:`ready_due` takes it.
        """
        return leases.fail(
            self._store,
            token,
            reason,
            costs_attempt=costs_attempt,
            max_attempts=max_attempts,
            delay_seconds=delay_seconds,
        )

    def crash(self, token: str, reason: str, *, max_crashes: int) -> JobState:
        """Leased → pending, or quarantined at the ``max_crashes``-th death of a worker. Returns the state."""
        return leases.crash(self._store, token, reason, max_crashes=max_crashes)

    def quarantine_photo(self, token: str, reason: str) -> None:
        """Leased → quarantined, with the photo's other unfinished jobs."""
        leases.quarantine_photo(self._store, token, reason)

    def interrupted(self, token: str, max_interruptions: int) -> JobState:
        """Leased by a dead process → pending, or quarantined at the ``max_interruptions``-th that had begun work."""
        return leases.interrupted(self._store, token, max_interruptions)

    def movable(self, photo: str | None = None) -> list[Original]:
        """Return the photos (or only this one) that are there and whose wanted jobs, at least one, are all done."""
        return originals.movable(self._store, photo)

    def begin_move(self, photo: str, target: str) -> None:
        """Note that the original is about to be moved to the absolute path ``target``, before anything is done."""
        originals.begin_move(self._store, photo, target)
        failpoint("move-noted")

    def moves(self) -> list[Move]:
        """Return the moves of this source that were begun and not ended: at a start, what was left half-done."""
        return originals.moves(self._store)

    def end_move(self, photo: str) -> None:
        """Note that the original lies at its target: it is absent, and its jobs stay done."""
        originals.end_move(self._store, photo)

    def abandon_move(self, photo: str) -> None:
        """Note that the original will not be moved there."""
        originals.abandon_move(self._store, photo)

    def leases(self) -> list[Lease]:
        """Return all leases of all sources: at a start, what earlier processes left behind."""
        return queries.leases(self._store)

    def published_with_key(self, key: str) -> list[Published]:
        """Return pictures of this key, of all sources; the caller checks that the file is there with that hash."""
        return queries.published_with_key(self._store, key)

    def finished(self) -> Iterator[Finished]:
        """Yield the done jobs by photo, style and recipe."""
        return queries.finished(self._store)

    def was_changed_by_others(self) -> bool:
        """Tell whether another connection wrote since this was last asked; costs next to nothing."""
        before, self._version = self._version, (queries.version(self._store), self._connection)
        return before != self._version

    def has_work(self) -> bool:
        """Tell whether :meth:`claim` would find a job; quick however many there are."""
        return queries.has_work(self._store)

    def photo_count(self) -> int:
        """Return how many photos on record are there."""
        return queries.photo_count(self._store)

    def unfinished(self, photos_named: Iterable[str]) -> list[str]:
        """Return those of the photos that have jobs which are neither done nor given up nor withdrawn."""
        return queries.unfinished(self._store, photos_named)

    def open_keys(self) -> set[str]:
        """Return the keys of all sources' jobs that are to be done, of photos whose content is on record."""
        return queries.open_keys(self._store)

    def counts(self) -> dict[JobState, int]:
        """Return how many jobs of this source are in each state; every state is there."""
        return queries.counts(self._store)

    def made_since(self, moment: float) -> int:
        """Return how many pictures were published, made or copied, since ``moment`` (epoch seconds)."""
        return queries.made_since(self._store, moment)

    def failures(self) -> list[FailureRow]:
        """Return the failed and quarantined jobs by photo, style and recipe."""
        return queries.failures(self._store)

    def photo_problems(self) -> list[PhotoProblem]:
        """Return the quarantined photos that are there, by path; they may have no jobs at all."""
        return queries.photo_problems(self._store)

    def backlog(self) -> list[Backlog]:
        """Return the jobs that are pending or leased, counted by recipe and settings."""
        return queries.backlog(self._store)

    def timings(self, engine_version: str) -> dict[str, Timing]:
        """Return what this engine's latest pictures, of all sources, took, by the hash of their settings."""
        return queries.timings(self._store, engine_version)
