"""The database file: created with care, damage and strangers told, rehearsals leave no trace."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from pipeline.errors import LedgerError, LedgerLockedError, StorageError
from pipeline.ledger import Ledger
from pipeline.ledger.damage import translated_sqlite_errors
from pipeline.ledger.schema import SCHEMA_VERSION, migrate, transaction


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_new_ledger_is_made_with_its_folder_and_is_its_owners_only(tmp_path: Path) -> None:
    file = tmp_path / "state" / "ledger.sqlite3"
    with Ledger.open(file, "in"):
        if sys.platform != "win32":
            assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
    assert [path.name for path in file.parent.iterdir()] == ["ledger.sqlite3"]


def test_commits_are_durable(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite3", "in") as ledger:
        assert ledger._store.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ledger._store.connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_all_is_there_after_reopening(house) -> None:
    house.done("a.jpg")
    house.pending("a.jpg", "b.jpg")
    house.reopen()
    assert house.states() == {"done": 1, "pending": 1}
    assert [finished.output for finished in house.ledger.queries.finished()] == ["a--night.jpg"]


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    file.write_bytes(b"not a database, " * 100)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: the ledger is damaged .* move the file away"):
        Ledger.open(file, "in")
    assert file.read_bytes() == b"not a database, " * 100


def test_flipped_bytes_in_a_page_are_found(house) -> None:
    house.pending(*(f"{number:03}.jpg" for number in range(200)))
    house.ledger.close()
    data = bytearray(house.file.read_bytes())
    for offset in range(4096, len(data), 4096):
        data[offset : offset + 8] = bytes(byte ^ 0xFF for byte in data[offset : offset + 8])
    house.file.write_bytes(data)
    with pytest.raises(LedgerError, match="the ledger is damaged"):
        Ledger.open(house.file, "in")
    assert house.file.read_bytes() == data


def test_damage_that_structure_alone_shows_is_found(house) -> None:
    house.pending("a.jpg")
    house.ledger.close()
    with sqlite3.connect(house.file) as connection:
        # An index that lacks its rows: every page is well-formed.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'jobs_by_state'")
    connection.close()
    with pytest.raises(LedgerError, match="the ledger is damaged"):
        Ledger.open(house.file, "in")


def test_a_newer_schema_is_refused(house) -> None:
    house.ledger.close()
    connection = sqlite3.connect(house.file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerError, match=rf"schema 99, this one knows {SCHEMA_VERSION}\); update stylewatch"):
        Ledger.open(house.file, "in")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE recipes (cake TEXT)")
    connection.commit()
    connection.close()
    before = contents(tmp_path)
    with pytest.raises(LedgerError, match="another program's database"):
        Ledger.open(file, "in")
    assert contents(tmp_path) == before


def test_a_ledger_that_another_process_makes_at_the_same_time_is_left_as_it_is(house) -> None:
    house.done("a.jpg")
    house.ledger._store.connection.execute("PRAGMA user_version = 0")  # as this process read it just before
    migrate(house.ledger._store.connection, "here")
    assert house.states() == {"done": 1}


def test_a_folder_where_nothing_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="check the state folder"):
        Ledger.open(tmp_path / "file" / "ledger.sqlite3", "in")


def test_a_ledger_that_another_process_keeps_locked_is_said_to_be(house) -> None:
    house.pending("a.jpg")
    stranger = sqlite3.connect(house.file, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    house.ledger._store.connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(LedgerError, match="another process keeps the ledger locked"):
        house.claim()
    stranger.execute("ROLLBACK")
    stranger.close()
    assert house.claim().attempts == 0


def test_a_full_disk_is_no_damage(house) -> None:
    (pages,) = house.ledger._store.connection.execute("PRAGMA page_count").fetchone()
    house.ledger._store.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="the disk is full"):
        house.pending(*(f"{'x' * 200}{number}.jpg" for number in range(100)))
    house.ledger._store.connection.execute("PRAGMA max_page_count = 1000000")
    assert house.states() == {}
    house.pending("a.jpg")
    assert house.states() == {"pending": 1}


def test_a_ledger_that_can_not_be_written_is_named(house) -> None:
    house.ledger._store.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageError, match="can't be read or written"):
        house.pending("a.jpg")


def test_a_mistake_of_ours_is_not_dressed_up_as_a_damaged_file() -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError, match="no such table"), translated_sqlite_errors("here"):
        connection.execute("SELECT * FROM nowhere")
    connection.close()


def test_a_transaction_that_sqlite_itself_rolled_back_keeps_its_error() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE numbers (number UNIQUE ON CONFLICT ROLLBACK)")
    connection.execute("INSERT INTO numbers VALUES (1)")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), transaction(connection, "here"):
        connection.execute("INSERT INTO numbers VALUES (1)")
    connection.close()


def test_a_rehearsal_without_a_ledger_makes_none(tmp_path: Path) -> None:
    with Ledger.rehearsal(tmp_path / "state" / "ledger.sqlite3", "in") as rehearsal:
        assert sum(rehearsal.queries.counts().values()) == 0
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("source", ["in", "never seen before"])
def test_a_rehearsal_leaves_the_disk_untouched(house, source: str) -> None:
    house.pending("a.jpg")
    house.ledger.close()
    before = contents(house.file.parent)
    with Ledger.rehearsal(house.file, source) as rehearsal:
        new = house.photo("z.jpg")
        rehearsal.photos.record([house.photo("a.jpg"), new], rehearsal.photos.unknown([new]), [])
        rehearsal.jobs.record([house.wanted("z.jpg")], ".jpg")
        assert len(rehearsal.leases.claim(9, "name")) == 1
    assert contents(house.file.parent) == before


def test_a_rehearsal_beside_a_running_instance_sees_its_work_and_does_not_touch_it(house) -> None:
    house.pending("a.jpg")
    with Ledger.rehearsal(house.file, "in") as rehearsal:
        assert len(rehearsal.leases.claim(9, "name")) == 1
    assert house.states() == {"pending": 1}


def test_a_rehearsal_of_a_damaged_ledger_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    file.write_bytes(b"garbage" * 1000)
    with pytest.raises(LedgerError, match="damaged"):
        Ledger.rehearsal(file, "in")


def test_damage_found_late_while_naming_the_source_closes_the_file(house) -> None:
    house.ledger.close()
    connection = sqlite3.connect(house.file)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("DROP TABLE sources")
    connection.commit()
    connection.close()
    with pytest.raises(sqlite3.OperationalError, match="no such table: sources"):
        Ledger.open(house.file, "in")
    os.replace(house.file, house.file.with_name("moved"))  # noqa: PTH105


def test_a_ledger_of_version_1_is_brought_up_to_date_with_all_that_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    connection = sqlite3.connect(file)
    connection.executescript((Path(__file__).parent / "golden" / "version-1.sql").read_text(encoding="utf-8"))
    connection.close()
    with Ledger.rehearsal(file, "in") as rehearsal:
        assert len(rehearsal.queries.failures()) == 2
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,), "a rehearsal changes nothing"
    connection.close()
    with Ledger.open(file, "in") as ledger:
        counts = {state.value: count for state, count in ledger.queries.counts().items()}
        assert counts == dict.fromkeys(("pending", "leased", "done", "failed", "quarantined", "withdrawn"), 1)
        assert [(row.job.photo, row.attempts) for row in ledger.queries.failures()] == [("b.jpg", 1), ("c.jpg", 0)]
        assert ledger.jobs.next_due() == 0
        assert ledger.jobs.requeue_due() == 1
        assert [original.photo.path for original in ledger.moves.movable()] == ["a.jpg"]
        assert ledger.moves.begun() == []
        new = ledger._store.connection.execute("SELECT sql FROM sqlite_master WHERE name LIKE 'waiting%'").fetchall()
    assert len(new) == 1
    with Ledger.open(file, "in") as ledger:
        assert ledger.queries.counts()["pending"] == 2


def test_a_migrated_ledger_has_the_columns_of_a_new_one(tmp_path: Path) -> None:
    old = sqlite3.connect(":memory:", isolation_level=None)
    old.executescript((Path(__file__).parent / "golden" / "version-1.sql").read_text(encoding="utf-8"))
    new = sqlite3.connect(":memory:", isolation_level=None)
    for connection in (old, new):
        migrate(connection, "here")
    described = [
        {
            name: sorted(row[1:] for row in connection.execute(f"PRAGMA table_info({name})"))
            for name in ("jobs", "photos", "leases", "names", "sources")
        }
        for connection in (old, new)
    ]
    assert described[0] == described[1]
    for connection in (old, new):
        connection.close()


def test_looking_changes_nothing_on_the_disk_and_sees_what_is_there(house) -> None:
    house.done("a.jpg")
    house.ledger.close()
    before = contents(house.file.parent)
    with Ledger.to_read(house.file, "in") as looking:
        assert looking.queries.counts()["done"] == 1
    with Ledger.to_read(house.file, "never seen before") as looking:
        assert sum(looking.queries.counts().values()) == 0
    assert contents(house.file.parent) == before


def test_looking_keeps_nobody_from_working_and_is_kept_by_nobody(house) -> None:
    house.pending("a.jpg")
    with Ledger.to_read(house.file, "in") as looking, looking._store.reading() as connection:
        connection.execute("BEGIN")
        assert looking.queries.counts()["pending"] == 1
        house.ledger._store.connection.execute("PRAGMA busy_timeout = 1")
        house.finish(house.claim())
        house.ledger._store.connection.execute("BEGIN IMMEDIATE")
        assert looking.queries.counts()["pending"] == 1
        connection.execute("COMMIT")
        assert looking.queries.counts()["done"] == 1
        house.ledger._store.connection.execute("ROLLBACK")


def test_a_ledger_looked_at_can_not_be_written(house) -> None:
    house.pending("a.jpg")
    with Ledger.to_read(house.file, "in") as looking, pytest.raises(StorageError, match="can't be read or written"):
        looking.leases.claim(1, "name")


def test_looking_at_a_ledger_of_version_1_leaves_it_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    connection = sqlite3.connect(file)
    connection.executescript((Path(__file__).parent / "golden" / "version-1.sql").read_text(encoding="utf-8"))
    connection.close()
    before = contents(tmp_path)
    with Ledger.to_read(file, "in") as looking:
        assert looking.queries.counts()["done"] == 1
        assert looking.queries.made_since(0) == 0
    assert contents(tmp_path) == before


def test_looking_at_a_damaged_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"garbage" * 1000)
    with pytest.raises(LedgerError, match="damaged"):
        Ledger.to_read(tmp_path / "ledger.sqlite3", "in")


def test_a_ledger_that_a_stranger_keeps_for_itself_is_said_to_be_locked_when_looked_at(house) -> None:
    house.pending("a.jpg")
    house.ledger.close()
    stranger = sqlite3.connect(house.file, isolation_level=None)
    stranger.execute("PRAGMA locking_mode = EXCLUSIVE")
    stranger.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LedgerError, match="another process keeps the ledger locked"):
        Ledger.to_read(house.file, "in")
    stranger.close()


def test_a_ledger_that_is_taken_away_or_hidden_while_it_is_open_is_missed(house) -> None:
    house.ledger.require_in_place()
    house.file.rename(house.file.with_name("elsewhere"))
    with pytest.raises(StorageError, match="the ledger is gone"):
        house.ledger.require_in_place()
    house.file.with_name("elsewhere").rename(house.file)
    house.ledger.require_in_place()


def test_a_rehearsal_needs_no_place(tmp_path: Path) -> None:
    with Ledger.rehearsal(tmp_path / "ledger.sqlite3", "in") as ledger:
        ledger.require_in_place()


class Watch:
    """Waits so many times for a lock, and frees it then."""

    def __init__(self, times: int, stranger: sqlite3.Connection) -> None:
        self.times = times
        self.stranger = stranger
        self.heard: list[str] = []
        self.ends = 0

    def keep_waiting(self, words: str) -> bool:
        self.heard.append(words)
        if len(self.heard) == self.times:
            self.stranger.execute("ROLLBACK")
        return len(self.heard) <= self.times

    def acquired(self) -> None:
        self.ends += 1


@pytest.mark.parametrize("times", [1, 3])
def test_whoever_watches_a_lock_may_wait_for_its_end(house, times: int) -> None:
    house.pending("a.jpg")
    stranger = sqlite3.connect(house.file, isolation_level=None)
    watch = Watch(times, stranger)
    with Ledger.open(house.file, house.source, lock_wait=watch) as ledger:
        ledger._store.connection.execute("PRAGMA busy_timeout = 1")
        stranger.execute("BEGIN IMMEDIATE")
        assert len(ledger.leases.claim(1, "newest")) == 1
    stranger.close()
    assert len(watch.heard) == times
    assert all("another process keeps the ledger locked" in words for words in watch.heard)
    assert watch.ends == 1


def test_whoever_does_not_wait_any_longer_gets_an_error_that_may_pass(house) -> None:
    house.pending("a.jpg")
    stranger = sqlite3.connect(house.file, isolation_level=None)
    watch = Watch(0, stranger)
    with Ledger.open(house.file, house.source, lock_wait=watch) as ledger:
        ledger._store.connection.execute("PRAGMA busy_timeout = 1")
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerLockedError) as caught:
            ledger.leases.claim(1, "newest")
    stranger.close()
    assert not caught.value.final
    assert (len(watch.heard), watch.ends) == (1, 0)
