"""Records which files in the input folder are incomplete, and since when. Owns their row in the table of facts.

Such a file has no photo's row: it is not known yet whether it is one. The list is for people, so it is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pipeline.ledger.store import Store
from pipeline.model import IncompleteFile

_MAX_FILES: Final = 1000


class IncompleteFiles:
    """The incomplete files of one source. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, reasons: Mapping[str, str]) -> list[IncompleteFile]:
        """Record that these files are incomplete now, and no others. Returns them with the moment they became known.

        Without a change nothing is written.
        """
        before = {file.path: file for file in self.all()}
        now = self._store.clock()
        after = [
            IncompleteFile(path, reason, before[path].since if path in before else now)
            for path, reason in sorted(reasons.items())
        ]
        if after[:_MAX_FILES] != list(before.values()):
            value = json.dumps([[file.path, file.reason, file.since] for file in after[:_MAX_FILES]])
            with self._store.writing() as connection:
                connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (self._name(), value))
        return after

    def all(self) -> list[IncompleteFile]:
        """Return the incomplete files, by path; of very many only some."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (self._name(),)).fetchone()
        return [] if row is None else [IncompleteFile(*file) for file in json.loads(row[0])]

    def _name(self) -> str:
        return f"incomplete_files:{self._store.source_id}"
