"""Records which config's file each source's pictures come from. Owns these rows in the table of facts.

With it a picture's config is found without being named. Versions that don't know it leave it alone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from pipeline.ledger.store import Store

_NAME: Final = "config_file:"


class ConfigFiles:
    """The configs that made pictures on record. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, file: Path) -> None:
        """Record the absolute path of this source's config. Without a change nothing is written."""
        name, value = f"{_NAME}{self._store.source_id}", json.dumps(os.fspath(file))
        with self._store.reading() as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        if row is None or row[0] != value:
            with self._store.writing() as connection:
                connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))

    def of_picture(self, output: str) -> list[Path]:
        """Return the configs whose picture this may be, by its path in the output folder: of its source, else all."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT substr(name, ?), value FROM facts WHERE name LIKE ?", (len(_NAME) + 1, f"{_NAME}%")
            ).fetchall()
            sources = connection.execute(
                "SELECT source_id FROM jobs WHERE output = ?", (os.fsencode(output),)
            ).fetchall()
        files = {int(source): Path(json.loads(value)) for source, value in rows}
        own = [files[source] for (source,) in sources if source in files]
        return list(dict.fromkeys(own or files.values()))
