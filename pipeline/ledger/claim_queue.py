"""The pending jobs in the order in which they are claimed. Owns that order, and the selection of some photos."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from pipeline.ledger.store import Store
from pipeline.ledger.tables import random_position
from pipeline.model import ClaimOrder, JobState, RandomOrder

#: More jobs than any ledger has.
ALL: Final = 2**31 - 1

# The index has the order: a claim takes no longer when 300,000 jobs are pending. CROSS JOIN keeps SQLite from
# starting with the photos.
_PENDING: Final = """
SELECT {columns}
FROM {jobs} CROSS JOIN photos ON photos.source_id = jobs.source_id AND photos.path = jobs.photo
WHERE jobs.source_id = ? AND jobs.state = 'pending' AND photos.signature IS NOT NULL AND {condition}
ORDER BY {order} LIMIT ?
"""

# A table of this connection only. The trigger marks which of its jobs are pending, so that a claim need not look at
# those that are done.
_SELECTED: Final = (
    "DROP TRIGGER IF EXISTS temp.selected_state",
    "DROP TABLE IF EXISTS temp.selected",
    "CREATE TEMP TABLE selected (position INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, pending INTEGER)",
    "CREATE INDEX temp.selected_pending ON selected (position) WHERE pending",
    "CREATE TEMP TRIGGER selected_state AFTER UPDATE OF state ON main.jobs"
    " BEGIN UPDATE selected SET pending = (NEW.state = 'pending') WHERE id = NEW.id; END",
)


@dataclass(frozen=True, slots=True)
class Selection:
    """How many photos were selected, and how many of their jobs are pending and done."""

    photos: int
    pending: int
    done: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of the pending jobs that an index holds in order."""

    index: str
    order: str
    condition: str = "1"
    parameters: tuple[int, ...] = ()


def _stretches(order: ClaimOrder) -> list[_Stretch]:
    if isinstance(order, RandomOrder):
        # The seed decides where in the one random order a run begins; what is before that comes last.
        start = (random_position(str(order.seed).encode("ascii")),)
        columns = "random_position, photo, style, recipe"
        return [
            _Stretch("pending_at_random", columns, f"random_position {comparison} ?", start)
            for comparison in (">=", "<")
        ]
    by_name = "photo, style, recipe"
    return {
        "newest": [_Stretch("pending_by_age", f"photo_seconds DESC, {by_name}")],
        "oldest": [_Stretch("pending_by_age", f"photo_seconds, {by_name}")],
        "name": [_Stretch("pending_by_name", by_name)],
    }[order]


