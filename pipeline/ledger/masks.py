"""Records of which settings and which mask the settings of a picture made by a mask consist.

Its table is made with the first such picture. Versions that don't know it leave it alone: to them a mask's settings
are settings like any others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Final

from pipeline.ledger.store import Store

_TABLE_NAME: Final = "masked_settings"
_TABLE: Final = f"""
CREATE TABLE IF NOT EXISTS {_TABLE_NAME} (
    sha256 TEXT PRIMARY KEY,        -- a job's settings_sha256
    settings TEXT NOT NULL,         -- those of style and recipe, see settings
    mask_sha256 TEXT NOT NULL       -- the mask's content
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class MaskedSettings:
    """The settings ``sha256`` of a picture: the ``settings`` of its style and recipe, and its photo's mask."""

    sha256: str
    settings: str
    mask_sha256: str


class Masks:
    """What is known of masks. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, masked: Iterable[MaskedSettings]) -> None:
        """Record what these settings consist of."""
        if rows := [astuple(each) for each in masked if self.of(each.sha256) is None]:
            with self._store.writing() as connection:
                connection.execute(_TABLE)
                connection.executemany(f"INSERT OR IGNORE INTO {_TABLE_NAME} VALUES (?, ?, ?)", rows)  # noqa: S608

    def of(self, settings_sha256: str) -> MaskedSettings | None:
        """Return what these settings of a picture consist of; None if no mask is among it."""
        query = f"SELECT * FROM {_TABLE_NAME} WHERE sha256 = ?"  # noqa: S608 (the name is ours)
        with self._store.reading() as connection:
            if not self._store.has_table(_TABLE_NAME):
                return None
            row = connection.execute(query, (settings_sha256,)).fetchone()
        return None if row is None else MaskedSettings(*row)

    def of_photo(self, photo: str) -> str:
        """Return the content of the mask by which a photo's pictures are wanted, "" if by none."""
        query = (
            f"SELECT mask_sha256 FROM jobs JOIN {_TABLE_NAME} ON sha256 = settings_sha256"  # noqa: S608 (see above)
            " WHERE source_id = ? AND photo = ? AND wanted LIMIT 1"
        )
        with self._store.reading() as connection:
            if not self._store.has_table(_TABLE_NAME):
                return ""
            row = connection.execute(query, (self._store.source_id, os.fsencode(photo))).fetchone()
        return "" if row is None else str(row[0])


def without_mask(store: Store, column: str) -> str:
    """Return the SQL for the settings in a column without the masks in them; belongs inside :meth:`Store.reading`."""
    if not store.has_table(_TABLE_NAME):
        return column
    return f"coalesce((SELECT settings FROM {_TABLE_NAME} WHERE sha256 = {column}), {column})"  # noqa: S608
