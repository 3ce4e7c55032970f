"""Records jobs in progress. Owns every step of a lease from the claim to its end.

A lease ends with exactly one of: complete, complete_unchanged, release, withdraw, release_until_scanned, fail, crash,
quarantine_photo, interrupted. It belongs to the instance that holds the state folder's lock, not to a clock.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pipeline.errors import LeaseLostError, LedgerError
from pipeline.failpoints import failpoint
from pipeline.ledger.claim_queue import ClaimQueue
from pipeline.ledger.names import NameAllocator
from pipeline.ledger.picture_facts import PictureFactsTable
from pipeline.ledger.records import Claim, Lease, PictureFacts
from pipeline.ledger.states import CLEAR_FAILURES, MADE_WITH_LEASED_SETTINGS, SET_CURRENT
from pipeline.ledger.store import Store, job_from_columns, photo_from_columns, stored_text
from pipeline.ledger.totals import TotalsTable
from pipeline.model import ClaimOrder, FailureKind, JobState

_COLUMNS: Final = "jobs.*, photos.signature, photos.sha256 AS photo_sha256"

_LEASES: Final = """
SELECT leases.*, jobs.photo, style, recipe, output, published_sha256
FROM leases JOIN jobs ON jobs.id = leases.job_id ORDER BY jobs.id
"""


def _claim(store: Store, row: sqlite3.Row) -> Claim:
    # The config may ask for another name or format now; what was published under the old name stays there.
    renamed = row["named_for"] != row["stem"] + row["suffix"].encode()
    output = _rename(store, row["id"]) if renamed else os.fsdecode(row["output"])
    token = secrets.token_hex(16)
    store.connection.execute(
        "INSERT INTO leases (token, job_id, photo_sha256, settings_sha256) VALUES (?, ?, ?, ?)",
        (token, row["id"], row["photo_sha256"], row["settings_sha256"]),
    )
    return Claim(
        token=token,
        job=job_from_columns(row["photo"], row["style"], row["recipe"]),
        output=output,
        photo=photo_from_columns(row["photo"], row["signature"]),
        photo_sha256=row["photo_sha256"],
        settings_sha256=row["settings_sha256"],
        attempts=row["attempts"],
        consecutive_failures=row["setbacks"],
        published_sha256=None if renamed else row["published_sha256"],
        published_key=None if renamed else row["key"],
        made_settings_sha256=None if renamed else row["made_settings_sha256"],
        original_sha256=None if renamed else row["original_sha256"],
    )


def _rename(store: Store, job_id: int) -> str:
    stem, suffix = store.connection.execute("SELECT stem, suffix FROM jobs WHERE id = ?", (job_id,)).fetchone()
    output = NameAllocator(store.connection).allocate(os.fsdecode(stem), suffix)
    store.connection.execute(
        "UPDATE jobs SET output = ?, named_for = ?, key = NULL, published_sha256 = NULL, engine_version = NULL,"
        " original_sha256 = NULL, made_settings_sha256 = NULL WHERE id = ?",
        (os.fsencode(output), stem + suffix.encode(), job_id),
    )
    return output


def _job_id(store: Store, token: str) -> int:
    row = store.connection.execute("SELECT job_id FROM leases WHERE token = ?", (token,)).fetchone()
    if row is None:
        raise LeaseLostError(
            f"{store.location}: another stylewatch has taken over the work of this one; nothing is lost, but run "
            f"only one of them, on one machine, with a state folder"
        )
    return int(row[0])


@contextmanager
def ending_lease(store: Store, token: str) -> Iterator[int]:
    """Yield the id of the leased job; then end the lease and update the job's state."""
    with store.writing() as connection:
        job_id = _job_id(store, token)
        yield job_id
        connection.execute("DELETE FROM leases WHERE token = ?", (token,))
        store.update_states("id = ?", [(job_id,)])


def _state(store: Store, job_id: int) -> JobState:
    return JobState(store.connection.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()[0])


def _has_artwork(store: Store, token: str) -> bool:
    query = "SELECT 1 FROM leases WHERE token = ? AND artwork_sha256 IS NOT NULL"
    with store.reading() as connection:
        return connection.execute(query, (token,)).fetchone() is not None


_PHOTO_OF_JOB: Final = "(source_id, path) = (SELECT source_id, photo FROM jobs WHERE id = ?)"
_SAME_PHOTO: Final = "(source_id, photo) = (SELECT source_id, photo FROM jobs WHERE id = ?)"


