"""Records the jobs that the config asks for, and retries. Owns the rows of jobs outside their leases."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from pipeline.failpoints import failpoint
from pipeline.ledger.names import NameAllocator
from pipeline.ledger.records import WantedJob
from pipeline.ledger.states import CLEAR_FAILURES
from pipeline.ledger.store import Store, stored_paths
from pipeline.model import Job

_JobName = tuple[bytes, str, str]

_INSERT: Final = """
INSERT INTO jobs (source_id, photo, style, recipe, photo_seconds, settings_sha256, changed_at, stem, suffix, output,
    named_for) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_PHOTOS: Final = """
SELECT path, mtime_seconds, absence IS NOT NULL OR problem IS NOT NULL FROM photos WHERE source_id = ?
"""
_OF_JOB: Final = "source_id = ? AND photo = ? AND style = ? AND recipe = ?"


@dataclass(slots=True)
class _Differences:
    """How the wanted jobs differ from the rows; numbers are ids of rows."""

    new: list[WantedJob] = field(default_factory=list)
    changed: list[tuple[str, int]] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    renamed: list[tuple[bytes, str, int]] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)


_Row = tuple[int, str, bytes, str, int]


def _rows(store: Store, only: Collection[bytes] | None) -> dict[_JobName, _Row]:
    rows = store.rows_of_photos(
        "SELECT photo, style, recipe, id, settings_sha256, stem, suffix, wanted FROM jobs WHERE source_id = ?",
        "photo",
        only,
    )
    return {row[:3]: row[3:] for row in rows}


def _examined_photos(store: Store, only: Collection[bytes] | None) -> set[bytes]:
    """Return the photos that can have jobs now; for others it is not known what is wanted."""
    rows = store.rows_of_photos(
        "SELECT path FROM photos"
        " WHERE source_id = ? AND signature IS NOT NULL AND absence IS NULL AND problem IS NULL",
        "path",
        only,
    )
    return {path for (path,) in rows}


def _compare(
    wanted: Iterable[WantedJob],
    suffix: str,
    rows: dict[_JobName, _Row],
    recorded: Collection[bytes],
    examined: set[bytes],
) -> _Differences:
    """Return what changes; takes items out of ``rows``. Jobs of photos that are not on record are left out."""
    found = _Differences()
    mentioned = set()
    for item in wanted:
        photo = os.fsencode(item.job.photo)
        mentioned.add(photo)
        row = rows.pop((photo, item.job.style, item.job.recipe), None)
        if row is not None:
            _compare_row(item, suffix, row, found)
        elif photo in recorded:
            found.new.append(item)
    found.withdrawn = [
        job_id
        for (photo, _, _), (job_id, *_, live) in rows.items()
        if live and (photo in mentioned or photo in examined)
    ]
    return found


def _compare_row(item: WantedJob, suffix: str, row: _Row, found: _Differences) -> None:
    job_id, settings, stem, old_suffix, live = row
    if settings != item.settings_sha256:
        found.changed.append((item.settings_sha256, job_id))
    elif not live:
        found.returned.append(job_id)
    new_stem = os.fsencode(item.stem)
    if (stem, old_suffix) != (new_stem, suffix):
        found.renamed.append((new_stem, suffix, job_id))


def _insert(store: Store, new: list[WantedJob], suffix: str, photos: dict[bytes, float]) -> None:
    allocator, now, rows = NameAllocator(store.connection), store.clock(), []
    for item in sorted(new, key=lambda item: item.job):
        photo, stem = os.fsencode(item.job.photo), os.fsencode(item.stem)
        output = os.fsencode(allocator.allocate(item.stem, suffix))
        name = (store.source_id, photo, item.job.style, item.job.recipe)
        rows.append((*name, photos[photo], item.settings_sha256, now, stem, suffix, output, stem + suffix.encode()))
    store.connection.executemany(_INSERT, rows)


def _apply(store: Store, found: _Differences) -> None:
    run = store.connection.executemany
    job_ids = [(job_id,) for _, job_id in found.changed]
    run(
        f"UPDATE jobs SET settings_sha256 = ?, wanted = 1, current = 0, {CLEAR_FAILURES} WHERE id = ?",  # noqa: S608
        found.changed,
    )
    run("UPDATE leases SET disturbed = 1 WHERE job_id = ?", job_ids)
    run("UPDATE jobs SET wanted = 1 WHERE id = ?", [(job_id,) for job_id in found.returned])
    run("UPDATE jobs SET wanted = 0 WHERE id = ?", [(job_id,) for job_id in found.withdrawn])
    run("UPDATE jobs SET stem = ?, suffix = ? WHERE id = ?", found.renamed)
    store.update_states("id = ?", [*job_ids, *((job_id,) for job_id in found.returned + found.withdrawn)])


# Outside of its delay: it is over, or the clock was set back to before its start, so that it can't be measured.
_DUE: Final = "state = 'failed' AND NOT (delayed_at <= ? AND ? < not_before)"


def _ids(connection: sqlite3.Connection, condition: str, parameters: tuple[object, ...]) -> list[tuple[int]]:
    return connection.execute(
        f"SELECT id FROM jobs WHERE source_id = ? AND {condition}",  # noqa: S608 (conditions are ours)
        parameters,
    ).fetchall()


