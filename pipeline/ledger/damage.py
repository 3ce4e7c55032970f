"""Translates SQLite's errors. Owns the difference between a damaged ledger and a disk that can't be read.

SQLite reports a page that could not be read as "malformed", like a damaged one (SQLITE_IOERR_CORRUPTFS becomes
SQLITE_CORRUPT inside a running statement). Damage is permanent, a disk may come back, so the whole file is checked
before it is called damaged.
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
def translated_sqlite_errors(location: str) -> Iterator[None]:
    """Turn the disk's and SQLite's errors about the file at ``location`` into LedgerError or StorageError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        translated = _error_for(location, error)
        if translated is None:
            raise
        raise translated from error
    except OSError as error:
        raise _storage_error(location, error.strerror or str(error)) from error


def damage_error(location: str, detail: str) -> CannotRunError:
    """Return the error for a file that SQLite calls damaged.

    LedgerError, or StorageError if the disk is the cause.
    """
    try:
        finding = _integrity_finding(Path(location))
    except sqlite3.DatabaseError as error:
        if _code(error) not in _DAMAGED:
            return _storage_error(location, str(error))
        finding = detail
    if _is_disk_error(finding):
        return _storage_error(location, finding)
    if finding == "ok":
        return _storage_error(location, f"{detail}, but a check finds it intact")
    return LedgerError(
        f"{location}: the ledger is damaged ({detail}) and was left as it is: restore a backup, or move the file "
        f"away: finished pictures are then recognized by their metadata, and only the others are made"
    )


def ledger_exists(file: Path) -> bool:
    """Tell whether the ledger's file exists. Raises StorageError if its folder can't be read."""
    with translated_sqlite_errors(str(file)):
        return file.exists()


def cannot_be_opened(error: sqlite3.DatabaseError) -> bool:
    """Tell whether SQLite could not open the file, or one that it needs beside it."""
    return _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def needs_reopening(error: StorageError) -> bool:
    """Tell whether the file has to be opened again, as after its disk was gone."""
    cause = error.__cause__
    return not (isinstance(cause, sqlite3.DatabaseError) and _code(cause) == sqlite3.SQLITE_FULL)


def _error_for(location: str, error: sqlite3.DatabaseError) -> CannotRunError | None:
    code = _code(error)
    if code in _DAMAGED:
        return damage_error(location, str(error))
    if code in _BUSY:
        return LedgerLockedError(
            f"{location}: another process keeps the ledger locked; wait for it to end, or stop it"
        )
    if code == sqlite3.SQLITE_FULL:
        return StorageError(f"{location}: the disk is full; free some space, nothing is lost")
    return _storage_error(location, str(error)) if code in _UNREADABLE else None


def _code(error: sqlite3.DatabaseError) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF  # the upper bits are the extended code


def _storage_error(location: str, detail: str) -> StorageError:
    return StorageError(f"{location}: the ledger can't be read or written ({detail}); check the folder and its disk")


def _integrity_finding(file: Path) -> str:
    """Return the first fault found in the file, or "ok". Raises DatabaseError."""
    # Not open() and read(): closing the file would release the locks of this process's other connections.
    with contextlib.closing(sqlite3.connect(f"{uri_of(file)}?mode=ro", uri=True)) as connection:
        try:
            return _first_finding(connection)
        except sqlite3.DatabaseError as error:
            if _code(error) not in _DAMAGED:
                raise
            connection.execute("PRAGMA writable_schema = ON")  # the schema's own pages are then checked like others
            finding = _first_finding(connection)
            if _is_disk_error(finding):
                return finding
            raise


def _first_finding(connection: sqlite3.Connection) -> str:
    # One finding: after the first one SQLite goes on to pages that raise an error.
    (finding,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    return str(finding).splitlines()[-1]


def _is_disk_error(finding: str) -> bool:
    code = _ERROR_CODE.search(finding)
    return "failed to get page" in finding or (code is not None and int(code[1]) & 0xFF == sqlite3.SQLITE_IOERR)
