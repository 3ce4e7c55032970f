"""Records the input folders of a ledger (its sources). Also reads the sources of another ledger's file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.ledger.records import KnownContent

if TYPE_CHECKING:
    from pipeline.ledger.store import Store

_BUSY_SECONDS: Final = 5.0


def uri_of(file: Path) -> str:
    """Return the address of a database file, to which ``?mode=ro`` and the like may be added."""
    uri = file.absolute().as_uri()
    # A Windows share becomes file://server/share; SQLite knows no servers, but accepts the path with more slashes.
    return uri if uri.startswith("file:///") else uri.replace("file://", "file:////", 1)


def sources_in(file: Path) -> list[str]:
    """Return the names of the sources in the ledger at ``file``; none if it is not there or can't be read."""
    if not os.path.exists(file):  # noqa: PTH110 - Path.exists() raises without permission
        return []
    uri = f"{uri_of(file)}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as connection:
            rows = connection.execute("SELECT name FROM sources ORDER BY id").fetchall()
    except sqlite3.DatabaseError:
        return []
    return [os.fsdecode(name) for (name,) in rows]


# Ordered by hash: a sample from all folders, and the same one each time.
_SAMPLE: Final = """
SELECT path, signature, sha256, CASE WHEN absence IS NULL THEN NULL ELSE moved_to END FROM photos
WHERE source_id = (SELECT id FROM sources WHERE name = ?) AND sha256 IS NOT NULL AND signature IS NOT NULL
    AND problem IS NULL AND (absence IS NULL) = ? AND (absence IS NULL OR moved_to IS NOT NULL)
ORDER BY sha256, path LIMIT ?
"""


class Sources:
    """The sources of one ledger. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def is_new(self) -> bool:
        """Tell whether no photo of the ledger's own source was ever recorded."""
        query = "SELECT 1 FROM photos WHERE source_id = ? LIMIT 1"
        with self._store.reading() as connection:
            return connection.execute(query, (self._store.source_id,)).fetchone() is None

    def others(self) -> list[str]:
        """Return the names of the other sources, the latest first."""
        query = "SELECT name FROM sources WHERE id != ? ORDER BY id DESC"
        with self._store.reading() as connection:
            rows = connection.execute(query, (self._store.source_id,)).fetchall()
        return [os.fsdecode(name) for (name,) in rows]

    def sample(self, source: str, count: int, *, moved: bool) -> list[KnownContent]:
        """Return the content of at most ``count`` photos that should be there, or that were moved away."""
        with self._store.reading() as connection:
            rows = connection.execute(_SAMPLE, (os.fsencode(source), not moved, count)).fetchall()
        return [_content(*row) for row in rows]

    def take_over(self, source: str) -> None:
        """Make the records of another source those of the ledger's own, which is new."""
        store = self._store
        with store.writing() as connection:
            (other,) = connection.execute("SELECT id FROM sources WHERE name = ?", (os.fsencode(source),)).fetchone()
            connection.execute("DELETE FROM sources WHERE id = ?", (store.source_id,))
            connection.execute("UPDATE sources SET name = ? WHERE id = ?", (store.source, other))
        store.source_id = int(other)


def _content(path: bytes, signature: str, sha256: str, target: bytes | None) -> KnownContent:
    moved_to = None if target is None else os.fsdecode(target)
    return KnownContent(os.fsdecode(path), int(signature.split(":")[0]), sha256, moved_to)
