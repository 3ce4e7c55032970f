"""The one rule from a job's facts to its state. Owns the rule and the open database it works on.

leased       there is a lease
done         wanted, and the published picture is current (even if the photo is gone meanwhile)
withdrawn    not wanted any more, or the photo is gone
quarantined  the photo is quarantined
failed, quarantined   the job's own verdict; a failed one waits until it is made ready again
pending      everything else
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import LedgerError, StorageError
from pipeline.ledger.damage import explained, needs_reopening
from pipeline.ledger.schema import LockWatch, transaction
from pipeline.model import Job, Photo

_STATE: Final = """
CASE
    WHEN EXISTS (SELECT 1 FROM leases WHERE leases.job_id = jobs.id) THEN 'leased'
    WHEN wanted AND current THEN 'done'
    WHEN NOT wanted THEN 'withdrawn'
    ELSE (
        SELECT CASE
            WHEN absence IS NOT NULL THEN 'withdrawn'
            WHEN problem IS NOT NULL THEN 'quarantined'
            ELSE coalesce(jobs.verdict, 'pending')
        END
        FROM photos WHERE photos.source_id = jobs.source_id AND photos.path = jobs.photo
    )
END
"""

#: At the end of a lease with a picture: it is the wanted one, unless photo or settings changed meanwhile.
CURRENT: Final = "current = NOT (SELECT disturbed FROM leases WHERE job_id = jobs.id)"

FORGIVEN: Final = (
    "verdict = NULL, fault = '', attempts = 0, crashes = 0, interruptions = 0,"
    " setbacks = 0, delayed_at = 0, not_before = 0"
)


@dataclass(frozen=True, slots=True)
class _FileIdentity:
    """The numbers of a file and of the disk that it lies on (``st_ino``, ``st_dev``)."""

    disk: int
    inode: int


@dataclass(slots=True)
class Store:
    """An open ledger as one source (input folder) sees it. ``clock`` returns seconds since the epoch.

    ``watch`` hears of another program that keeps it locked; without one a lock is an error after some seconds.
    ``file``: which one was opened. ``reconnect`` opens it once more.
    """

    connection: sqlite3.Connection
    source: bytes
    source_id: int
    place: str
    clock: Callable[[], float]
    watch: LockWatch | None = None
    file: _FileIdentity | None = None
    reconnect: Callable[[], sqlite3.Connection] | None = None
    is_spent: bool = False  # by an error of its disk: whoever uses the ledger next opens it anew

    def require_in_place(self) -> None:
        """Raise StorageError if its file is gone, and LedgerError if its name stands for one on another disk.

        A disk that was unmounted and mounted again may have another number; its file is then opened anew.
        """
        found = self._file_in_place()
        if found is not None and found != self.file:
            self.is_spent = True
            self._reopen()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside one durable transaction. Raises LedgerError, StorageError."""
        with self.reading() as connection, transaction(connection, self.place, self.watch):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection. Raises LedgerError, StorageError."""
        if self.is_spent:
            self._reopen()
        try:
            with explained(self.place):
                yield self.connection
        except StorageError as error:
            # What is open may be of no use any more even when the disk is back.
            self.is_spent = self.reconnect is not None and needs_reopening(error)
            raise

    def _file_in_place(self) -> _FileIdentity | None:
        """Return the identity that the ledger in use has now; None if its file need not be there."""
        if self.file is None:
            return None
        try:
            found = _identity(self.place)
        except OSError as error:
            raise StorageError(
                f"{self.place}: the ledger is gone ({error.strerror}); mount its disk or share, or start anew"
            ) from error
        if found.disk == self.file.disk:
            return self.file
        if found.inode != self.file.inode or self.reconnect is None:
            raise LedgerError(f"{self.place}: a disk was mounted over the ledger in use; start the program again")
        return found

    def _reopen(self) -> None:
        assert self.reconnect is not None
        file = self._file_in_place()
        # First of all: what the connections of a process share is opened anew only after the last of them.
        self.connection.close()
        self.connection = self.reconnect()
        with explained(self.place):
            row = self.connection.execute(_FIND_SOURCE, (self.source,)).fetchone()
        if row != (self.source_id,):
            raise StorageError(f"{self.place}: another ledger lies where the one in use was; put that one back")
        self.file, self.is_spent = file, False

    def named_rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Return the rows of a query, their columns by name."""
        cursor = self.connection.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(query, parameters).fetchall()

    def of_photos(self, query: str, column: str, only: Collection[bytes] | None) -> Iterator[Any]:
        """Yield the rows of a query on this source (its one parameter), of all photos or of ``only`` these.

        ``column`` holds the photo's path.
        """
        if only is None:
            yield from self.connection.execute(query, (self.source_id,))
            return
        for path in only:
            yield from self.connection.execute(f"{query} AND {column} = ?", (self.source_id, path))

    def follow(self, where: str, rows: list[tuple[object, ...]]) -> None:
        """Let the state of the jobs ``where`` (a condition, with one tuple of parameters a time) follow the facts."""
        now = self.clock()
        self.connection.executemany(
            f"UPDATE jobs SET state = {_STATE}, changed_at = ? WHERE {where}",  # noqa: S608 (conditions are ours)
            [(now, *row) for row in rows],
        )


