"""The open database: when its file is opened again, and when another file is not taken for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.errors import LedgerError, StorageError
from pipeline.ledger import Ledger


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