def _requeue(store: Store, facts: str, job_ids: list[tuple[int]]) -> int:
    store.connection.executemany(f"UPDATE jobs SET {facts} WHERE id = ?", job_ids)  # noqa: S608
    store.update_states("id = ?", [*job_ids])
    return len(job_ids)


# Without its key the picture is neither current nor copied; its hash stays, so that it is replaced.
_OUTDATED: Final = "current = 0, key = NULL"


class Jobs:
    """The jobs on record, outside their leases.

    Methods raise as those of :class:`pipeline.ledger.Ledger`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, wanted: Iterable[WantedJob], suffix: str, only: Collection[str] | None = None) -> None:
        """Make the jobs on record the wanted ones; names of new ones are allocated in the order of jobs.

        Changed settings make a job pending again with all its attempts. One that is no longer wanted is withdrawn,
        even if it is done, until it is wanted again. Jobs of photos that are gone, quarantined or not examined yet
        stay as they are unless ``wanted`` mentions the photo; wanted jobs of photos that are not on record are
        ignored. With ``only`` the jobs of other photos stay as they are.
        """
        store, concerned = self._store, stored_paths(only)
        with store.writing():
            photos = {path: facts for path, *facts in store.rows_of_photos(_PHOTOS, "path", concerned)}
            found = _compare(
                wanted, suffix, _rows(store, concerned), photos.keys(), _examined_photos(store, concerned)
            )
            _insert(store, found.new, suffix, {path: seconds for path, (seconds, _) in photos.items()})
            photos_with_problem = {
                os.fsencode(item.job.photo) for item in found.new if photos[os.fsencode(item.job.photo)][1]
            }
            store.update_states(
                "source_id = ? AND photo = ?", [(store.source_id, photo) for photo in photos_with_problem]
            )
            _apply(store, found)
        failpoint("jobs-recorded")

    def requeue_failed(self) -> int:
        """Make failed jobs pending at the start of a run, even those whose delay is not over. Returns how many."""
        store = self._store
        with store.writing() as connection:
            return _requeue(
                store, "verdict = NULL, fault = ''", _ids(connection, "state = 'failed'", (store.source_id,))
            )

    def requeue_due(self) -> int:
        """Make failed jobs pending whose delay is over, even if the clock was set back. Returns how many."""
        store = self._store
        now = store.clock()
        with store.writing() as connection:
            due = _ids(connection, _DUE, (store.source_id, now, now))
            return _requeue(store, "verdict = NULL, fault = ''", due)

    def next_due(self) -> float | None:
        """Return when :meth:`requeue_due` will find a job, in epoch seconds; None without failed jobs."""
        store = self._store
        now = store.clock()
        with store.reading() as connection:
            (moment,) = connection.execute(
                f"SELECT min(CASE WHEN {_DUE} THEN min(not_before, ?) ELSE not_before END) FROM jobs"  # noqa: S608
                " WHERE source_id = ? AND state = 'failed'",
                (now, now, now, store.source_id),
            ).fetchone()
        return None if moment is None else float(moment)

    def redo_outdated(self, engine_version: str) -> int:
        """Make done jobs of any other engine version pending. Returns how many."""
        store = self._store
        with store.writing() as connection:
            other = "state = 'done' AND engine_version IS NOT ?"
            return _requeue(store, _OUTDATED, _ids(connection, other, (store.source_id, engine_version)))

    def redo(self, jobs: Iterable[Job]) -> int:
        """Make those of these jobs pending that are done. Returns how many."""
        store = self._store
        with store.writing() as connection:
            job_ids = []
            for job in jobs:
                name = (store.source_id, os.fsencode(job.photo), job.style, job.recipe)
                job_ids += connection.execute(
                    f"SELECT id FROM jobs WHERE {_OF_JOB} AND state = 'done'",  # noqa: S608
                    name,
                ).fetchall()
            return _requeue(store, _OUTDATED, job_ids)

    def retry(self, photos: Collection[str] | None = None) -> int:
        """Make failed and quarantined jobs (of these photos) pending; quarantined photos become unknown.

        Returns how many jobs, plus how many of those photos that have none.
        """
        store = self._store
        chosen = None if photos is None else {os.fsencode(photo) for photo in photos}
        with store.writing() as connection:
            problems = connection.execute(
                "SELECT path FROM photos WHERE source_id = ? AND problem IS NOT NULL AND absence IS NULL",
                (store.source_id,),
            ).fetchall()
            rows = connection.execute(
                "SELECT id, photo FROM jobs WHERE source_id = ? AND state IN ('failed', 'quarantined')",
                (store.source_id,),
            ).fetchall()
            lifted = {path for (path,) in problems if chosen is None or path in chosen}
            freed = [(job_id, photo) for job_id, photo in rows if chosen is None or photo in chosen]
            connection.executemany(
                "UPDATE photos SET problem = NULL, signature = NULL, sha256 = NULL WHERE source_id = ? AND path = ?",
                [(store.source_id, path) for path in lifted],
            )
            _requeue(store, CLEAR_FAILURES, [(job_id,) for job_id, _ in freed])
        return len(freed) + len(lifted - {photo for _, photo in freed})
