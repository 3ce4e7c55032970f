"""Records what is known of files in the input folder besides what a scan sees, so that none is opened twice for it.

Its table is made when there is something to record. Versions that don't know it leave it alone; what they change of a
file changes the signature, and what was recorded with another one is not known any more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pipeline.ledger.store import Store, stored_signature
from pipeline.model import Photo

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS file_facts (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    path BLOB NOT NULL,
    signature TEXT NOT NULL,        -- of the file that the facts are about, see photos
    facts TEXT NOT NULL,            -- JSON
    PRIMARY KEY (source_id, path)
) WITHOUT ROWID
"""


class FileFacts:
    """Facts about the files of one source. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, files: Sequence[Photo], *, whole: bool = False) -> dict[str, dict[str, Any]]:
        """Return what is known of these files, as they are now, by path.

        ``whole``: these are all files there are, so that the ledger is asked once for all of them.
        """
        only: Collection[bytes] | None = None if whole else [os.fsencode(file.path) for file in files]
        query = "SELECT path, signature, facts FROM file_facts WHERE source_id = ?"
        with self._store.reading():
            if not self._store.has_table("file_facts"):
                return {}
            known = {row[0]: row[1:] for row in self._store.rows_of_photos(query, "path", only)}
        found = {}
        for file in files:
            signature, facts = known.get(os.fsencode(file.path), ("", ""))
            if signature == stored_signature(file):
                found[file.path] = json.loads(facts)
        return found

    def record(self, facts: Mapping[Photo, Mapping[str, Any]]) -> None:
        """Record what is known of these files, in place of what was."""
        if facts:
            rows = [
                (self._store.source_id, os.fsencode(file.path), stored_signature(file), json.dumps(known))
                for file, known in facts.items()
            ]
            with self._store.writing() as connection:
                connection.execute(_TABLE)
                connection.executemany("INSERT OR REPLACE INTO file_facts VALUES (?, ?, ?, ?)", rows)
