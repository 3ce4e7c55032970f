"""Records the jobs that the config asks for, and retries. Owns the rows of jobs outside their leases."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from pipeline.failpoints import failpoint
from pipeline.hashing import job_key
from pipeline.ledger.names import NameAllocator
from pipeline.ledger.records import WantedJob
from pipeline.ledger.rejections import is_rejected, lift_rejections
from pipeline.ledger.states import CLEAR_FAILURES, FORGET_KEY
from pipeline.ledger.store import Store, stored_paths
from pipeline.ledger.tables import random_position
from pipeline.model import Job, OnChange

_JobName = tuple[bytes, str, str]

_INSERT: Final = """
INSERT INTO jobs (source_id, photo, style, recipe, photo_seconds, settings_sha256, changed_at, stem, suffix, output,
    named_for, random_position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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
    kept: list[tuple[str, int]] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    renamed: list[tuple[bytes, str, int]] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Row:
    """``made_settings``: those that its picture was made with, None unless that is current."""

    job_id: int
    settings: str
    made_settings: str | None
    stem: bytes
    suffix: str
    live: int


def _rows(store: Store, only: Collection[bytes] | None) -> dict[_JobName, _Row]:
    rows = store.rows_of_photos(
        "SELECT photo, style, recipe, id, settings_sha256,"
        " CASE WHEN current THEN coalesce(made_settings_sha256, settings_sha256) END, stem, suffix, wanted"
        " FROM jobs WHERE source_id = ?",
        "photo",
        only,
    )
    return {row[:3]: _Row(*row[3:]) for row in rows}


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
    on_change: OnChange,
) -> _Differences:
    """Return what changes; takes items out of ``rows``. Jobs of photos that are not on record are left out."""
    found = _Differences()
    mentioned = set()
    for item in wanted:
        photo = os.fsencode(item.job.photo)
        mentioned.add(photo)
        row = rows.pop((photo, item.job.style, item.job.recipe), None)
        if row is not None:
            _compare_row(item, suffix, row, on_change, found)
        elif photo in recorded:
            found.new.append(item)
    found.withdrawn = [
        row.job_id for (photo, _, _), row in rows.items() if row.live and (photo in mentioned or photo in examined)
    ]
    return found


def _compare_row(item: WantedJob, suffix: str, row: _Row, on_change: OnChange, found: _Differences) -> None:
    if row.made_settings is not None and on_change == "keep":
        # Its settings are those of the next picture, once there is a reason to make one.
        found.kept += [(item.settings_sha256, row.job_id)] if row.settings != item.settings_sha256 else []
        found.returned += [] if row.live else [row.job_id]
    elif {row.settings, row.made_settings or row.settings} != {item.settings_sha256}:
        found.changed.append((item.settings_sha256, row.job_id))
    elif not row.live:
        found.returned.append(row.job_id)
    new_stem = os.fsencode(item.stem)
    if (row.stem, row.suffix) != (new_stem, suffix):
        found.renamed.append((new_stem, suffix, row.job_id))


def _insert(store: Store, new: list[WantedJob], suffix: str, photos: dict[bytes, float]) -> None:
    allocator, now, rows = NameAllocator(store.connection), store.clock(), []
    for item in sorted(new, key=lambda item: item.job):
        photo, stem = os.fsencode(item.job.photo), os.fsencode(item.stem)
        output = os.fsencode(allocator.allocate(item.stem, suffix))
        name = (store.source_id, photo, item.job.style, item.job.recipe)
        names = (stem, suffix, output, stem + suffix.encode())
        rows.append((*name, photos[photo], item.settings_sha256, now, *names, random_position(photo)))
    store.connection.executemany(_INSERT, rows)


def _apply(store: Store, found: _Differences) -> None:
    run = store.connection.executemany
    job_ids = [(job_id,) for _, job_id in found.changed]
    run(
        f"UPDATE jobs SET settings_sha256 = ?, wanted = 1, current = 0, {CLEAR_FAILURES} WHERE id = ?",  # noqa: S608
        found.changed,
    )
    run("UPDATE jobs SET settings_sha256 = ? WHERE id = ?", found.kept)
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


_KEPT: Final = """
state = 'done' AND current AND made_settings_sha256 IS NOT settings_sha256
AND (SELECT absence IS NULL FROM photos WHERE photos.source_id = jobs.source_id AND path = photo)
"""

