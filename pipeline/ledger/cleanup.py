"""Records which published pictures the program deletes, and tells what may go. Does not delete files.

First the job loses its picture here, then the file is deleted. After a kill in between, the file is still known by
its hash and can be deleted by the next attempt; wanted again, the job is pending, and its picture replaces that file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pipeline.errors import LedgerError
from pipeline.failpoints import failpoint
from pipeline.ledger.picture_facts import PictureFactsTable
from pipeline.ledger.records import ForgottenPicture, WithdrawnPicture
from pipeline.ledger.sources import uri_of
from pipeline.ledger.states import FORGET_KEY
from pipeline.ledger.store import Store, job_from_columns

_BUSY_SECONDS: Final = 5.0

_WITHDRAWN: Final = """
SELECT photo, style, recipe, output, published_sha256, absence IS NULL FROM jobs
JOIN photos ON photos.source_id = jobs.source_id AND photos.path = jobs.photo
WHERE jobs.source_id = ? AND state = 'withdrawn' AND published_sha256 IS NOT NULL ORDER BY photo, style, recipe
"""
# A job in progress has a picture to come, and one with another hash has another picture by now.
_FIND: Final = """
SELECT id, key, current FROM jobs WHERE source_id = ? AND photo = ? AND style = ? AND recipe = ?
    AND output = ? AND published_sha256 = ? AND state != 'leased'
"""
_ENDED: Final = "(state = 'done' OR (state = 'withdrawn' AND NOT wanted))"


class Cleanup:
    """The pictures that nothing asks for any more. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._facts = PictureFactsTable(store)

    def withdrawn(self) -> list[WithdrawnPicture]:
        """Return the pictures that were published for withdrawn jobs of this source; they may have been deleted."""
        with self._store.reading() as connection:
            rows = connection.execute(_WITHDRAWN, (self._store.source_id,)).fetchall()
        return [
            WithdrawnPicture(job_from_columns(photo, style, recipe), os.fsdecode(output), sha256, bool(present))
            for photo, style, recipe, output, sha256, present in rows
        ]

    def forget(self, pictures: Iterable[WithdrawnPicture]) -> list[ForgottenPicture]:
        """Record that these pictures are deleted now: nothing asks for them, and wanted again they are made again.

        Returns those whose job is still as it was; the files of the others must stay.
        """
        store = self._store
        with store.writing():
            forgotten = [found for picture in pictures for found in self._find(picture)]
            ids: list[tuple[object, ...]] = [(picture.job_id,) for picture in forgotten]
            store.connection.executemany(f"UPDATE jobs SET wanted = 0, {FORGET_KEY} WHERE id = ?", ids)  # noqa: S608
            store.update_states("id = ?", ids)
        failpoint("withdrawn-recorded")
        return forgotten

    def _find(self, picture: WithdrawnPicture) -> list[ForgottenPicture]:
        job = picture.job
        name = (self._store.source_id, os.fsencode(job.photo), job.style, job.recipe)
        rows = self._store.connection.execute(_FIND, (*name, os.fsencode(picture.output), picture.sha256))
        return [
            ForgottenPicture(picture, job_id, key, was_current, self._facts.take(job_id))
            for job_id, key, was_current in rows.fetchall()
        ]

    def put_back(self, pictures: Iterable[ForgottenPicture]) -> None:
        """Record that these pictures could not be deleted: wanted again, they need not be made again."""
        store, returned = self._store, list(pictures)
        with store.writing() as connection:
            connection.executemany(
                "UPDATE jobs SET current = ?, key = ? WHERE id = ?",
                [(picture.was_current, picture.key, picture.job_id) for picture in returned],
            )
            self._facts.put_back([picture.facts for picture in returned if picture.facts is not None])
            store.update_states("id = ?", [(picture.job_id,) for picture in returned])

    def ended_outputs(self) -> list[str]:
        """Return the names of the pictures, made or withdrawn, of those jobs of this source that have ended."""
        return self._outputs(f"source_id = ? AND {_ENDED}", self._store.source_id)

    def open_outputs(self) -> list[str]:
        """Return the names of the pictures that are still to be made, of all sources."""
        return self._outputs(f"NOT {_ENDED}")

    def all_outputs(self) -> list[str]:
        """Return the names of the pictures of all jobs of all sources."""
        return self._outputs("true")

    def _outputs(self, condition: str, *parameters: object) -> list[str]:
        query = f"SELECT output FROM jobs WHERE {condition}"  # noqa: S608 (conditions are ours)
        with self._store.reading() as connection:
            return [os.fsdecode(output) for (output,) in connection.execute(query, parameters)]


def published_in(file: Path) -> set[str]:
    """Return the names of the pictures that another ledger, at ``file``, holds for published and wanted.

    None if it is not there. Raises LedgerError if it can't be read.
    """
    if not os.path.exists(file):  # noqa: PTH110 - Path.exists() raises without permission
        return set()
    query = "SELECT output FROM jobs WHERE published_sha256 IS NOT NULL AND wanted"
    uri = f"{uri_of(file)}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as connection:
            return {os.fsdecode(output) for (output,) in connection.execute(query)}
    except sqlite3.DatabaseError as error:
        raise LedgerError(
            f"{file} can't be read ({error}), so it is unknown which pictures are those of the config that uses it; "
            f"nothing was deleted"
        ) from error
