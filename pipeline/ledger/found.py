"""Records pictures found on disk when the ledger is new. Does not read the files.

The runner records in a new ledger once, as after the old one was lost, which pictures are in the output folder, by
their metadata. Their names are then taken, and a job with the key of one of them is done as soon as it is claimed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from pipeline.failpoints import failpoint
from pipeline.ledger.leases import ending_lease
from pipeline.ledger.names import folded
from pipeline.ledger.records import FoundPicture
from pipeline.ledger.states import CLEAR_FAILURES, MADE_WITH_LEASED_SETTINGS, SET_CURRENT
from pipeline.ledger.store import Store

_SEARCHED: Final = "output_looked_through"


class FoundPictures:
    """The found pictures of one ledger. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def needs_search(self) -> bool:
        """Tell whether the ledger is new, and the output folder was not searched for pictures yet."""
        query = "SELECT 1 FROM facts WHERE name = ?"
        with self._store.reading() as connection:
            return connection.execute(query, (_SEARCHED,)).fetchone() is None

    def record(self, pictures: Iterable[FoundPicture]) -> None:
        """Record all pictures that are there, and that the output folder was searched."""
        with self._store.writing() as connection:
            for picture in pictures:
                name = os.fsencode(folded(picture.output))
                connection.execute("INSERT OR IGNORE INTO names (folded) VALUES (?)", (name,))
                connection.execute(
                    "INSERT OR REPLACE INTO found_pictures (output, key, style, recipe) VALUES (?, ?, ?, ?)",
                    (os.fsencode(picture.output), picture.key, picture.style, picture.recipe),
                )
            connection.execute("INSERT OR IGNORE INTO facts (name, value) VALUES (?, '1')", (_SEARCHED,))

    def with_key(self, key: str) -> list[FoundPicture]:
        """Return the pictures of this key that belong to no job yet, by name."""
        query = "SELECT output, key, style, recipe FROM found_pictures WHERE key = ? ORDER BY output"
        with self._store.reading() as connection:
            rows = connection.execute(query, (key,)).fetchall()
        return [FoundPicture(os.fsdecode(output), *words) for output, *words in rows]

    def count(self) -> int:
        """Return how many pictures belong to no job yet."""
        with self._store.reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM found_pictures").fetchone()
        return int(count)

    def use_for_job(self, token: str, picture: FoundPicture, sha256: str) -> None:
        """Leased → done without work: ``picture``, whose file has this hash, is the job's.

        The job's picture has that name from now on. Raises LedgerError if no job is leased under ``token``.
        """
        output = os.fsencode(picture.output)
        with ending_lease(self._store, token) as job_id:
            self._store.connection.execute("DELETE FROM found_pictures WHERE output = ?", (output,))
            self._store.connection.execute(
                "UPDATE jobs SET output = ?, key = ?, published_sha256 = ?, engine_version = '',"  # noqa: S608
                f" original_sha256 = NULL, {MADE_WITH_LEASED_SETTINGS}, {SET_CURRENT}, {CLEAR_FAILURES} WHERE id = ?",
                (output, picture.key, sha256, job_id),
            )
        failpoint("job-done")
