"""What SQLite's errors mean. Owns the difference between a ledger that is damaged and a disk that can't be read.

SQLite calls a page that its disk did not give back "malformed", like one that is (SQLITE_IOERR_CORRUPTFS becomes
SQLITE_CORRUPT inside a running statement). The one is for ever, the other may be over when the disk is back, so the
whole file is looked through before it is called damaged.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.errors import CannotRunError, LedgerError, LedgerLockedError, StorageError
from pipeline.ledger.sources import uri_of

_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNREADABLE: Final = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_ERROR_CODE: Final = re.compile(r"error code=(\d+)")


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn the disk's and SQLite's errors about the file at ``place`` into LedgerError or StorageError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        explanation = _explanation(place, error)
        if explanation is None:
            raise
        raise explanation from error
    except OSError as error:
        raise _unreadable(place, error.strerror or str(error)) from error


def judged(place: str, detail: str) -> CannotRunError:
    """Return the error for a file that SQLite takes for damaged: LedgerError, or StorageError if its disk is."""
    try:
        finding = _looked_through(Path(place))
    except sqlite3.DatabaseError as error:
        if _code(error) not in _DAMAGED:
            return _unreadable(place, str(error))
        finding = detail
    if _is_of_disk(finding):
        return _unreadable(place, finding)
    if finding == "ok":
        return _unreadable(place, f"{detail}, but now it is whole")
    return LedgerError(
        f"{place}: the ledger is damaged ({detail}); it was left as it is: put a backup in its place, or move it "
        f"away: finished pictures are then recognized by their metadata, and only the others are made"
    )


def is_there(file: Path) -> bool:
    """Tell whether there is a ledger at all. Raises StorageError where nobody may look."""
    with explained(str(file)):
        return file.exists()


def may_not_be_opened(error: sqlite3.DatabaseError) -> bool:
    """Tell whether SQLite could not open a file, or one that it needs beside it."""
    return _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def needs_reopening(error: StorageError) -> bool:
    """Tell whether the open file itself may be of no use any more, as after its disk was gone."""
    cause = error.__cause__
    return not (isinstance(cause, sqlite3.DatabaseError) and _code(cause) == sqlite3.SQLITE_FULL)


def _explanation(place: str, error: sqlite3.DatabaseError) -> CannotRunError | None:
    code = _code(error)
    if code in _DAMAGED:
        return judged(place, str(error))
    if code in _BUSY:
        return LedgerLockedError(f"{place}: another process keeps the ledger locked; wait for it to end, or stop it")
    if code == sqlite3.SQLITE_FULL:
        return StorageError(f"{place}: the disk is full; free some space, nothing is lost")
    return _unreadable(place, str(error)) if code in _UNREADABLE else None


def _code(error: sqlite3.DatabaseError) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF  # the upper bits are details


def _unreadable(place: str, detail: str) -> StorageError:
    return StorageError(f"{place}: the ledger can't be read or written ({detail}); check the folder and its disk")


def _looked_through(file: Path) -> str:
    """Return what is wrong with the file first of all, "ok" if nothing is. Raises DatabaseError."""
    # Not open() and read(): to close the file would void the locks of this process's other connections.
    with contextlib.closing(sqlite3.connect(f"{uri_of(file)}?mode=ro", uri=True)) as connection:
        try:
            return _first_finding(connection)
        except sqlite3.DatabaseError as error:
            if _code(error) not in _DAMAGED:
                raise
            connection.execute("PRAGMA writable_schema = ON")  # the tables' own pages are then looked at like others
            finding = _first_finding(connection)
            if _is_of_disk(finding):
                return finding
            raise


def _first_finding(connection: sqlite3.Connection) -> str:
    # One finding: after the first SQLite goes on to what raises an error instead of telling more.
    (finding,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    return str(finding).splitlines()[-1]


def _is_of_disk(finding: str) -> bool:
    code = _ERROR_CODE.search(finding)
    return "failed to get page" in finding or (code is not None and int(code[1]) & 0xFF == sqlite3.SQLITE_IOERR)
