"""Originals that may leave the input folder. Owns which, and the record of each move; refuses to touch files.

A move is on record before anything happens, so that whoever finds it half-done knows where the photo may be.
"""

from __future__ import annotations

import os
from typing import Final

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


def movable(store: Store, photo: str | None) -> list[Original]:
    """Return the photos that are there and whose wanted jobs are all done, by path."""
    condition, parameters = ("", ()) if photo is None else (" AND path = ?", (os.fsencode(photo),))
    with store.reading() as connection:
        rows = connection.execute(_MOVABLE + condition + " ORDER BY path", (store.source_id, *parameters)).fetchall()
    return [Original(photo_of(path, signature), sha256) for path, signature, sha256 in rows]


def begin_move(store: Store, photo: str, target: str) -> None:
    """Note where the original is about to be moved to."""
    with store.writing() as connection:
        connection.execute(
            f"UPDATE photos SET moved_to = ? WHERE {_OF_PHOTO}",  # noqa: S608 (conditions are ours)
            (os.fsencode(target), store.source_id, os.fsencode(photo)),
        )


def moves(store: Store) -> list[Move]:
    """Return the moves that were begun and not ended, by path."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT path, signature, sha256, moved_to FROM photos WHERE source_id = ? AND moved_to IS NOT NULL"
            " AND absence IS NULL AND signature IS NOT NULL AND sha256 IS NOT NULL ORDER BY path",
            (store.source_id,),
        ).fetchall()
    return [
        Move(Original(photo_of(path, signature), sha256), os.fsdecode(target))
        for path, signature, sha256, target in rows
    ]


def end_move(store: Store, photo: str) -> None:
    """Note that the original is at its target. The next photo of its name is another one, with its own pictures."""
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


def abandon_move(store: Store, photo: str) -> None:
    """Note that the original stays where it is, or is gone by itself."""
    with store.writing() as connection:
        connection.execute(
            f"UPDATE photos SET moved_to = NULL WHERE {_OF_PHOTO}",  # noqa: S608
            (store.source_id, os.fsencode(photo)),
        )
