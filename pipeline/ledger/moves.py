"""Records moves of originals out of the input folder, and which may be moved. Does not move files.

A move is recorded before any file is touched, so that after a crash it is known where the photo may be.
"""

from __future__ import annotations

import os
from typing import Final

from pipeline.failpoints import failpoint
from pipeline.ledger.records import Move, Original
from pipeline.ledger.store import Store, photo_from_columns, stored_text

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
        return [Original(photo_from_columns(path, signature), sha256) for path, signature, sha256 in rows]

    def begin(self, photo: str, target: str) -> None:
        """Record that the original is about to be moved to the absolute path ``target``."""
        with self._store.writing() as connection:
            connection.execute(
                f"UPDATE photos SET moved_to = ? WHERE {_OF_PHOTO}",  # noqa: S608 (conditions are ours)
                (os.fsencode(target), self._store.source_id, os.fsencode(photo)),
            )
        failpoint("move-noted")

    def begun(self) -> list[Move]:
        """Return the moves of this source that were begun and not ended, such as those a crash interrupted."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT path, signature, sha256, moved_to FROM photos WHERE source_id = ? AND moved_to IS NOT NULL"
                " AND absence IS NULL AND signature IS NOT NULL AND sha256 IS NOT NULL ORDER BY path",
                (self._store.source_id,),
            ).fetchall()
        return [
            Move(Original(photo_from_columns(path, signature), sha256), os.fsdecode(target))
            for path, signature, sha256, target in rows
        ]

    def has_any(self) -> bool:
        """Tell whether an original was moved, or is being moved."""
        query = "SELECT 1 FROM photos WHERE source_id = ? AND moved_to IS NOT NULL LIMIT 1"
        with self._store.reading() as connection:
            return connection.execute(query, (self._store.source_id,)).fetchone() is not None

    def moved(self) -> list[str]:
        """Return the paths that the originals had which were moved, or are being moved."""
        query = "SELECT path FROM photos WHERE source_id = ? AND moved_to IS NOT NULL ORDER BY path"
        with self._store.reading() as connection:
            return [os.fsdecode(path) for (path,) in connection.execute(query, (self._store.source_id,))]

    def moved_beside(self, path: str) -> list[str]:
        """Return the originals, in the folder of ``path`` and of its name but for the suffix, that were moved.

        Or are being moved; by their paths, whose names may go on behind the next dot.
        """
        stem = os.fsencode(os.path.splitext(path)[0])  # noqa: PTH122 - a Path changes what is not UTF-8
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT path FROM photos WHERE source_id = ? AND path > ? AND path < ? AND moved_to IS NOT NULL",
                (self._store.source_id, stem + b".", stem + b"/"),  # "/" comes right after "."
            ).fetchall()
        return [os.fsdecode(row[0]) for row in rows]

    def end(self, photo: str) -> None:
        """Record that the original is at its target: it is absent, and its jobs stay done."""
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
            store.update_states("source_id = ? AND photo = ?", [here])

    def abandon(self, photo: str) -> None:
        """Record that the original will not be moved."""
        with self._store.writing() as connection:
            connection.execute(
                f"UPDATE photos SET moved_to = NULL WHERE {_OF_PHOTO}",  # noqa: S608
                (self._store.source_id, os.fsencode(photo)),
            )
