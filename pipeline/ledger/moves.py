"""Originals that may leave the input folder. Owns which, and the record of each move; refuses to touch files.

A move is on record before anything happens, so that whoever finds it half-done knows where the photo may be.
"""

from __future__ import annotations

import os
from typing import Final

from pipeline.failpoints import failpoint
from pipeline.ledger.records import Move, Original
from pipeline.ledger.states import Store, photo_of, stored_text

_OF_PHOTO: Final = "source_id = ? AND path = ?"

_MOVABLE: Final = """
SELECT path, signature, sha256 FROM photos
WHERE source_id = ? AND absence IS NULL AND problem IS NULL AND signature IS NOT NULL AND sha256 IS NOT NULL
    AND EXISTS (SELECT 1 FROM jobs WHERE jobs.source_id = photos.source_id AND photo = path AND wanted)
    AND NOT EXISTS (
        SELECT 1 FROM jobs WHERE jobs.source_id = photos.source_id AND photo = path AND wanted AND state != 'done'
    )
"""


class Moves:
    """Moves of originals, one a photo.

    Methods raise as those of :class:`pipeline.ledger.Ledger`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def movable(self, photo: str | None = None) -> list[Original]:
        """Return the photos (or only this one) that are there and whose wanted jobs, at least one, are all done."""
        condition, parameters = ("", ()) if photo is None else (" AND path = ?", (os.fsencode(photo),))
        with self._store.reading() as connection:
            rows = connection.execute(
                _MOVABLE + condition + " ORDER BY path", (self._store.source_id, *parameters)
            ).fetchall()
        return [Original(photo_of(path, signature), sha256) for path, signature, sha256 in rows]

    def begin(self, photo: str, target: str) -> None:
        """Note that the original is about to be moved to the absolute path ``target``, before anything is done."""
        with self._store.writing() as connection:
            connection.execute(
                f"UPDATE photos SET moved_to = ? WHERE {_OF_PHOTO}",  # noqa: S608 (conditions are ours)
                (os.fsencode(target), self._store.source_id, os.fsencode(photo)),
            )
        failpoint("move-noted")

    def begun(self) -> list[Move]:
        """Return the moves of this source that were begun and not ended: at a start, what was left half-done."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT path, signature, sha256, moved_to FROM photos WHERE source_id = ? AND moved_to IS NOT NULL"
                " AND absence IS NULL AND signature IS NOT NULL AND sha256 IS NOT NULL ORDER BY path",
                (self._store.source_id,),
            ).fetchall()
        return [
            Move(Original(photo_of(path, signature), sha256), os.fsdecode(target))
            for path, signature, sha256, target in rows
        ]

    def end(self, photo: str) -> None:
        """Note that the original lies at its target: it is absent, and its jobs stay done."""
        store = self._store
        here = (store.source_id, os.fsencode(photo))
        with store.writing() as connection:
            ((target,),) = connection.execute(f"SELECT moved_to FROM photos WHERE {_OF_PHOTO}", here).fetchall()  # noqa: S608
            if target is None:
                return  # a new photo of its name was recorded meanwhile
            connection.execute(
                "UPDATE jobs SET original_sha256 = (SELECT sha256 FROM photos WHERE source_id = ? AND path = ?)"
                " WHERE source_id = ? AND photo = ? AND published_sha256 IS NOT NULL",
                (*here, *here),
            )
            connection.execute(
                f"UPDATE photos SET absence = ? WHERE {_OF_PHOTO}",  # noqa: S608
                (stored_text(f"moved to {os.fsdecode(target)}"), *here),
            )
            store.follow("source_id = ? AND photo = ?", [here])

    def abandon(self, photo: str) -> None:
        """Note that the original will not be moved there."""
        with self._store.writing() as connection:
            connection.execute(
                f"UPDATE photos SET moved_to = NULL WHERE {_OF_PHOTO}",  # noqa: S608
                (self._store.source_id, os.fsencode(photo)),
            )
