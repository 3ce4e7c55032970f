"""What a daemon waits for without ending: a ledger that somebody locks, shares that are mounted after it began."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.errors import LedgerError
from pipeline.model import JobFailed, JobState, RunEvent, WatchNotice
from tests.daemon.station import Gate, Station

pytestmark = pytest.mark.slow


def ledger_file(station: Station) -> Path:
    return station.workshop.out / ".stylewatch" / "ledger.sqlite3"


@contextmanager
def stranger(station: Station) -> Iterator[sqlite3.Connection]:
    """Open the ledger as another program would."""
    connection = sqlite3.connect(ledger_file(station), isolation_level=None, check_same_thread=False)
    try:
        yield connection
    finally:
        connection.close()


def assert_paused_once(station: Station, words: str) -> None:
    (paused,) = station.notices("paused")
    assert words in paused.text
    assert "work resumes by itself" in paused.text
    assert len(station.notices("resumed")) == 1


def test_a_locked_ledger_pauses_both_threads_once_and_costs_no_work(station: Station) -> None:
    gate = Gate()
    station.workshop.photo("a.png")
    with station.working(executor=gate.executor), stranger(station) as other:
        gate.reached.wait()
        other.execute("BEGIN EXCLUSIVE")
        gate.open.set()  # one thread wants to publish, the other one to record what comes
        station.workshop.photo("b.png", shade=2)
        station.wait_for(lambda: station.notices("paused"), "the warning")
        station.workshop.photo("c.png", shade=3)
        assert station.pictures() == []
        other.execute("ROLLBACK")
        station.wait_for(lambda: station.notices("resumed"), "the lock's end to be noticed")
        station.wait_for_pictures("a--night.jpg", "b--night.jpg", "c--night.jpg")
    assert_paused_once(station, "another process keeps the ledger locked")
    assert sorted(station.started()) == ["a.png", "b.png", "c.png"], "nothing is begun twice"
    assert station.told(JobFailed) == []
    assert station.show_their_photos()


def test_a_ledger_that_is_locked_at_the_start_is_waited_for(station: Station) -> None:
    station.workshop.photo("a.png")
    with station.working():
        station.wait_for_pictures("a--night.jpg")
    station.events.clear()
    with stranger(station) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")

        def let_go(event: RunEvent) -> None:
            if isinstance(event, WatchNotice) and event.kind == "paused":
                other.close()

        station.on_event = let_go
        station.workshop.photo("b.png", shade=2)
        with station.working():
            station.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert_paused_once(station, "another process keeps the ledger locked")


def test_a_daemon_that_waits_for_a_lock_can_be_stopped_and_goes_on_next_time(station: Station) -> None:
    gate = Gate()
    station.workshop.photo("a.png")
    with stranger_after_start(station, gate) as other:
        station.wait_for(lambda: station.notices("paused"), "the warning")
    assert station.notices("stopped")
    other.close()
    with station.working():
        station.wait_for_pictures("a--night.jpg")
    assert station.show_their_photos()


@contextmanager
def stranger_after_start(station: Station, gate: Gate) -> Iterator[sqlite3.Connection]:
    """Run a daemon whose ledger is locked while a picture is being made, and stays so."""
    with station.working(executor=gate.executor):
        gate.reached.wait()
        other = sqlite3.connect(ledger_file(station), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        gate.open.set()
        yield other


def test_a_damaged_ledger_ends_the_daemon_at_its_start_and_is_kept(station: Station) -> None:
    station.workshop.photo("a.png")
    with station.working():
        station.wait_for_pictures("a--night.jpg")
    file = ledger_file(station)
    damaged = file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096)
    file.write_bytes(damaged)
    station.events.clear()
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: the ledger is damaged .* move it away"):
        station.work_until_death(lambda: None)
    assert file.read_bytes() == damaged


def test_a_ledger_damaged_under_a_daemon_ends_it_and_is_kept(station: Station) -> None:
    station.workshop.photo("a.png")

    def damage() -> None:
        station.wait_for_pictures("a--night.jpg")
        with stranger(station) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            other.execute("UPDATE sources SET name = name")  # whoever reads next reads the file, not its memory
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with ledger_file(station).open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (ledger_file(station).stat().st_size - 4096))
        station.workshop.photo("b.png", shade=2)

    with pytest.raises(LedgerError, match=r"the ledger is damaged .* move it away"):
        station.work_until_death(damage)
    assert ledger_file(station).read_bytes()[4096:8192] == b"\xff" * 4096
    assert station.pictures() == ["a--night.jpg"]


def test_a_folder_that_is_not_there_yet_is_waited_for(station: Station) -> None:
    station.folder.rmdir()

    def mount(event: RunEvent) -> None:
        if isinstance(event, WatchNotice) and event.kind == "paused":
            station.folder.mkdir()
            station.workshop.photo("a.png")

    station.on_event = mount
    with station.working():
        station.wait_for_pictures("a--night.jpg")
    assert_paused_once(station, "mount its disk")


def test_a_daemon_that_waits_for_its_folder_can_be_stopped(station: Station) -> None:
    station.folder.rmdir()
    station.on_event = lambda event: daemons[0].stop() if isinstance(event, WatchNotice) else None
    daemons = [station.make_daemon()]
    daemons[0].run()
    assert [event.kind for event in station.notices("paused", "stopped")] == ["paused", "stopped"]


def test_an_empty_mount_point_at_the_start_is_no_deletion_of_all_photos(station: Station) -> None:
    station.workshop.photo("done.png")
    with station.working():
        station.wait_for_pictures("done--night.jpg")
    station.workshop.photo("waits.png", "diverges")
    with station.working():
        station.wait_for(lambda: station.told(JobFailed), "a photo that waits for its next attempt")
    share = station.workshop.folder / "share"
    station.folder.rename(share)
    station.folder.mkdir()
    station.events.clear()

    def mount(event: RunEvent) -> None:
        if isinstance(event, WatchNotice) and event.kind == "paused":
            with station.workshop.ledger() as ledger:
                assert ledger.queries.counts()[JobState.WITHDRAWN] == 0
            station.folder.rmdir()
            share.rename(station.folder)

    station.on_event = mount
    with station.working():
        station.wait_for(lambda: station.notices("resumed"), "the share")
        station.workshop.photo("new.png", shade=2)
        station.wait_for_pictures("done--night.jpg", "new--night.jpg")
    assert_paused_once(station, "2 photos lay there when it was last seen")
    assert station.set_aside() == []
    with station.workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.FAILED] == 1


def test_an_emptied_folder_is_watched_once_there_is_a_photo_in_it(station: Station) -> None:
    photo = station.workshop.photo("a.png")
    with station.working():
        station.wait_for_pictures("a--night.jpg")
    photo.unlink()
    station.on_event = lambda event: isinstance(event, WatchNotice) and station.workshop.photo("b.png", shade=2)
    with station.working():
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")
        station.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 1, "the removed photo to be missed")
