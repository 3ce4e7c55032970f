"""Whose photos a ledger knows. Owns looking into somebody else's without opening it for good."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

_BUSY_SECONDS: Final = 5.0


def uri_of(file: Path) -> str:
    """Return the address of a database file, to which ``?mode=ro`` and the like may be added."""
    uri = file.absolute().as_uri()
    # A share of Windows stands as file://server/share; SQLite knows no servers, but takes the path as it is.
    return uri if uri.startswith("file:///") else uri.replace("file://", "file:////", 1)


def sources_in(file: Path) -> list[str]:
    """Return the names of the sources in the ledger at ``file``; none if it is not there or can't be read."""
    if not file.exists():
        return []
    uri = f"{uri_of(file)}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as connection:
            rows = connection.execute("SELECT name FROM sources ORDER BY id").fetchall()
    except sqlite3.DatabaseError:
        return []
    return [os.fsdecode(name) for (name,) in rows]