class ClaimQueue:
    """The pending jobs of one source; after :meth:`select` only those of some photos."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._selected: list[int] | None = None
        self.selected_photos: Collection[bytes] | None = None
        """The photos of the selection, None = all."""

    def rows(self, columns: str, order: ClaimOrder, limit: int = ALL) -> list[sqlite3.Row]:
        """Return these columns of ``jobs`` and ``photos`` for the first jobs that can be claimed.

        Belongs inside :meth:`pipeline.ledger.store.Store.reading` or ``writing``. A selection has its own order.
        """
        if self._selected is not None:
            return self._selected_rows(columns, limit)
        found: list[sqlite3.Row] = []
        for stretch in _stretches(order):
            query = _PENDING.format(
                columns=columns,
                jobs=f"jobs INDEXED BY {stretch.index}",
                condition=stretch.condition,
                order=stretch.order,
            )
            found += self._store.named_rows(query, (self._store.source_id, *stretch.parameters, limit - len(found)))
        return found

    def select(self, is_selected: Callable[[str], bool], order: ClaimOrder) -> Selection:
        """Narrow the queue to the jobs, pending now, of these photos, in this order."""
        store = self._store
        with store.writing() as connection:
            paths = connection.execute(
                "SELECT path FROM photos WHERE source_id = ? AND absence IS NULL", (store.source_id,)
            )
            photos = {path for (path,) in paths if is_selected(os.fsdecode(path))}
            self._selected = None
            rows = self.rows("jobs.id, jobs.photo", order)
            self._selected = [row["id"] for row in rows if row["photo"] in photos]
            self._fill(connection, self._selected)
            self.selected_photos = photos
            done = connection.execute(
                "SELECT photo FROM jobs WHERE source_id = ? AND state = 'done'", (store.source_id,)
            )
            return Selection(len(photos), len(self._selected), sum(photo in photos for (photo,) in done))

    def pending_count(self) -> int:
        """Return how many jobs are pending."""
        with self._store.reading() as connection:
            if self._selected is None:
                return self._count(JobState.PENDING)
            self._require_table(connection, self._selected)
            ((count,),) = connection.execute("SELECT count(*) FROM temp.selected WHERE pending").fetchall()
            return int(count)

    def backlog_size(self) -> int:
        """Return how many jobs are pending or leased; 12 ms with 200,000 of them."""
        with self._store.reading():
            return self.pending_count() + self._count(JobState.LEASED)

    def backlog_by_recipe(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return how many jobs of each recipe are pending, and how many are leased; 100 ms with 200,000."""
        with self._store.reading() as connection:
            leased = self._by_recipe(JobState.LEASED)
            if self._selected is None:
                return self._by_recipe(JobState.PENDING), leased
            self._require_table(connection, self._selected)
            pending = connection.execute(
                "SELECT recipe, count(*) FROM temp.selected JOIN jobs USING (id)"
                " WHERE selected.pending GROUP BY recipe"
            )
            return dict(pending.fetchall()), leased

    def next_by_recipe(self, limit: int, order: ClaimOrder) -> dict[str, int]:
        """Return how many jobs of each recipe would be claimed next."""
        with self._store.reading():
            return dict(Counter(row["recipe"] for row in self.rows("jobs.recipe", order, limit)))

    def _count(self, state: JobState) -> int:
        query = "SELECT count(*) FROM jobs WHERE source_id = ? AND state = ?"
        ((count,),) = self._store.connection.execute(query, (self._store.source_id, state)).fetchall()
        return int(count)

    def _by_recipe(self, state: JobState) -> dict[str, int]:
        query = "SELECT recipe, count(*) FROM jobs WHERE source_id = ? AND state = ? GROUP BY recipe"
        return dict(self._store.connection.execute(query, (self._store.source_id, state)).fetchall())

    def condition(self) -> str:
        """Return what is true, in SQL, of the jobs in the queue as far as they are pending.

        Belongs inside :meth:`pipeline.ledger.store.Store.reading`.
        """
        if self._selected is None:
            return "1"
        self._require_table(self._store.connection, self._selected)
        return "jobs.id IN (SELECT id FROM temp.selected)"

    def _selected_rows(self, columns: str, limit: int) -> list[sqlite3.Row]:
        assert self._selected is not None
        self._require_table(self._store.connection, self._selected)
        query = _PENDING.format(
            columns=columns,
            jobs="temp.selected INDEXED BY selected_pending CROSS JOIN jobs ON jobs.id = selected.id",
            condition="selected.pending",
            order="selected.position",
        )
        return self._store.named_rows(query, (self._store.source_id, limit))

    def _require_table(self, connection: sqlite3.Connection, job_ids: list[int]) -> None:
        """Make the table again: it is gone after the file was opened again, or a transaction was rolled back."""
        known = connection.execute("SELECT 1 FROM temp.sqlite_master WHERE name = 'selected_state'").fetchone()
        if known is None:
            self._fill(connection, job_ids)

    def _fill(self, connection: sqlite3.Connection, job_ids: list[int]) -> None:
        for statement in _SELECTED:
            connection.execute(statement)
        connection.executemany("INSERT INTO temp.selected (id) VALUES (?)", [(job_id,) for job_id in job_ids])
        connection.execute(
            "UPDATE temp.selected SET pending = (SELECT state = 'pending' FROM jobs WHERE jobs.id = selected.id)"
        )
