"""What SQLite's errors mean: a disk that fails is no damage, and is waited for; damage is not."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import LedgerError, StorageError
from pipeline.ledger.damage import damage_error, translated_sqlite_errors
from tests.faults.injection import StorageFaults, needs_injection

ROOT = Path(__file__).parents[2]

_USE = """
import sys
from dataclasses import replace
from pathlib import Path
from pipeline.errors import StylewatchError
from pipeline.ledger import Ledger
from pipeline.model import Photo

photos = [Photo(f"{number}.jpg", 1, 1, 1) for number in range(200)]
try:
    with Ledger.open(Path(sys.argv[1]), "in") as ledger:
        ledger.photos.record(photos, photos, [])
        print(ledger.queries.photo_count())
except StylewatchError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def faults(tmp_path: Path) -> StorageFaults:
    return StorageFaults(tmp_path / "faults")


def used(faults: StorageFaults, file: Path) -> str:
    """Return what comes of opening a ledger and writing to it, in a process that meets the faults."""
    return subprocess.run(
        [sys.executable, "-c", _USE, file],
        cwd=ROOT,
        env=faults.environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@needs_injection
@pytest.mark.parametrize(
    ("calls", "name", "skip", "times"),
    [
        ("read", "ledger.sqlite3", 0, 0),
        ("read", "ledger.sqlite3", 5, 0),  # in the middle of the check of the file's pages
        ("read", "ledger.sqlite3", 5, 1),  # only for a moment
        ("stat", "ledger.sqlite3-wal", 0, 0),
        ("create", "ledger.sqlite3", 0, 0),
        ("write", "ledger.sqlite3-wal", 0, 0),
        ("fsync", "ledger.sqlite3-wal", 0, 0),
    ],
)
def test_a_disk_that_fails_is_never_taken_for_a_damaged_ledger(
    house, faults: StorageFaults, calls: str, name: str, skip: int, times: int
) -> None:
    house.done("a.jpg")
    house.ledger.close()
    faults.fail(calls, house.file.with_name(name), errno.EIO, skip=skip, times=times)
    assert used(faults, house.file).startswith("StorageError ")
    faults.mend()
    assert used(faults, house.file) == "200\n"


@needs_injection
def test_a_ledger_that_could_only_be_opened_for_reading_is_not_taken(house, faults: StorageFaults) -> None:
    """SQLite opens it so without a word, and would never write to it again."""
    house.pending("a.jpg")
    house.ledger.close()
    faults.fail("create", house.file, errno.EROFS, times=1)
    assert "StorageError" in used(faults, house.file)


def test_what_sqlite_calls_malformed_is_looked_at_once_more(house) -> None:
    house.pending("a.jpg")
    assert isinstance(damage_error(str(house.file), "database disk image is malformed"), StorageError)
    (house.file.parent / "other").write_bytes(b"no database " * 100)
    assert isinstance(damage_error(str(house.file.parent / "other"), "file is not a database"), LedgerError)


def test_a_file_that_can_not_be_looked_at_is_its_disks_fault(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="can't be read or written"), translated_sqlite_errors(str(tmp_path)):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert isinstance(damage_error(str(tmp_path / "gone"), "malformed"), StorageError)
