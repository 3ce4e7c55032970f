"""Records the pictures that the user rejected. Owns their table; does not delete files.

A rejected picture's job stays done, without its file, as that of a picture which the user has deleted: versions that
do not know the table treat it as such, too. The rejection is of a key, that is of a photo's content with these
settings: other settings or another content make another picture. First it is noted here, then the file is deleted;
``token`` says that it still has to be, and names the file meanwhile.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.failpoints import failpoint
from pipeline.ledger.leases import ending_lease
from pipeline.ledger.records import Claim, PictureRecord
from pipeline.ledger.states import CLEAR_FAILURES, MADE_WITH_LEASED_SETTINGS, SET_CURRENT
from pipeline.ledger.store import Store

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS rejected (
    job_id INTEGER NOT NULL,            -- of jobs, whose rows are never deleted
    key TEXT NOT NULL,
    output BLOB NOT NULL,
    picture_sha256 TEXT NOT NULL,
    rejected_at REAL NOT NULL,
    token TEXT,                         -- NULL = its file is deleted
    PRIMARY KEY (job_id, key)
) WITHOUT ROWID
"""
_COLUMNS: Final = "job_id, key, output, picture_sha256, rejected_at, token"
#: Columns are named: a later version may add some.
_INSERT: Final = f"INSERT OR REPLACE INTO rejected ({_COLUMNS})"
#: Each job that begins is looked up by its key, and so is each that is to be made again.
_INDEX: Final = "CREATE INDEX IF NOT EXISTS rejected_by_key ON rejected (key)"
#: True, in SQL, of the jobs whose present picture is rejected; only if there is the table.
IS_REJECTED: Final = "EXISTS (SELECT 1 FROM rejected WHERE rejected.job_id = jobs.id AND rejected.key = jobs.key)"
_UNCHANGED: Final = "id = ? AND output = ? AND published_sha256 = ? AND state != 'leased'"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected picture, ``output`` relative to the output folder; ``token`` None = its file is deleted."""

    job_id: int
    key: str
    output: str
    picture_sha256: str
    rejected_at: float
    token: str | None


def is_rejected(store: Store) -> str:
    """Return what is true, in SQL, of the jobs whose present picture is rejected, also if none ever was.

    Belongs inside :meth:`pipeline.ledger.store.Store.reading`.
    """
    return IS_REJECTED if store.has_table("rejected") else "0"


def rejected_photos(store: Store) -> list[bytes]:
    """Return the photos of this source's rejected pictures, once for each of these.

    Belongs inside :meth:`pipeline.ledger.store.Store.reading`.
    """
    if not store.has_table("rejected"):
        return []
    # In this order: few pictures are rejected, of very many.
    rows = store.connection.execute(
        "SELECT photo FROM rejected CROSS JOIN jobs ON jobs.id = rejected.job_id AND jobs.key = rejected.key"
        " WHERE source_id = ? AND state = 'done'",
        (store.source_id,),
    )
    return [photo for (photo,) in rows]


def lift_rejections(store: Store, job_ids: Iterable[int]) -> None:
    """Forget that the present pictures of these jobs were rejected, by whatever photo of that content.

    Belongs inside :meth:`pipeline.ledger.store.Store.writing`.
    """
    if store.has_table("rejected"):
        store.connection.executemany(
            "DELETE FROM rejected WHERE key = (SELECT key FROM jobs WHERE id = ?)", [(job_id,) for job_id in job_ids]
        )


class Rejections:
    """The rejected pictures. Methods raise as those of :class:`pipeline.ledger.Ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self) -> int:
        """Return how many pictures of this source are rejected; their jobs count as done, too."""
        with self._store.reading():
            return len(rejected_photos(self._store))

    def note(self, picture: PictureRecord, key: str) -> Rejection | None:
        """Record that this picture, which has this key, is rejected, and that its file is deleted now.

        None if its job has another picture by now, or is in progress. One that was to be made again is not any more,
        unless its photo or settings have changed.
        """
        store, output = self._store, os.fsencode(picture.output)
        found = Rejection(
            picture.job_id, key, picture.output, picture.sha256 or "", store.clock(), secrets.token_hex(16)
        )
        with store.writing() as connection:
            connection.execute(_TABLE)
            connection.execute(_INDEX)
            unchanged = (picture.job_id, output, picture.sha256)
            if connection.execute(f"SELECT 1 FROM jobs WHERE {_UNCHANGED}", unchanged).fetchone() is None:  # noqa: S608
                return None
            # Without its key the job would not be known to have the picture that is wanted.
            connection.execute("UPDATE jobs SET key = ? WHERE id = ? AND key IS NULL", (key, picture.job_id))
            connection.execute(
                f"{_INSERT} VALUES (?, ?, ?, ?, ?, ?)",
                (picture.job_id, key, output, found.picture_sha256, found.rejected_at, found.token),
            )
            store.update_states("id = ?", [(picture.job_id,)])  # so that it counts as changed
        failpoint("rejection-noted")
        return found

    def unfinished(self) -> list[Rejection]:
        """Return the rejected pictures, of all sources, whose files may still be there."""
        return self._select("token IS NOT NULL", ())

    def end(self, rejection: Rejection) -> None:
        """Record that the file is deleted."""
        with self._store.writing() as connection:
            connection.execute(
                "UPDATE rejected SET token = NULL WHERE job_id = ? AND key = ?", (rejection.job_id, rejection.key)
            )

    def withdraw(self, rejection: Rejection) -> None:
        """Record that the picture is not rejected after all: its file is not the one that was published."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM rejected WHERE job_id = ? AND key = ?", (rejection.job_id, rejection.key))
            self._store.update_states("id = ?", [(rejection.job_id,)])

    def of_job(self, token: str, key: str) -> Rejection | None:
        """Return the rejection of this key for the leased job itself."""
        condition = "key = ? AND job_id = (SELECT job_id FROM leases WHERE leases.token = ?)"
        return next(iter(self._select(condition, (key, token))), None)

    def of_key(self, key: str) -> Rejection | None:
        """Return a rejection of this key, for whatever photo of that content."""
        return next(iter(self._select("key = ?", (key,))), None)

    def complete(self, claim: Claim, rejection: Rejection) -> None:
        """Leased → done without a picture: the one that it would become is rejected."""
        with ending_lease(self._store, claim.token) as job_id:
            self._store.connection.execute(
                f"{_INSERT} VALUES (?, ?, ?, ?, ?, NULL)",
                (job_id, rejection.key, os.fsencode(claim.output), rejection.picture_sha256, rejection.rejected_at),
            )
            self._store.connection.execute(
                "UPDATE jobs SET key = ?, published_sha256 = ?, original_sha256 = NULL,"  # noqa: S608
                f" {MADE_WITH_LEASED_SETTINGS}, {SET_CURRENT}, {CLEAR_FAILURES} WHERE id = ?",
                (rejection.key, rejection.picture_sha256, job_id),
            )

    def _select(self, condition: str, parameters: tuple[object, ...]) -> list[Rejection]:
        store = self._store
        with store.reading() as connection:
            if not store.has_table("rejected"):
                return []
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM rejected"  # noqa: S608
                f" WHERE {condition} ORDER BY job_id",
                parameters,
            ).fetchall()
        return [Rejection(job_id, key, os.fsdecode(output), *rest) for job_id, key, output, *rest in rows]
