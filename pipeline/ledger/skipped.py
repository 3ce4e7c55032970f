"""Records which photos the config leaves out. Owns their row in the table of facts.

Their number is exact, by reason; the list of them is for people, so it is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipeline.ledger.store import Store
from pipeline.model import PhotosSkipped


class SkippedPhotos:
    """The skipped photos of one source. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, reasons: Mapping[str, str]) -> None:
        """Record that these photos are skipped now, and no others. Without a change nothing is written."""
        now = PhotosSkipped.of(reasons)
        if now != self.now():
            value = json.dumps({"counts": now.counts, "first": now.new})
            with self._store.writing() as connection:
                connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (self._name(), value))

    def now(self) -> PhotosSkipped:
        """Return what the latest scan has found; all count as new."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (self._name(),)).fetchone()
        if row is None:
            return PhotosSkipped({})
        value = json.loads(row[0])
        first = tuple((path, reason) for path, reason in value["first"])
        return PhotosSkipped(value["counts"], first, sum(value["counts"].values()))

    def _name(self) -> str:
        return f"skipped_photos:{self._store.source_id}"
