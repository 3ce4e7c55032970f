"""Counts pictures and failures for good: numbers that only grow, whatever becomes of the pictures. Owns their table.

Every number is counted in the transaction that records what it counts. The table is made when there is something to
count; versions that don't know it leave it alone, and what they do is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from pipeline.ledger.records import PictureFacts, SecondsHistogram, Totals
from pipeline.ledger.store import Store
from pipeline.model import FailureKind

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS totals (
    name TEXT NOT NULL,
    label TEXT NOT NULL,            -- what is counted by: a failure's kind, or the bound of a bucket and a device
    value REAL NOT NULL,
    PRIMARY KEY (name, label)
) WITHOUT ROWID
"""
_ADD: Final = """
INSERT INTO totals (name, label, value) VALUES (?, ?, ?)
ON CONFLICT (name, label) DO UPDATE SET value = value + excluded.value
"""
_MADE, _COPIED, _FAILURES = "pictures_made", "pictures_copied", "failures"
_SECONDS, _SUM_SECONDS = "seconds", "sum_seconds"

#: Upper bounds of the buckets by seconds a picture.
BOUNDS: Final = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, math.inf)
_MOST_DEVICE_CHARACTERS: Final = 100


class TotalsTable:
    """The totals of one ledger, of all its sources.

    What counts is called inside a transaction; :meth:`read` raises as methods of :class:`pipeline.ledger.Ledger`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def count_picture(self, *, copied: bool, facts: PictureFacts | None) -> None:
        """Count a published picture; ``facts`` of one that was made tell how long it took, on what."""
        if copied or facts is None:
            self._add((_COPIED if copied else _MADE, "", 1))
            return
        # What stands behind the device's name is a note for people.
        device = facts.device.partition(";")[0][:_MOST_DEVICE_CHARACTERS]
        bound = next((bound for bound in BOUNDS if facts.seconds <= bound), math.inf)
        self._add((_MADE, "", 1), (_SECONDS, f"{bound} {device}", 1), (_SUM_SECONDS, device, facts.seconds))

    def count_failure(self, kind: FailureKind) -> None:
        """Count an attempt that gave no picture."""
        self._add((_FAILURES, kind.value, 1))

    def _add(self, *numbers: tuple[str, str, float]) -> None:
        self._store.connection.execute(_TABLE)
        self._store.connection.executemany(_ADD, numbers)

    def read(self) -> Totals:
        """Return all totals; zeros if nothing was counted yet."""
        with self._store.reading() as connection:
            if not self._store.has_table("totals"):
                return Totals(0, 0, {}, {})
            rows = connection.execute("SELECT name, label, value FROM totals ORDER BY name, label").fetchall()
        numbers = {(name, label): value for name, label, value in rows}
        return Totals(
            pictures_made=int(numbers.get((_MADE, ""), 0)),
            pictures_copied=int(numbers.get((_COPIED, ""), 0)),
            failures={label: int(value) for (name, label), value in numbers.items() if name == _FAILURES},
            seconds={device: _histogram(numbers, device) for name, device in numbers if name == _SUM_SECONDS},
        )


def _histogram(numbers: dict[tuple[str, str], float], device: str) -> SecondsHistogram:
    counts = dict.fromkeys(BOUNDS, 0)
    for (name, label), value in numbers.items():
        bound, _, of_device = label.partition(" ")
        if name == _SECONDS and of_device == device:
            # Another version may have other bounds.
            counts[float(bound)] = int(value)
    return SecondsHistogram(tuple(_cumulative(counts)), numbers[_SUM_SECONDS, device])


def _cumulative(counts: dict[float, int]) -> Iterator[tuple[float, int]]:
    so_far = 0
    for bound in sorted(counts):
        so_far += counts[bound]
        yield bound, so_far
