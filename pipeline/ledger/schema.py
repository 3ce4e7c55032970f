"""Opens the database file. Owns its version, migrations and locks; knows nothing of a job's transitions."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from pipeline.errors import LedgerError, LedgerLockedError, StorageError
from pipeline.ledger.damage import cannot_be_opened, damage_error, translated_sqlite_errors
from pipeline.ledger.sources import uri_of
from pipeline.ledger.tables import MIGRATIONS, TABLES, random_position

#: The name of the file in a state folder.
LEDGER_NAME: Final = "ledger.sqlite3"
SCHEMA_VERSION: Final = 5
_APPLICATION_ID: Final = 0x73747977
_BUSY_SECONDS: Final = 5.0
#: Checking a file up to this size takes some hundredths of a second.
_ALWAYS_CHECKED_BYTES: Final = 16_000_000


def connect(file: Path) -> sqlite3.Connection:
    """Open the ledger at ``file``, creating it (readable by its owner only) if it is not there.

    Raises LedgerError for a damaged or foreign file or a newer schema, LedgerLockedError, StorageError if the disk is
    at fault.
    """
    _create_if_missing(file)
    with translated_sqlite_errors(str(file)):
        unclean = _companion(file, "-wal").exists() or _companion(file, "-journal").exists()
        connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            _prepare(connection, file, check=unclean or file.stat().st_size <= _ALWAYS_CHECKED_BYTES)
        except BaseException:
            connection.close()
            raise
    return connection


def _companion(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _create_if_missing(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # An existing file is not opened: closing it would release the locks of this process's other connections,
        # and the next process to open the ledger would remove the log that they write to.
        if not file.exists():
            _create_file(file)
    except OSError as error:
        raise StorageError(
            f"{file}: the ledger can't be opened ({error.strerror}); check the state folder"
        ) from error


def _create_file(file: Path) -> None:
    with suppress(FileExistsError):  # another process has just created it
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _prepare(connection: sqlite3.Connection, file: Path, *, check: bool) -> None:
    _schema_version(connection, str(file))  # before anything is written: it may be another program's
    if check:
        ((finding,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
        if finding != "ok":
            raise damage_error(str(file), finding.splitlines()[-1])
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # of use on macOS only, see pipeline.durable_files.sync_file
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, str(file))
    with transaction(connection, str(file)):
        pass  # SQLite also opens a file that can't be written, and never tries again: find out now


def migrate(connection: sqlite3.Connection, location: str) -> None:
    """Create the tables in an empty database, or migrate older ones, in one transaction.

    Raises LedgerError for a newer schema or another program's tables.
    """
    if _schema_version(connection, location) == SCHEMA_VERSION:
        return
    connection.create_function("random_position", 1, random_position, deterministic=True)
    with transaction(connection, location):
        # Read again: another process may have migrated it meanwhile.
        for version in range(_schema_version(connection, location) or SCHEMA_VERSION, SCHEMA_VERSION):
            _execute(connection, MIGRATIONS[version])
        _execute(connection, TABLES)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _execute(connection: sqlite3.Connection, statements: str) -> None:
    # Not executescript(), which commits first.
    for statement in statements.split(";\n"):
        connection.execute(statement)


def _schema_version(connection: sqlite3.Connection, location: str) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != _APPLICATION_ID:
        raise LedgerError(f"{location}: this is another program's database; choose another state folder")
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"{location}: a newer stylewatch wrote this ledger (schema {version}, this one knows {SCHEMA_VERSION}); "
            f"update stylewatch"
        )
    return int(version)


class LockWait(Protocol):
    """Decides how long to wait for a ledger that another program keeps locked, in the thread that wants to write."""

    def keep_waiting(self, reason: str) -> bool:
        """Tell whether to wait longer; called every few seconds with the reason."""
        ...

    def acquired(self) -> None:
        """Called when the lock was acquired after waiting."""
        ...


@contextmanager
def transaction(connection: sqlite3.Connection, location: str, lock_wait: LockWait | None = None) -> Iterator[None]:
    """Commit everything inside together and durably, or nothing. Raises LedgerLockedError, StorageError."""
    _begin(connection, location, lock_wait)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _begin(connection: sqlite3.Connection, location: str, lock_wait: LockWait | None) -> None:
    has_waited = False
    while True:
        try:
            with translated_sqlite_errors(location):
                connection.execute("BEGIN IMMEDIATE")
        except LedgerLockedError as error:
            if lock_wait is None or not lock_wait.keep_waiting(str(error)):
                raise
            has_waited = True
        else:
            if lock_wait is not None and has_waited:
                lock_wait.acquired()
            return


def connect_to_read(file: Path) -> sqlite3.Connection:
    """Open an existing ledger at ``file`` for reading only: nothing is created, and no writer has to wait.

    One of an older version, or that can't be locked, is copied into memory. Raises as :func:`connect` does.
    """
    with translated_sqlite_errors(str(file)):
        return _connect_to_read(file) or memory_copy(file)


def _connect_to_read(file: Path) -> sqlite3.Connection | None:
    """Return None for a ledger that can't be read in place."""
    connection = sqlite3.connect(_uri_to_read(file), uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        if _schema_version(connection, str(file)) == SCHEMA_VERSION:
            connection.execute("PRAGMA query_only = ON")
            return connection
    except sqlite3.DatabaseError as error:
        if not cannot_be_opened(error):
            connection.close()
            raise
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def memory_copy(file: Path) -> sqlite3.Connection:
    """Return an in-memory copy of the ledger at ``file``, or an empty one; nothing on the disk changes.

    Raises as :func:`connect` does.
    """
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        with translated_sqlite_errors(str(file)):
            if file.exists():
                _copy(file, memory)
            memory.execute("PRAGMA foreign_keys = ON")
            migrate(memory, str(file))
    except BaseException:
        memory.close()
        raise
    return memory


def _copy(file: Path, memory: sqlite3.Connection) -> None:
    try:
        _backup(_uri_to_read(file), memory)
    except sqlite3.DatabaseError as error:
        if not cannot_be_opened(error):
            raise
        # A killed program left its log, and in a read-only folder SQLite can't create the index that the log needs.
        with TemporaryDirectory() as folder:
            for path in (file, _companion(file, "-wal")):
                with suppress(FileNotFoundError):
                    shutil.copyfile(path, Path(folder, path.name))
            _backup(uri_of(Path(folder, file.name)), memory)


def _backup(uri: str, memory: sqlite3.Connection) -> None:
    original = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)
    try:
        original.backup(memory)
    finally:
        original.close()


def _uri_to_read(file: Path) -> str:
    # Reading a WAL database creates its companion files, unless it is opened as immutable. That is safe as long as
    # there are no companions: then no process has it open.
    is_closed = not _companion(file, "-wal").exists() and not _companion(file, "-journal").exists()
    return f"{uri_of(file)}?mode=ro{'&immutable=1' if is_closed else ''}"
