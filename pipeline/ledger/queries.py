"""Answers questions about jobs and photos. Owns the queries for reports and estimates; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from pipeline.hashing import job_key
from pipeline.ledger.masks import without_mask
from pipeline.ledger.records import Backlog, FailureRow, FinishedJob, PhotoProblem, Published, Timing
from pipeline.ledger.rejections import is_rejected, rejected_photos
from pipeline.ledger.store import Store, job_from_columns
from pipeline.model import JobState, Standing

_TIMED_SAMPLE: Final = 1000

_FAILURES: Final = """
SELECT jobs.photo, style, recipe, state, coalesce(problem, fault), attempts,
    CASE WHEN problem IS NULL THEN changed_at ELSE problem_at END
FROM jobs JOIN photos ON photos.source_id = jobs.source_id AND photos.path = jobs.photo
WHERE jobs.source_id = ? AND state IN ('failed', 'quarantined') ORDER BY jobs.photo, style, recipe
"""


class Queries:
    """Questions about jobs and photos; nothing here changes them.

    Methods raise as those of :class:`pipeline.ledger.Ledger`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def published_with_key(self, key: str, *, of_gone_photos: bool = False) -> list[Published]:
        """Return pictures of this key, of all sources; the caller checks that the file is there with that hash.

        ``of_gone_photos``: only those whose photo is gone from its folder, as after it was renamed, and was not
        moved away when its pictures were made.
        """
        query = "SELECT output, published_sha256 FROM jobs WHERE key = ? AND published_sha256 IS NOT NULL"
        if of_gone_photos:
            query += (
                " AND (SELECT absence IS NOT NULL AND moved_to IS NULL FROM photos"
                " WHERE photos.source_id = jobs.source_id AND path = photo)"
            )
        with self._store.reading() as connection:
            rows = connection.execute(f"{query} ORDER BY id", (key,)).fetchall()
        return [Published(os.fsdecode(output), sha256) for output, sha256 in rows]

    def finished(self, *, rejected: bool = False) -> Iterator[FinishedJob]:
        """Yield the done jobs by photo, style and recipe, those whose picture is ``rejected`` only if asked for."""
        with self._store.reading() as connection:
            condition = "1" if rejected else f"NOT {is_rejected(self._store)}"
            rows = connection.execute(
                "SELECT photo, style, recipe, output, published_sha256, engine_version, absence FROM jobs"  # noqa: S608
                " JOIN photos ON photos.source_id = jobs.source_id AND photos.path = jobs.photo"
                f" WHERE jobs.source_id = ? AND state = 'done' AND {condition} ORDER BY photo, style, recipe",
                (self._store.source_id,),
            ).fetchall()
        for photo, style, recipe, output, *rest in rows:
            yield FinishedJob(job_from_columns(photo, style, recipe), os.fsdecode(output), *rest)

    def published_sample(self, count: int) -> list[str]:
        """Return the names of at most ``count`` published pictures, from all over the folder."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT output FROM jobs WHERE source_id = ? AND published_sha256 IS NOT NULL"
                " ORDER BY random_position LIMIT ?",
                (self._store.source_id, count),
            ).fetchall()
        return [os.fsdecode(output) for (output,) in rows]

    def version(self) -> int:
        """Return a number that changes when another connection writes."""
        with self._store.reading() as connection:
            (number,) = connection.execute("PRAGMA data_version").fetchone()
        return int(number)

    def changes(self) -> tuple[int, int]:
        """Return numbers that change when another connection writes, and when this one does; very cheap."""
        with self._store.reading() as connection:
            return self.version(), connection.total_changes

    def has_work(self) -> bool:
        """Tell whether :meth:`pipeline.ledger.leases.Leases.claim` would find a job; fast for any number of jobs."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM jobs INDEXED BY pending_by_age CROSS JOIN photos"
                " ON photos.source_id = jobs.source_id AND photos.path = jobs.photo"
                " WHERE jobs.source_id = ? AND jobs.state = 'pending' AND photos.signature IS NOT NULL LIMIT 1",
                (self._store.source_id,),
            ).fetchone()
        return row is not None

    def pending_photos(self, recipe: str) -> Iterator[str]:
        """Yield the photos with pending pictures of a recipe."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT photo FROM jobs WHERE source_id = ? AND state = 'pending' AND recipe = ?",
                (self._store.source_id, recipe),
            ).fetchall()
        yield from (os.fsdecode(photo) for (photo,) in rows)

    def photo_count(self) -> int:
        """Return how many photos on record are in the input folder."""
        with self._store.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM photos WHERE source_id = ? AND absence IS NULL", (self._store.source_id,)
            ).fetchone()
        return int(count)

    def photo_paths(self, limit: int) -> list[str]:
        """Return some of the photos on record that are in the input folder."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT path FROM photos WHERE source_id = ? AND absence IS NULL LIMIT ?",
                (self._store.source_id, limit),
            ).fetchall()
        return [os.fsdecode(path) for (path,) in rows]

    def with_wanted_jobs(self, photos: Iterable[str]) -> set[str]:
        """Return those of the photos that the config as last recorded wants pictures of."""
        query = "SELECT 1 FROM jobs WHERE source_id = ? AND photo = ? AND wanted LIMIT 1"
        with self._store.reading() as connection:
            return {
                photo
                for photo in photos
                if connection.execute(query, (self._store.source_id, os.fsencode(photo))).fetchone()
            }

    def without_wanted_jobs(self) -> list[str]:
        """Return the photos that are there and complete, and of which no picture is wanted, by path.

        Archives, which never have jobs of their own, are among them.
        """
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT path FROM photos"
                " WHERE source_id = ? AND signature IS NOT NULL AND absence IS NULL AND problem IS NULL"
                " AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.source_id = photos.source_id"
                " AND jobs.photo = photos.path AND wanted) ORDER BY path",
                (self._store.source_id,),
            ).fetchall()
        return [os.fsdecode(path) for (path,) in rows]

    def unfinished(self, photos: Iterable[str]) -> list[str]:
        """Return those of the photos that have jobs which are neither done nor given up nor withdrawn."""
        query = "SELECT 1 FROM jobs WHERE source_id = ? AND photo = ? AND state IN ('pending', 'failed') LIMIT 1"
        with self._store.reading() as connection:
            return [
                photo
                for photo in photos
                if connection.execute(query, (self._store.source_id, os.fsencode(photo))).fetchone()
            ]

    def open_keys(self) -> set[str]:
        """Return the keys of all sources' jobs that are to be done, of photos whose content is on record."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT photos.sha256, settings_sha256 FROM jobs JOIN photos"
                " ON photos.source_id = jobs.source_id AND photos.path = jobs.photo"
                " WHERE state IN ('pending', 'leased', 'failed') AND photos.sha256 IS NOT NULL"
            ).fetchall()
        return {job_key(photo, settings) for photo, settings in rows}

    def counts(self) -> dict[JobState, int]:
        """Return how many jobs of this source are in each state; every state is there."""
        with self._store.reading() as connection:
            found = dict(
                connection.execute(
                    "SELECT state, count(*) FROM jobs WHERE source_id = ? GROUP BY state", (self._store.source_id,)
                )
            )
        return {state: found.get(state.value, 0) for state in JobState}

    def counts_by_name(self) -> dict[str, int]:
        """Return :meth:`counts` by the states' names; of ``done`` without those ``rejected``."""
        counts = {state.value: count for state, count in self.counts().items()}
        if rejected := self._rejected_of(None):
            counts |= {"done": counts["done"] - rejected, "rejected": rejected}
        return counts

    def standing(self, photos: Collection[bytes] | None = None) -> Standing:
        """Return how it stands with these photos (paths as bytes); None = all of this source."""
        rows, problems = self.failures(), {os.fsencode(row.path) for row in self.photo_problems()}
        rejected = self._rejected_of(photos)
        if photos is None:
            done = self.counts()[JobState.DONE]
        else:
            problems &= set(photos)
            rows = [row for row in rows if os.fsencode(row.job.photo) in photos]
            done = self._done_of(photos)
        given_up = [os.fsencode(row.job.photo) in problems for row in rows if row.state is JobState.QUARANTINED]
        return Standing(
            photos=None if photos is None else len(photos),
            photos_set_aside=len(problems),
            done=done - rejected,
            rejected=rejected,
            failed=sum(row.state is JobState.FAILED for row in rows),
            set_aside=sum(given_up),
            given_up=len(given_up) - sum(given_up),
        )

    def _rejected_of(self, photos: Collection[bytes] | None) -> int:
        with self._store.reading():
            return sum(photos is None or photo in photos for photo in rejected_photos(self._store))

    def _done_of(self, photos: Collection[bytes]) -> int:
        query = "SELECT photo FROM jobs WHERE source_id = ? AND state = 'done'"
        with self._store.reading() as connection:
            return sum(photo in photos for (photo,) in connection.execute(query, (self._store.source_id,)))

    def kept_count(self) -> int:
        """Return how many finished pictures of photos that are there are kept, made with earlier settings."""
        with self._store.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM jobs INDEXED BY kept_jobs CROSS JOIN photos"
                " ON photos.source_id = jobs.source_id AND path = photo"
                " WHERE jobs.source_id = ? AND state = 'done' AND absence IS NULL"
                " AND current AND made_settings_sha256 IS NOT settings_sha256",
                (self._store.source_id,),
            ).fetchone()
        return int(count)

    def made_since(self, moment: float) -> int:
        """Return how many pictures were published, made or copied, since ``moment`` (epoch seconds)."""
        with self._store.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM jobs WHERE source_id = ? AND made_at > 0 AND made_at >= ?",
                (self._store.source_id, moment),
            ).fetchone()
        return int(count)

    def failures(self) -> list[FailureRow]:
        """Return the failed and quarantined jobs by photo, style and recipe."""
        with self._store.reading() as connection:
            rows = connection.execute(_FAILURES, (self._store.source_id,)).fetchall()
        return [
            FailureRow(job_from_columns(photo, style, recipe), JobState(state), reason, attempts, when)
            for photo, style, recipe, state, reason, attempts, when in rows
        ]

    def photo_problems(self) -> list[PhotoProblem]:
        """Return the quarantined photos that are there, by path; they may have no jobs at all."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT path, problem, problem_at FROM photos"
                " WHERE source_id = ? AND problem IS NOT NULL AND absence IS NULL ORDER BY path",
                (self._store.source_id,),
            ).fetchall()
        return [PhotoProblem(os.fsdecode(path), problem, when) for path, problem, when in rows]

    def backlog(self) -> list[Backlog]:
        """Return the jobs that are pending or leased, counted by recipe and settings, whatever their masks."""
        with self._store.reading() as connection:
            rows = connection.execute(
                f"SELECT recipe, {without_mask(self._store, 'settings_sha256')}, count(*) FROM jobs"  # noqa: S608
                " WHERE source_id = ? AND state IN ('pending', 'leased') GROUP BY 1, 2",
                (self._store.source_id,),
            ).fetchall()
        return [Backlog(*row) for row in rows]

    def timings(self, engine_version: str) -> dict[str, Timing]:
        """Return what this engine's latest pictures, of all sources, took, by the hash of their settings.

        Whatever their masks.
        """
        with self._store.reading() as connection:
            made = without_mask(self._store, "coalesce(made_settings_sha256, settings_sha256)")
            rows = connection.execute(
                f"SELECT {made}, count(*), sum(seconds),"  # noqa: S608 (columns are ours)
                " sum(pixel_evaluations) FROM (SELECT * FROM jobs"
                " WHERE pixel_evaluations > 0 AND state = 'done' AND engine_version = ?"
                " ORDER BY changed_at DESC LIMIT ?)"
                " GROUP BY 1",
                (engine_version, _TIMED_SAMPLE),
            ).fetchall()
        return {settings: Timing(*numbers) for settings, *numbers in rows}
