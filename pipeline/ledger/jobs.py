"""What the config asks for, and what the user asks for again. Owns the rows of jobs outside their leases."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from pipeline.failpoints import failpoint
from pipeline.ledger.names import Allocator
from pipeline.ledger.records import JobChanges, WantedJob
from pipeline.ledger.states import FORGIVEN, Store, stored_paths
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
    """What the wanted jobs and the rows have not in common; numbers are ids of rows."""

    new: list[WantedJob] = field(default_factory=list)
    changed: list[tuple[str, int]] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    renamed: list[tuple[bytes, str, int]] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    unchanged: int = 0


_Row = tuple[int, str, bytes, str, int]


def _rows(store: Store, only: Collection[bytes] | None) -> dict[_JobName, _Row]:
    rows = store.of_photos(
        "SELECT photo, style, recipe, id, settings_sha256, stem, suffix, wanted FROM jobs WHERE source_id = ?",
        "photo",
        only,
    )
    return {row[:3]: row[3:] for row in rows}


def _examined(store: Store, only: Collection[bytes] | None) -> set[bytes]:
    """Return the photos that can have jobs now; of others nobody can say what is wanted."""
    rows = store.of_photos(
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
    """Decide what changes; ``rows`` is used up. Jobs of photos that are not on record are left out."""
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
        identity
        for (photo, _, _), (identity, *_, live) in rows.items()
        if live and (photo in mentioned or photo in examined)
    ]
    return found


def _compare_row(item: WantedJob, suffix: str, row: _Row, found: _Differences) -> None:
    identity, settings, stem, old_suffix, live = row
    if settings != item.settings_sha256:
        found.changed.append((item.settings_sha256, identity))
    elif not live:
        found.returned.append(identity)
    else:
        found.unchanged += 1
    new_stem = os.fsencode(item.stem)
    if (stem, old_suffix) != (new_stem, suffix):
        found.renamed.append((new_stem, suffix, identity))


def _insert(store: Store, new: list[WantedJob], suffix: str, photos: dict[bytes, float]) -> None:
    allocator, now, rows = Allocator(store.connection), store.clock(), []
    for item in sorted(new, key=lambda item: item.job):
        photo, stem = os.fsencode(item.job.photo), os.fsencode(item.stem)
        output = os.fsencode(allocator.allocate(item.stem, suffix))
        name = (store.source_id, photo, item.job.style, item.job.recipe)
        rows.append((*name, photos[photo], item.settings_sha256, now, stem, suffix, output, stem + suffix.encode()))
    store.connection.executemany(_INSERT, rows)


def _apply(store: Store, found: _Differences) -> None:
    run = store.connection.executemany
    identities = [(identity,) for _, identity in found.changed]
    run(
        f"UPDATE jobs SET settings_sha256 = ?, wanted = 1, current = 0, {FORGIVEN} WHERE id = ?",  # noqa: S608
        found.changed,
    )
    run("UPDATE leases SET disturbed = 1 WHERE job_id = ?", identities)
    run("UPDATE jobs SET wanted = 1 WHERE id = ?", [(identity,) for identity in found.returned])
    run("UPDATE jobs SET wanted = 0 WHERE id = ?", [(identity,) for identity in found.withdrawn])
    run("UPDATE jobs SET stem = ?, suffix = ? WHERE id = ?", found.renamed)
    store.follow("id = ?", [*identities, *((identity,) for identity in found.returned + found.withdrawn)])


# Outside of its waiting time: over, or the clock has been set back behind its beginning, and nothing is known of it.
_DUE: Final = "state = 'failed' AND NOT (delayed_at <= ? AND ? < not_before)"


def _ids(connection: sqlite3.Connection, condition: str, parameters: tuple[object, ...]) -> list[tuple[int]]:
    return connection.execute(
        f"SELECT id FROM jobs WHERE source_id = ? AND {condition}",  # noqa: S608 (conditions are ours)
        parameters,
    ).fetchall()


def _again(store: Store, facts: str, identities: list[tuple[int]]) -> int:
    store.connection.executemany(f"UPDATE jobs SET {facts} WHERE id = ?", identities)  # noqa: S608
    store.follow("id = ?", [*identities])
    return len(identities)


# Without its key the picture can neither be taken for current nor be copied; its hash stays, so that it is replaced.
_OUTDATED: Final = "current = 0, key = NULL"


class Jobs:
    """The jobs on record, outside of their leases.

    Methods raise as those of :class:`pipeline.ledger.Ledger`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, wanted: Iterable[WantedJob], suffix: str, only: Collection[str] | None = None) -> JobChanges:
        """Make the jobs on record the wanted ones; names of new ones are allocated in the order of jobs.

        Changed settings make a job pending again with all its attempts. One not wanted any more is withdrawn, a done
        one too, until it is wanted again. Jobs of photos that are gone, quarantined or being looked at are left alone
        unless ``wanted`` mentions the photo; wanted jobs of photos that are not on record are ignored. With ``only``
        the jobs of other photos are left alone.
        """
        store, concerned = self._store, stored_paths(only)
        with store.writing():
            photos = {path: facts for path, *facts in store.of_photos(_PHOTOS, "path", concerned)}
            found = _compare(wanted, suffix, _rows(store, concerned), photos.keys(), _examined(store, concerned))
            _insert(store, found.new, suffix, {path: seconds for path, (seconds, _) in photos.items()})
            troubled = {os.fsencode(item.job.photo) for item in found.new if photos[os.fsencode(item.job.photo)][1]}
            store.follow("source_id = ? AND photo = ?", [(store.source_id, photo) for photo in troubled])
            _apply(store, found)
        failpoint("jobs-recorded")
        return JobChanges(
            new=len(found.new),
            changed=len(found.changed),
            withdrawn=len(found.withdrawn),
            unchanged=found.unchanged,
            returned=len(found.returned),
        )

    def ready_failed(self) -> int:
        """Make failed jobs pending, at the start of a run, even those that should wait. Returns how many."""
        store = self._store
        with store.writing() as connection:
            return _again(
                store, "verdict = NULL, fault = ''", _ids(connection, "state = 'failed'", (store.source_id,))
            )

    def ready_due(self) -> int:
        """Make failed jobs pending that waited long enough, by no clock more than their delay. Returns how many."""
        store = self._store
        now = store.clock()
        with store.writing() as connection:
            due = _ids(connection, _DUE, (store.source_id, now, now))
            return _again(store, "verdict = NULL, fault = ''", due)

    def next_due(self) -> float | None:
        """Return when :meth:`ready_due` will find a job, in epoch seconds; None without failed jobs."""
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
            return _again(store, _OUTDATED, _ids(connection, other, (store.source_id, engine_version)))

    def redo(self, jobs: Iterable[Job]) -> int:
        """Make these jobs pending, as far as they are done. Returns how many."""
        store = self._store
        with store.writing() as connection:
            identities = []
            for job in jobs:
                name = (store.source_id, os.fsencode(job.photo), job.style, job.recipe)
                identities += connection.execute(
                    f"SELECT id FROM jobs WHERE {_OF_JOB} AND state = 'done'",  # noqa: S608
                    name,
                ).fetchall()
            return _again(store, _OUTDATED, identities)

    def retry(self, photos: Collection[str] | None = None) -> int:
        """Make failed and quarantined jobs (of these photos) pending; quarantined photos become unknown.

        Returns how many jobs, plus the lifted photos without any.
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
            freed = [(identity, photo) for identity, photo in rows if chosen is None or photo in chosen]
            connection.executemany(
                "UPDATE photos SET problem = NULL, signature = NULL, sha256 = NULL WHERE source_id = ? AND path = ?",
                [(store.source_id, path) for path in lifted],
            )
            _again(store, FORGIVEN, [(identity,) for identity, _ in freed])
        return len(freed) + len(lifted - {photo for _, photo in freed})
