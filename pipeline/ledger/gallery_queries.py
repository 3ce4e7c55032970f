"""Answers what the gallery asks about jobs and their pictures. Owns those queries; changes nothing.

Fast for 100,000 jobs: rows are asked for by ranges of ids, and what changed by an index of its own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection
from typing import Any, Final

from pipeline.ledger.picture_facts import PictureFactsTable
from pipeline.ledger.records import ChunkSummary, FailureRow, GalleryFailure, GalleryRow, PictureDetails
from pipeline.ledger.rejections import is_rejected
from pipeline.ledger.store import Store, job_from_columns
from pipeline.model import Job, JobState
from pipeline.model.gallery_files import SHORT_DIGITS

_WHEN: Final = "CASE WHEN made_at > 0 AND published_sha256 IS NOT NULL THEN made_at ELSE changed_at END"
# The file of one without a key is deleted; see pipeline.ledger.cleanup.
_HAS_PICTURE: Final = "published_sha256 IS NOT NULL AND NOT (state = 'withdrawn' AND key IS NULL)"
_LISTED: Final = "(state != 'withdrawn' OR (published_sha256 IS NOT NULL AND key IS NOT NULL))"

_COLUMNS: Final = f"""
jobs.id, photo, style, recipe, output, state, CASE WHEN {{rejected}} THEN changed_at ELSE {_WHEN} END,
coalesce(facts.width, 0), coalesce(facts.height, 0),
facts.style_loss, coalesce(published_sha256, ''),
coalesce(nullif(facts.photo_sha256, ''), original_sha256, photos.sha256, ''), {{rejected}}
"""
_JOINS: Final = """
JOIN photos ON photos.source_id = jobs.source_id AND photos.path = jobs.photo
LEFT JOIN {facts} AS facts ON facts.job_id = jobs.id AND facts.picture_sha256 = published_sha256
"""
_NO_FACTS: Final = (
    "(SELECT NULL AS job_id, NULL AS picture_sha256, NULL AS photo_sha256, NULL AS width, NULL AS height,"
    " NULL AS style_loss)"
)

_LAST_ID: Final = 2**63 - 1


class GalleryQueries:
    """What the gallery shows of one source's jobs.

    Methods raise as those of :class:`pipeline.ledger.Ledger`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._facts = PictureFactsTable(store)

    def rows(self, first_id: int, last_id: int) -> list[GalleryRow]:
        """Return the rows of the jobs with these ids, the last one included; withdrawn ones only with a picture."""
        # Without the indexes by source, which would be walked from end to end.
        return self._rows(
            "jobs NOT INDEXED",
            f"jobs.source_id = ? AND jobs.id BETWEEN ? AND ? AND {_LISTED} ORDER BY jobs.id",
            (self._store.source_id, first_id, last_id),
        )

    def latest(self, count: int) -> list[GalleryRow]:
        """Return the rows of the latest pictures, the newest first.

        Those of which it is not known when they were made come last, as in a ledger of an older version.
        """
        source = self._store.source_id
        dated = f"jobs.source_id = ? AND made_at > 0 AND {_HAS_PICTURE} ORDER BY made_at DESC LIMIT ?"
        found = self._rows("jobs INDEXED BY made_jobs", dated, (source, count), listed="NOT {rejected} AND ")
        if len(found) < count:
            undated = f"jobs.source_id = ? AND made_at = 0 AND {_HAS_PICTURE} ORDER BY changed_at DESC LIMIT ?"
            found += self._rows("jobs", undated, (source, count - len(found)), listed="NOT {rejected} AND ")
        return found

    def changed_since(self, moment: float) -> list[int]:
        """Return the ids of the jobs that changed at ``moment`` (epoch seconds) or later, listed or not any more."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM jobs WHERE source_id = ? AND changed_at >= ? ORDER BY id",
                (self._store.source_id, moment),
            ).fetchall()
        return [job_id for (job_id,) in rows]

    def chunks(self, size: int = 500, first_id: int = 0, last_id: int = _LAST_ID) -> list[ChunkSummary]:
        """Return what there is of each chunk of ``size`` ids, by number; those without any row are left out.

        Only jobs with ids from ``first_id`` to ``last_id`` count.
        """
        with self._store.reading() as connection:
            rows = connection.execute(
                f"SELECT id / ?, sum({_LISTED}), max({_WHEN}), max(changed_at) FROM jobs NOT INDEXED"  # noqa: S608
                f" WHERE source_id = ? AND id BETWEEN ? AND ? GROUP BY 1 HAVING sum({_LISTED}) > 0 ORDER BY 1",
                (size, self._store.source_id, first_id, last_id),
            ).fetchall()
        return [ChunkSummary(*row) for row in rows]

    def details(self, job_id: int) -> PictureDetails | None:
        """Return all about one job of this source; None if it has no row."""
        found = self.rows(job_id, job_id)
        if not found:
            return None
        with self._store.reading() as connection:
            key, reason, version, attempts, is_there, moved_to, is_set_aside = connection.execute(
                "SELECT coalesce(key, ''), coalesce(problem, nullif(fault, ''), absence, ''),"
                " coalesce(engine_version, ''), attempts, absence IS NULL, moved_to, problem IS NOT NULL FROM jobs"
                " JOIN photos ON photos.source_id = jobs.source_id AND path = photo WHERE jobs.id = ?",
                (job_id,),
            ).fetchone()
            copied, facts = self._facts.of_published(job_id)
        return PictureDetails(
            row=found[0],
            key=key,
            reason=reason,
            engine_version=version,
            attempts=attempts,
            photo_is_there=bool(is_there),
            moved_to=None if moved_to is None else os.fsdecode(moved_to),
            copied=copied,
            facts=facts,
            is_photo_set_aside=bool(is_set_aside),
        )

    def id_of(self, job: Job) -> int | None:
        """Return a job's id; None if it is not on record."""
        name = (self._store.source_id, os.fsencode(job.photo), job.style, job.recipe)
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT id FROM jobs WHERE source_id = ? AND photo = ? AND style = ? AND recipe = ?", name
            ).fetchone()
        return None if row is None else int(row[0])

    def used_hashes(self, *, without: Collection[str] = ()) -> set[str]:
        """Return the first digits of the hashes of all files on record, of all sources: pictures and their photos.

        They are as many as copies are named by. ``without`` these pictures, by their names.
        """
        left_out = {os.fsencode(output) for output in without}
        with self._store.reading() as connection:
            facts = "picture_facts" if self._facts.is_there() else _NO_FACTS
            rows = connection.execute(
                f"SELECT output, substr(published_sha256, 1, {SHORT_DIGITS}), substr(coalesce("  # noqa: S608
                f" nullif(facts.photo_sha256, ''), original_sha256, photos.sha256), 1, {SHORT_DIGITS})"
                f" FROM jobs {_JOINS.format(facts=facts)} WHERE {_HAS_PICTURE} AND NOT {is_rejected(self._store)}"
            )
            return {found for output, *hashes in rows if output not in left_out for found in hashes if found}

    def failures(self, limit: int) -> list[GalleryFailure]:
        """Return the latest failed and quarantined jobs, the newest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT jobs.id, photo, style, recipe, state, coalesce(problem, fault), attempts,"
                " CASE WHEN problem IS NULL THEN changed_at ELSE problem_at END AS failed_at FROM jobs"
                " JOIN photos ON photos.source_id = jobs.source_id AND photos.path = jobs.photo"
                " WHERE jobs.source_id = ? AND state IN ('failed', 'quarantined')"
                " ORDER BY failed_at DESC, jobs.id LIMIT ?",
                (self._store.source_id, limit),
            ).fetchall()
        return [
            GalleryFailure(job_id, FailureRow(job_from_columns(*job), JobState(state), *rest))
            for job_id, *job, state, reason, attempts, when in rows
            for rest in [(reason, attempts, when)]
        ]

    def _rows(self, jobs: str, condition: str, parameters: tuple[Any, ...], *, listed: str = "") -> list[GalleryRow]:
        with self._store.reading() as connection:
            facts = "picture_facts" if self._facts.is_there() else _NO_FACTS
            rejected = f"(state = 'done' AND {is_rejected(self._store)})"
            columns, listed = (words.format(rejected=rejected) for words in (_COLUMNS, listed))
            query = f"SELECT {columns} FROM {jobs} {_JOINS.format(facts=facts)} WHERE {listed}{condition}"  # noqa: S608
            return [_row(row) for row in connection.execute(query, parameters)]


def _row(row: sqlite3.Row | tuple[Any, ...]) -> GalleryRow:
    job_id, photo, style, recipe, output, state, when, width, height, style_loss, picture, photo_sha256, rejected = (
        row
    )
    return GalleryRow(
        id=job_id,
        job=job_from_columns(photo, style, recipe),
        output=os.fsdecode(output),
        state=JobState(state),
        when=when,
        width=width,
        height=height,
        style_loss=style_loss,
        picture_sha256="" if rejected else picture,
        photo_sha256=photo_sha256,
        is_rejected=bool(rejected),
    )