def store_on(
    connect: Callable[[], sqlite3.Connection],
    place: str,
    source: str,
    clock: Callable[[], float],
    watch: LockWatch | None = None,
    *,
    reconnects: bool = False,
) -> Store:
    """Return the ledger that ``connect`` opens as ``source`` sees it; without success the connection is closed.

    If it ``reconnects``, it is opened anew after its disk has failed. Raises as ``connect`` does.
    """
    connection, name = connect(), os.fsencode(source)
    try:
        with explained(place):
            source_id = source_id_of(connection, name)
    except BaseException:
        connection.close()
        raise
    file = None
    with suppress(OSError):  # a rehearsal's need not be there
        file = _identity(place)
    return Store(connection, name, source_id, place, clock, watch, file, connect if reconnects else None)


def _identity(place: str) -> _FileIdentity:
    status = Path(place).stat()
    return _FileIdentity(status.st_dev, status.st_ino)


def stored_text(text: str) -> str:
    """Return ``text`` as TEXT accepts it: what is not Unicode (in a file's name) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def stored_paths(paths: Collection[str] | None) -> list[bytes] | None:
    """Return paths as they are stored; None, which stands for all photos, stays None."""
    return None if paths is None else [os.fsencode(path) for path in paths]


def stored_signature(photo: Photo) -> str:
    """Return what tells two versions of a photo file apart."""
    return f"{photo.size_bytes}:{photo.mtime_ns}:{photo.inode}"


def photo_of(path: bytes, signature: str) -> Photo:
    """Return the photo that :func:`stored_signature` describes."""
    size_bytes, mtime_ns, inode = (int(number) for number in signature.split(":"))
    return Photo(os.fsdecode(path), size_bytes, mtime_ns, inode)


def job_of(photo: bytes, style: str, recipe: str) -> Job:
    """Return the job that three columns name."""
    return Job(os.fsdecode(photo), style, recipe)


_FIND_SOURCE: Final = "SELECT id FROM sources WHERE name = ?"


def source_id_of(connection: sqlite3.Connection, name: bytes) -> int:
    """Return the number of this input folder, noting it if it is new; 0 if it is, and nothing may be written."""
    row = connection.execute(_FIND_SOURCE, (name,)).fetchone()
    if row is None and connection.execute("PRAGMA query_only").fetchone() != (1,):
        connection.execute("INSERT OR IGNORE INTO sources (name) VALUES (?)", (name,))
        row = connection.execute(_FIND_SOURCE, (name,)).fetchone()
    return 0 if row is None else int(row[0])
