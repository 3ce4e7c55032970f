"""Whose photos a ledger knows. Owns looking into somebody else's without opening it for good."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

_BUSY_SECONDS: Final = 5.0


def sources_in(file: Path) -> list[str]:
    """Return the names of the sources in the ledger at ``file``; none if it is not there or can't be read."""
    if not file.exists():
        return []
    uri = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as connection:
            rows = connection.execute("SELECT name FROM sources ORDER BY id").fetchall()
    except sqlite3.DatabaseError:
        return []
    return [os.fsdecode(name) for (name,) in rows]