def _count_failure(store: Store, job_id: int, column: str, most: int, reason: str) -> None:
    store.connection.execute(
        f"UPDATE jobs SET {column} = {column} + 1, fault = ?,"  # noqa: S608 (columns are ours)
        f" verdict = CASE WHEN {column} + 1 >= ? THEN 'quarantined' END WHERE id = ?",
        (stored_text(reason), most, job_id),
    )


class Leases:
    """Leases by their tokens; an unknown token raises LeaseLostError.

    Methods raise as those of :class:`pipeline.ledger.Ledger`.
    """

    def __init__(self, store: Store, queue: ClaimQueue) -> None:
        self._store = store
        self._queue = queue
        self._facts = PictureFactsTable(store)
        self._totals = TotalsTable(store)

    def claim(self, limit: int, order: ClaimOrder) -> list[Claim]:
        """Lease up to ``limit`` pending jobs, each under a fresh token, in the order of their photos."""
        store = self._store
        with store.writing():
            rows = self._queue.rows(_COLUMNS, order, limit)
            claims = [_claim(store, row) for row in rows]
            store.update_states("id = ?", [(row["id"],) for row in rows])
        if claims:
            failpoint("job-leased")
        return claims

    def start(self, token: str) -> None:
        """Record that work began: from now on an interruption counts."""
        with self._store.writing() as connection:
            _job_id(self._store, token)
            connection.execute("UPDATE leases SET started = 1 WHERE token = ?", (token,))

    def use_settings(self, token: str, settings_sha256: str) -> None:
        """Record that the job's picture is one that was made with these settings, not with those claimed."""
        with self._store.writing() as connection:
            _job_id(self._store, token)
            connection.execute("UPDATE leases SET settings_sha256 = ? WHERE token = ?", (settings_sha256, token))

    def record_artwork(
        self, token: str, sha256: str, facts: PictureFacts | None = None, *, copied_key: str | None = None
    ) -> None:
        """Record that the job's temporary file is complete, with this hash, before it is published.

        ``facts``: how it was made. ``copied_key``: it is a copy of the published picture with this key.
        """
        with self._store.writing() as connection:
            job_id = _job_id(self._store, token)
            connection.execute("UPDATE leases SET artwork_sha256 = ? WHERE token = ?", (sha256, token))
            if facts is not None:
                self._facts.record(job_id, sha256, facts)
            elif copied_key is not None:
                self._facts.record_copy(job_id, sha256, copied_key)
        failpoint("artwork-recorded")

    def rename_output(self, token: str) -> str:
        """Give the job the next free name, relative to the output folder.

        Its own is taken by a file of the user's.
        """
        store = self._store
        with store.writing():
            return _rename(store, _job_id(store, token))

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
        """Leased → done, or pending again if photo or settings changed during the lease.

        ``pixel_evaluations``: pixels × evaluations, over all scales; 0 is not used for estimates.
        """
        store = self._store
        with ending_lease(store, token) as job_id:
            (stored,) = store.connection.execute("SELECT output FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if os.fsencode(output) != stored:
                raise LedgerError(
                    f"{store.location}: {output!r} is not the name of that job's picture, {stored!r} is"
                )
            store.connection.execute(
                "UPDATE jobs SET key = ?, published_sha256 = ?, engine_version = ?,"  # noqa: S608 (facts are ours)
                f" seconds = ?, pixel_evaluations = ?, made_at = ?, original_sha256 = NULL,"
                f" {MADE_WITH_LEASED_SETTINGS}, {SET_CURRENT}, {CLEAR_FAILURES} WHERE id = ?",
                (key, picture_sha256, engine_version, seconds, pixel_evaluations, store.clock(), job_id),
            )
            copied, facts = self._facts.of_published(job_id)
            self._totals.count_picture(copied=copied, facts=facts)
        failpoint("job-done")

    def complete_unchanged(self, token: str, key: str, *, kept: bool = False) -> None:
        """Leased → done without work. Raises LedgerError unless ``key`` is the published picture's.

        ``kept``: that picture was made with earlier settings.
        """
        store = self._store
        with ending_lease(store, token) as job_id:
            (published,) = store.connection.execute("SELECT key FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if published != key:
                raise LedgerError(
                    f"{store.location}: the picture published for this job has another key than {key!r}"
                )
            made = "" if kept else f"{MADE_WITH_LEASED_SETTINGS}, "
            store.connection.execute(
                f"UPDATE jobs SET {made}{SET_CURRENT}, {CLEAR_FAILURES} WHERE id = ?",  # noqa: S608
                (job_id,),
            )

    def release(self, token: str) -> bool:
        """Leased → pending, at no cost. False: it stays leased, for recovery, as its picture may be published."""
        if _has_artwork(self._store, token):
            return False
        with ending_lease(self._store, token):
            return True

    def withdraw(self, token: str, reason: str) -> None:
        """Leased → withdrawn, with the photo's other unfinished jobs: the photo is gone until a scan finds it."""
        store = self._store
        with ending_lease(store, token) as job_id:
            store.connection.execute(
                f"UPDATE photos SET absence = ? WHERE {_PHOTO_OF_JOB}",  # noqa: S608
                (stored_text(reason), job_id),
            )
            store.update_states(_SAME_PHOTO, [(job_id,)])

    def release_until_scanned(self, token: str) -> None:
        """Leased → pending, but not claimed before a scan has recorded the changed photo as ready."""
        with ending_lease(self._store, token) as job_id:
            self._store.connection.execute(
                f"UPDATE photos SET signature = NULL, sha256 = NULL WHERE {_PHOTO_OF_JOB}",  # noqa: S608
                (job_id,),
            )

    def quarantine_photo(self, token: str, reason: str) -> None:
        """Leased → quarantined, with the photo's other unfinished jobs."""
        store = self._store
        with ending_lease(store, token) as job_id:
            store.connection.execute(
                f"UPDATE photos SET problem = ?, problem_at = ? WHERE {_PHOTO_OF_JOB}",  # noqa: S608
                (stored_text(reason), store.clock(), job_id),
            )
            store.update_states(_SAME_PHOTO, [(job_id,)])
            self._totals.count_failure(FailureKind.PHOTO)

    def fail(
        self,
        token: str,
        reason: str,
        *,
        costs_attempt: bool,
        max_attempts: int,
        delay_seconds: float = 0.0,
        kind: FailureKind = FailureKind.ENGINE,
    ) -> JobState:
        """Leased → failed, or quarantined by the ``max_attempts``-th failure that costs one. Returns the state.

        A failed job waits ``delay_seconds`` until :meth:`pipeline.ledger.jobs.Jobs.requeue_due` takes it.
        """
        store = self._store
        now = store.clock()
        with ending_lease(store, token) as job_id:
            store.connection.execute(
                "UPDATE jobs SET attempts = attempts + ?, setbacks = setbacks + 1, delayed_at = ?, not_before = ?,"
                " fault = ? WHERE id = ?",
                (int(costs_attempt), now, now + delay_seconds, stored_text(reason), job_id),
            )
            store.connection.execute(
                "UPDATE jobs SET verdict = CASE WHEN ? AND attempts >= ? THEN 'quarantined' ELSE 'failed' END"
                " WHERE id = ?",
                (costs_attempt, max_attempts, job_id),
            )
            self._totals.count_failure(kind)
        return _state(store, job_id)

    def crash(self, token: str, reason: str, *, max_crashes: int) -> JobState:
        """Leased → pending, or quarantined at the ``max_crashes``-th crash of a worker. Returns the state."""
        store = self._store
        with ending_lease(store, token) as job_id:
            _count_failure(store, job_id, "crashes", max_crashes, reason)
            self._totals.count_failure(FailureKind.CRASH)
        return _state(store, job_id)

    def interrupt(self, token: str, max_interruptions: int) -> JobState:
        """Leased by a killed process → pending, or quarantined at the ``max_interruptions``-th interruption."""
        store = self._store
        with ending_lease(store, token) as job_id:
            (started,) = store.connection.execute("SELECT started FROM leases WHERE token = ?", (token,)).fetchone()
            if started:
                reason = "the program ended unexpectedly each time it worked on this picture"
                _count_failure(store, job_id, "interruptions", max_interruptions, reason)
        return _state(store, job_id)

    def all(self) -> list[Lease]:
        """Return the leases of all sources; when a program starts, those that earlier ones left."""
        with self._store.reading():
            rows = self._store.named_rows(_LEASES)
        return [
            Lease(
                token=row["token"],
                job=job_from_columns(row["photo"], row["style"], row["recipe"]),
                output=os.fsdecode(row["output"]),
                photo_sha256=row["photo_sha256"],
                settings_sha256=row["settings_sha256"],
                artwork_sha256=row["artwork_sha256"],
                published_sha256=row["published_sha256"],
            )
            for row in rows
        ]