_RECOGNIZABLE: Final = """
SELECT id FROM jobs JOIN photos ON photos.source_id = jobs.source_id AND path = photo
WHERE jobs.source_id = ? AND state IN ('pending', 'failed', 'quarantined') AND NOT current
    AND absence IS NULL AND problem IS NULL AND key IS NOT NULL AND sha256 IS NOT NULL
    AND (made_settings_sha256 = settings_sha256 OR ?) AND key = job_key(sha256, made_settings_sha256)
"""


class Jobs:
    """The jobs on record, outside their leases.

    Methods raise as those of :class:`pipeline.ledger.Ledger`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(
        self,
        wanted: Iterable[WantedJob],
        suffix: str,
        only: Collection[str] | None = None,
        on_change: OnChange = "repaint",
    ) -> None:
        """Make the jobs on record the wanted ones; names of new ones are allocated in the order of jobs.

        Changed settings make a job pending again with all its attempts, but not, with ``on_change`` keep, one whose
        picture is finished: it stays done, and the settings are those of its next picture. A job that is no longer
        wanted is withdrawn, even if it is done, until it is wanted again. Jobs of photos that are gone, quarantined
        or not examined yet stay as they are unless ``wanted`` mentions the photo; wanted jobs of photos that are not
        on record are ignored. With ``only`` the jobs of other photos stay as they are.
        """
        store, concerned = self._store, stored_paths(only)
        with store.writing():
            photos = {path: facts for path, *facts in store.rows_of_photos(_PHOTOS, "path", concerned)}
            found = _compare(
                wanted,
                suffix,
                _rows(store, concerned),
                photos.keys(),
                _examined_photos(store, concerned),
                on_change,
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

    def recognize(self, on_change: OnChange = "repaint") -> int:
        """Make jobs done whose picture is what is wanted, as after a setting was changed back. Returns how many.

        With ``on_change`` keep that is any picture of the photo's present content.
        """
        store = self._store
        with store.writing() as connection:
            connection.create_function("job_key", 2, job_key, deterministic=True)
            rows = connection.execute(_RECOGNIZABLE, (store.source_id, on_change == "keep")).fetchall()
            return _requeue(store, f"current = 1, {CLEAR_FAILURES}", rows)

    def redo_outdated(self, engine_version: str, is_selected: Callable[[str], bool] | None = None) -> int:
        """Make done jobs (of these photos) of any other engine version pending, but no rejected one.

        Returns how many.
        """
        with self._store.reading():
            condition = f"state = 'done' AND engine_version IS NOT ? AND NOT {is_rejected(self._store)}"
        return self._redo(condition, (engine_version,), is_selected)

    def redo_changed(self, is_selected: Callable[[str], bool] | None = None) -> int:
        """Make done jobs (of these photos) pending that were kept when their settings changed. Returns how many."""
        return self._redo(_KEPT, (), is_selected)

    def _redo(self, condition: str, parameters: tuple[object, ...], is_selected: Callable[[str], bool] | None) -> int:
        store = self._store
        with store.writing() as connection:
            rows = connection.execute(
                f"SELECT id, photo FROM jobs WHERE source_id = ? AND {condition}",  # noqa: S608 (conditions are ours)
                (store.source_id, *parameters),
            ).fetchall()
            chosen = [(job_id,) for job_id, photo in rows if is_selected is None or is_selected(os.fsdecode(photo))]
            return _requeue(store, FORGET_KEY, chosen)

    def redo(self, jobs: Iterable[Job]) -> int:
        """Make those of these jobs pending that are done, failed or given up, rejected ones too. Returns how many."""
        store = self._store
        with store.writing() as connection:
            job_ids = []
            for job in jobs:
                name = (store.source_id, os.fsencode(job.photo), job.style, job.recipe)
                job_ids += connection.execute(
                    f"SELECT id FROM jobs WHERE {_OF_JOB} AND state IN ('done', 'failed', 'quarantined')",  # noqa: S608
                    name,
                ).fetchall()
            lift_rejections(store, (job_id for (job_id,) in job_ids))
            return _requeue(store, f"{FORGET_KEY}, {CLEAR_FAILURES}", job_ids)

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
