"""What SQLite's errors mean: a disk that fails is no damage, and is waited for; damage is not."""

from __future__ import annotations

import errno
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import LedgerError, StorageError
from pipeline.ledger import Ledger
from pipeline.ledger.damage import damage_error, translated_errors
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
    with pytest.raises(StorageError, match="can't be read or written"), translated_errors(str(tmp_path)):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert isinstance(damage_error(str(tmp_path / "gone"), "malformed"), StorageError)


def test_after_an_error_of_the_disk_the_file_is_opened_anew(house) -> None:
    house.done("a.jpg")
    assert house.ledger.was_changed_by_others()
    house.ledger._store.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageError):
        house.pending("b.jpg")
    house.pending("a.jpg", "b.jpg")
    assert house.states() == {"done": 1, "pending": 1}
    assert house.ledger.was_changed_by_others()
    assert not house.ledger.was_changed_by_others()


def test_another_ledger_in_its_place_is_not_taken_for_it(house) -> None:
    house.done("a.jpg")
    house.reopen()
    other, own = house.file.with_name("other"), house.file.with_name("own")
    with Ledger.open(other, "other photos"):
        pass
    house.ledger._store.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageError):
        house.pending("b.jpg")
    house.file.rename(own)
    with pytest.raises(StorageError, match="the ledger is gone"):
        house.states()
    other.rename(house.file)
    with pytest.raises(StorageError, match="another ledger"):
        house.states()
    own.replace(house.file)
    assert house.states() == {"done": 1}


def test_a_disk_that_comes_back_under_another_number_has_its_file_opened_anew(house) -> None:
    house.done("a.jpg")
    store = house.ledger._store
    before, connection = store.file, store.connection
    store.file = replace(before, disk=before.disk + 1)
    house.ledger.require_in_place()
    assert store.file == before
    assert store.connection is not connection
    assert house.states() == {"done": 1}


def test_another_file_on_another_disk_ends_the_work(house) -> None:
    store = house.ledger._store
    store.file = replace(store.file, disk=store.file.disk + 1, inode=store.file.inode + 1)
    with pytest.raises(LedgerError, match="mounted over"):
        house.ledger.require_in_place()


def test_what_another_source_has_on_the_disk_that_comes_back_is_not_taken_for_it(house) -> None:
    other = house.file.with_name("other")
    with Ledger.open(other, "other photos"):
        pass
    house.reopen()  # what is in its journal would be taken for the other one's
    store = house.ledger._store
    other.replace(house.file)
    store.file = replace(store.file, disk=store.file.disk + 1, inode=house.file.stat().st_ino)
    with pytest.raises(StorageError, match="another ledger"):
        house.ledger.require_in_place()
    with pytest.raises(StorageError, match="another ledger"):
        house.states()
