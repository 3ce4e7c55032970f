"""What the ledger can tell. Owns reading; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

from pipeline.hashing import job_key
from pipeline.ledger.records import Backlog, FailureRow, Finished, Lease, PhotoProblem, Published, Timing
from pipeline.ledger.states import Store, job_of
from pipeline.model import JobState

_TIMED_SAMPLE: Final = 1000

_LEASES: Final = """
SELECT leases.*, sources.name AS source, jobs.photo, style, recipe, output, attempts, published_sha256, key
FROM leases JOIN jobs ON jobs.id = leases.job_id JOIN sources ON sources.id = jobs.source_id ORDER BY jobs.id
"""

_FAILURES: Final = """
SELECT jobs.photo, style, recipe, state, coalesce(problem, fault), attempts,
    CASE WHEN problem IS NULL THEN changed_at ELSE problem_at END
FROM jobs JOIN photos ON photos.source_id = jobs.source_id AND photos.path = jobs.photo
WHERE jobs.source_id = ? AND state IN ('failed', 'quarantined') ORDER BY jobs.photo, style, recipe
"""


def leases(store: Store) -> list[Lease]:
    """Return all leases of all sources."""
    with store.reading():
        rows = store.named_rows(_LEASES)
    return [
        Lease(
            token=row["token"],
            source=os.fsdecode(row["source"]),
            job=job_of(row["photo"], row["style"], row["recipe"]),
            output=os.fsdecode(row["output"]),
            photo_sha256=row["photo_sha256"],
            settings_sha256=row["settings_sha256"],
            artwork_sha256=row["artwork_sha256"],
            started=bool(row["started"]),
            attempts=row["attempts"],
            published_sha256=row["published_sha256"],
            published_key=row["key"],
        )
        for row in rows
    ]


def published_with_key(store: Store, key: str) -> list[Published]:
    """Return the published pictures of this key, of all sources."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT output, published_sha256 FROM jobs WHERE key = ? AND published_sha256 IS NOT NULL ORDER BY id",
            (key,),
        ).fetchall()
    return [Published(os.fsdecode(output), sha256) for output, sha256 in rows]


def finished(store: Store) -> Iterator[Finished]:
    """Yield the done jobs by photo, style and recipe."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT photo, style, recipe, output, published_sha256, engine_version, absence FROM jobs"
            " JOIN photos ON photos.source_id = jobs.source_id AND photos.path = jobs.photo"
            " WHERE jobs.source_id = ? AND state = 'done' ORDER BY photo, style, recipe",
            (store.source_id,),
        ).fetchall()
    for photo, style, recipe, output, *rest in rows:
        yield Finished(job_of(photo, style, recipe), os.fsdecode(output), *rest)


def version(store: Store) -> int:
    """Return a number that changes when another connection writes."""
    with store.reading() as connection:
        (number,) = connection.execute("PRAGMA data_version").fetchone()
    return int(number)


def has_work(store: Store) -> bool:
    """Tell whether a pending job can be claimed."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT 1 FROM jobs INDEXED BY pending_by_age CROSS JOIN photos"
            " ON photos.source_id = jobs.source_id AND photos.path = jobs.photo"
            " WHERE jobs.source_id = ? AND jobs.state = 'pending' AND photos.signature IS NOT NULL LIMIT 1",
            (store.source_id,),
        ).fetchone()
    return row is not None


def photo_count(store: Store) -> int:
    """Return how many photos are there."""
    with store.reading() as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM photos WHERE source_id = ? AND absence IS NULL", (store.source_id,)
        ).fetchone()
    return int(count)


def unfinished(store: Store, photos: Iterable[str]) -> list[str]:
    """Return those of the photos that have jobs still to be done."""
    query = "SELECT 1 FROM jobs WHERE source_id = ? AND photo = ? AND state IN ('pending', 'failed') LIMIT 1"
    with store.reading() as connection:
        return [
            photo for photo in photos if connection.execute(query, (store.source_id, os.fsencode(photo))).fetchone()
        ]


def open_keys(store: Store) -> set[str]:
    """Return the keys of all jobs of all sources that are to be done, as far as their photos' contents are known."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT DISTINCT photos.sha256, settings_sha256 FROM jobs JOIN photos"
            " ON photos.source_id = jobs.source_id AND photos.path = jobs.photo"
            " WHERE state IN ('pending', 'leased', 'failed') AND photos.sha256 IS NOT NULL"
        ).fetchall()
    return {job_key(photo, settings) for photo, settings in rows}


def counts(store: Store) -> dict[JobState, int]:
    """Return how many jobs are in each state; every state is there."""
    with store.reading() as connection:
        found = dict(
            connection.execute(
                "SELECT state, count(*) FROM jobs WHERE source_id = ? GROUP BY state", (store.source_id,)
            )
        )
    return {state: found.get(state.value, 0) for state in JobState}


def made_since(store: Store, moment: float) -> int:
    """Return how many pictures were published since then."""
    with store.reading() as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM jobs WHERE source_id = ? AND made_at > 0 AND made_at >= ?",
            (store.source_id, moment),
        ).fetchone()
    return int(count)


def failures(store: Store) -> list[FailureRow]:
    """Return the failed and quarantined jobs by photo, style and recipe."""
    with store.reading() as connection:
        rows = connection.execute(_FAILURES, (store.source_id,)).fetchall()
    return [
        FailureRow(job_of(photo, style, recipe), JobState(state), reason, attempts, when)
        for photo, style, recipe, state, reason, attempts, when in rows
    ]


def photo_problems(store: Store) -> list[PhotoProblem]:
    """Return the quarantined photos that are there, by path; they may have no jobs at all."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT path, problem, problem_at FROM photos"
            " WHERE source_id = ? AND problem IS NOT NULL AND absence IS NULL ORDER BY path",
            (store.source_id,),
        ).fetchall()
    return [PhotoProblem(os.fsdecode(path), problem, when) for path, problem, when in rows]


def backlog(store: Store) -> list[Backlog]:
    """Return the jobs that are pending or leased, counted by recipe and settings."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT recipe, settings_sha256, count(*) FROM jobs"
            " WHERE source_id = ? AND state IN ('pending', 'leased') GROUP BY recipe, settings_sha256",
            (store.source_id,),
        ).fetchall()
    return [Backlog(*row) for row in rows]


def timings(store: Store, engine_version: str) -> dict[str, Timing]:
    """Return what this engine's latest timed pictures, of all sources, took, by the hash of their settings."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT settings_sha256, count(*), sum(seconds), sum(pixel_evaluations) FROM (SELECT * FROM jobs"
            " WHERE pixel_evaluations > 0 AND state = 'done' AND engine_version = ? ORDER BY changed_at DESC LIMIT ?)"
            " GROUP BY settings_sha256",
            (engine_version, _TIMED_SAMPLE),
        ).fetchall()
    return {settings: Timing(*numbers) for settings, *numbers in rows}
