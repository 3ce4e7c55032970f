"""Holds the open ledger of one source: its transactions, its file, and how values are stored in columns.

After an error of its disk the file is opened again, if it is still the same one.
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
from pipeline.ledger.damage import needs_reopening, translated_sqlite_errors
from pipeline.ledger.schema import LockWait, transaction
from pipeline.ledger.states import STATE
from pipeline.model import Job, Photo

_FIND_SOURCE: Final = "SELECT id FROM sources WHERE name = ?"


@dataclass(frozen=True, slots=True)
class _FileIdentity:
    """The numbers of a file and of the disk that it lies on (``st_ino``, ``st_dev``)."""

    disk: int
    inode: int


@dataclass(slots=True)
class Store:
    """An open ledger as one source (input folder) sees it. ``clock`` returns seconds since the epoch.

    ``lock_wait`` decides how long to wait for another program's lock; without it a lock is an error after some
    seconds. ``file``: the identity of the opened file. ``reconnect`` opens it again.
    """

    connection: sqlite3.Connection
    source: bytes
    source_id: int
    location: str
    clock: Callable[[], float]
    lock_wait: LockWait | None = None
    file: _FileIdentity | None = None
    reconnect: Callable[[], sqlite3.Connection] | None = None
    needs_reopen: bool = False  # after an error of its disk; the next use opens it again

    def require_in_place(self) -> None:
        """Raise StorageError if its file is gone, LedgerError if a file on another disk now has its path.

        A disk that was unmounted and mounted again may have another number; its file is then opened again.
        """
        found = self._present_identity()
        if found is not None and found != self.file:
            self.needs_reopen = True
            self._reopen()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside one durable transaction. Raises LedgerError, StorageError."""
        with self.reading() as connection, transaction(connection, self.location, self.lock_wait):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection. Raises LedgerError, StorageError."""
        if self.needs_reopen:
            self._reopen()
        try:
            with translated_sqlite_errors(self.location):
                yield self.connection
        except StorageError as error:
            # The open file may be unusable even when the disk is back.
            self.needs_reopen = self.reconnect is not None and needs_reopening(error)
            raise

    def _present_identity(self) -> _FileIdentity | None:
        """Return the present identity of the ledger's file; None if it need not exist."""
        if self.file is None:
            return None
        try:
            found = _identity_of(self.location)
        except OSError as error:
            raise StorageError(
                f"{self.location}: the ledger is gone ({error.strerror}); mount its disk or share, or start "
                f"the program again"
            ) from error
        if found.disk == self.file.disk:
            return self.file
        if found.inode != self.file.inode or self.reconnect is None:
            raise LedgerError(f"{self.location}: a disk was mounted over the ledger in use; start the program again")
        return found

    def _reopen(self) -> None:
        assert self.reconnect is not None
        file = self._present_identity()
        # Close first: what the connections of a process share is opened again only after the last one is closed.
        self.connection.close()
        self.connection = self.reconnect()
        with translated_sqlite_errors(self.location):
            row = self.connection.execute(_FIND_SOURCE, (self.source,)).fetchone()
        if row != (self.source_id,):
            raise StorageError(f"{self.location}: another ledger has replaced the one in use; put that one back")
        self.file, self.needs_reopen = file, False

    def has_table(self, name: str) -> bool:
        """Tell whether there is a table that is made only when it is needed; belongs inside :meth:`reading`."""
        query = "SELECT 1 FROM sqlite_master WHERE name = ?"
        return self.connection.execute(query, (name,)).fetchone() is not None

    def named_rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Return the rows of a query, their columns by name."""
        cursor = self.connection.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(query, parameters).fetchall()

    def rows_of_photos(self, query: str, column: str, only: Collection[bytes] | None) -> Iterator[Any]:
        """Yield the rows of a query on this source (its one parameter), of all photos or of ``only`` these.

        ``column`` holds the photo's path.
        """
        if only is None:
            yield from self.connection.execute(query, (self.source_id,))
            return
        for path in only:
            yield from self.connection.execute(f"{query} AND {column} = ?", (self.source_id, path))

    def update_states(self, where: str, rows: list[tuple[object, ...]]) -> None:
        """Derive the states of the jobs ``where`` again: a condition that is run with each of these parameters."""
        now = self.clock()
        self.connection.executemany(
            f"UPDATE jobs SET state = {STATE}, changed_at = ? WHERE {where}",  # noqa: S608 (conditions are ours)
            [(now, *row) for row in rows],
        )


def open_store(
    connect: Callable[[], sqlite3.Connection],
    location: str,
    source: str,
    clock: Callable[[], float],
    lock_wait: LockWait | None = None,
    *,
    reconnects: bool = False,
) -> Store:
    """Return the ledger that ``connect`` opens as ``source`` sees it; after an error the connection is closed.

    If it ``reconnects``, it is opened again after an error of its disk. Raises as ``connect`` does.
    """
    connection, name = connect(), os.fsencode(source)
    try:
        with translated_sqlite_errors(location):
            source_id = _source_id(connection, name)
    except BaseException:
        connection.close()
        raise
    file = None
    with suppress(OSError):  # a rehearsal's need not exist
        file = _identity_of(location)
    return Store(connection, name, source_id, location, clock, lock_wait, file, connect if reconnects else None)


def _identity_of(location: str) -> _FileIdentity:
    status = Path(location).stat()
    return _FileIdentity(status.st_dev, status.st_ino)


def stored_text(text: str) -> str:
    """Return ``text`` as TEXT accepts it: what is not Unicode (in a file's name) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def stored_paths(paths: Collection[str] | None) -> list[bytes] | None:
    """Return paths as they are stored; None, which stands for all photos, stays None."""
    return None if paths is None else [os.fsencode(path) for path in paths]


def stored_signature(photo: Photo) -> str:
    """Return what distinguishes two versions of a photo file."""
    return f"{photo.size_bytes}:{photo.mtime_ns}:{photo.inode}"


def photo_from_columns(path: bytes, signature: str) -> Photo:
    """Return the photo that :func:`stored_signature` describes."""
    size_bytes, mtime_ns, inode = (int(number) for number in signature.split(":"))
    return Photo(os.fsdecode(path), size_bytes, mtime_ns, inode)


def job_from_columns(photo: bytes, style: str, recipe: str) -> Job:
    """Return the job that three columns name."""
    return Job(os.fsdecode(photo), style, recipe)


def _source_id(connection: sqlite3.Connection, name: bytes) -> int:
    """Return the id of this input folder, recording a new one; 0 for a new one if nothing may be written."""
    row = connection.execute(_FIND_SOURCE, (name,)).fetchone()
    if row is None and connection.execute("PRAGMA query_only").fetchone() != (1,):
        connection.execute("INSERT OR IGNORE INTO sources (name) VALUES (?)", (name,))
        row = connection.execute(_FIND_SOURCE, (name,)).fetchone()
    return 0 if row is None else int(row[0])
