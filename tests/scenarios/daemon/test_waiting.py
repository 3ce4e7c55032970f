"""What a daemon waits for without ending: a ledger that somebody locks, shares that are mounted after it began."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pipeline.errors import LedgerError
from pipeline.model import JobFailed, JobState, Remark, RunEvent, WatchNotice
from pipeline.runner.instance.known_mounts import store_input_mount
from tests.daemon.harness import DaemonHarness, Gate
from tests.scenarios.daemon.test_pausing import mounted

pytestmark = pytest.mark.slow


def ledger_file(harness: DaemonHarness) -> Path:
    return harness.workshop.out / ".stylewatch" / "ledger.sqlite3"


@contextmanager
def stranger(harness: DaemonHarness) -> Iterator[sqlite3.Connection]:
    """Open the ledger as another program would."""
    connection = sqlite3.connect(ledger_file(harness), isolation_level=None, check_same_thread=False)
    try:
        yield connection
    finally:
        connection.close()


def assert_paused_once(harness: DaemonHarness, words: str) -> None:
    (paused,) = harness.notices("paused")
    assert words in paused.text
    assert "work resumes by itself" in paused.text
    assert len(harness.notices("resumed")) == 1


def test_a_locked_ledger_pauses_both_threads_once_and_costs_no_work(harness: DaemonHarness) -> None:
    gate = Gate()
    harness.workshop.photo("a.png")
    with harness.running(executor=gate.executor), stranger(harness) as other:
        gate.reached.wait()
        other.execute("BEGIN EXCLUSIVE")
        gate.open.set()  # one thread wants to publish, the other one to record what comes
        harness.workshop.photo("b.png", shade=2)
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
        harness.workshop.photo("c.png", shade=3)
        assert harness.pictures() == []
        other.execute("ROLLBACK")
        harness.wait_for(lambda: harness.notices("resumed"), "the lock's end to be noticed")
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg", "c--night.jpg")
    assert_paused_once(harness, "another process keeps the ledger locked")
    assert sorted(harness.started()) == ["a.png", "b.png", "c.png"], "nothing is begun twice"
    assert harness.events_of(JobFailed) == []
    assert harness.show_their_photos()


def test_a_ledger_that_is_locked_at_the_start_is_waited_for(harness: DaemonHarness) -> None:
    harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for_pictures("a--night.jpg")
    harness.events.clear()
    with stranger(harness) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")

        def let_go(event: RunEvent) -> None:
            if isinstance(event, WatchNotice) and event.kind == "paused":
                other.close()

        harness.on_event = let_go
        harness.workshop.photo("b.png", shade=2)
        with harness.running():
            harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert_paused_once(harness, "another process keeps the ledger locked")


def test_a_daemon_that_waits_for_a_lock_can_be_stopped_and_goes_on_next_time(harness: DaemonHarness) -> None:
    gate = Gate()
    harness.workshop.photo("a.png")
    with stranger_after_start(harness, gate) as other:
        harness.wait_for(lambda: harness.notices("paused"), "the warning")
    assert harness.notices("stopped")
    other.close()
    with harness.running():
        harness.wait_for_pictures("a--night.jpg")
    assert harness.show_their_photos()


@contextmanager
def stranger_after_start(harness: DaemonHarness, gate: Gate) -> Iterator[sqlite3.Connection]:
    """Run a daemon whose ledger is locked while a picture is being made, and stays so."""
    with harness.running(executor=gate.executor):
        gate.reached.wait()
        other = sqlite3.connect(ledger_file(harness), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        gate.open.set()
        yield other


def test_a_damaged_ledger_ends_the_daemon_at_its_start_and_is_kept(harness: DaemonHarness) -> None:
    harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for_pictures("a--night.jpg")
    file = ledger_file(harness)
    damaged = file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096)
    file.write_bytes(damaged)
    harness.events.clear()
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: the ledger is damaged .* move the file away"):
        harness.run_until_error(lambda: None)
    assert file.read_bytes() == damaged


def test_a_ledger_damaged_under_a_daemon_ends_it_and_is_kept(harness: DaemonHarness) -> None:
    harness.workshop.photo("a.png")

    def damage() -> None:
        harness.wait_for_pictures("a--night.jpg")
        with stranger(harness) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            other.execute("UPDATE sources SET name = name")  # whoever reads next reads the file, not its memory
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with ledger_file(harness).open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (ledger_file(harness).stat().st_size - 4096))
        harness.workshop.photo("b.png", shade=2)

    with pytest.raises(LedgerError, match=r"the ledger is damaged .* move the file away"):
        harness.run_until_error(damage)
    assert ledger_file(harness).read_bytes()[4096:8192] == b"\xff" * 4096
    assert harness.pictures() == ["a--night.jpg"]


def test_a_folder_that_never_was_is_made_and_said(harness: DaemonHarness) -> None:
    harness.folder.rmdir()
    with harness.running():
        harness.wait_for(harness.folder.is_dir, "the folder")
        harness.workshop.photo("a.png")
        harness.wait_for_pictures("a--night.jpg")
    assert Remark("", f"made the folder {harness.folder}: it did not exist") in harness.events
    assert harness.notices("paused") == []


def test_a_folder_that_had_photos_and_is_not_there_is_waited_for(harness: DaemonHarness) -> None:
    harness.workshop.photo("a.png")
    with harness.running():
        harness.wait_for_pictures("a--night.jpg")
    share = harness.folder.rename(harness.workshop.folder / "share")

    def mount(event: RunEvent) -> None:
        if isinstance(event, WatchNotice) and event.kind == "paused":
            share.rename(harness.folder)
            harness.workshop.photo("b.png", shade=2)

    harness.on_event = mount
    with harness.running():
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert_paused_once(harness, "mount its disk")


def test_a_daemon_that_waits_for_its_folder_can_be_stopped(harness: DaemonHarness) -> None:
    store_input_mount(harness.folder, harness.folder)
    harness.on_event = lambda event: daemons[0].stop() if isinstance(event, WatchNotice) else None
    daemons = [harness.make_daemon()]
    daemons[0].run()
    assert [event.kind for event in harness.notices("paused", "stopped")] == ["paused", "stopped"]


def test_an_empty_mount_point_at_the_start_is_no_deletion_of_all_photos(harness: DaemonHarness) -> None:
    share = harness.folder.rename(harness.workshop.folder / "share")
    harness.folder.mkdir()
    with mounted("--bind", share, harness.folder):
        harness.workshop.photo("done.png")
        with harness.running():
            harness.wait_for_pictures("done--night.jpg")
        harness.workshop.photo("waits.png", "diverges")
        with harness.running():
            harness.wait_for(lambda: harness.events_of(JobFailed), "a photo that waits for its next attempt")
    (harness.folder / "night").mkdir()  # what lies under the mount makes it no folder of photos
    harness.events.clear()
    with ExitStack() as mounts:

        def mount(event: RunEvent) -> None:
            if isinstance(event, WatchNotice) and event.kind == "paused":
                with harness.workshop.ledger() as ledger:
                    assert ledger.queries.counts()[JobState.WITHDRAWN] == 0
                mounts.enter_context(mounted("--bind", share, harness.folder))

        harness.on_event = mount
        with harness.running():
            harness.wait_for(lambda: harness.notices("resumed"), "the share")
            harness.workshop.photo("new.png", shade=2)
            harness.wait_for_pictures("done--night.jpg", "new--night.jpg")
    assert_paused_once(harness, f"was on the disk or share mounted at {harness.folder}")
    assert harness.set_aside() == []
    with harness.workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.FAILED] == 1


def test_an_emptied_folder_is_watched_at_once_and_its_photos_are_missed(harness: DaemonHarness) -> None:
    photo = harness.workshop.photo("sub/a.png")
    with harness.running():
        harness.wait_for_pictures("sub/a--night.jpg")
    photo.unlink()
    with harness.running():
        harness.wait_for_ledger(lambda ledger: ledger.queries.photo_count() == 0, "the removed photo to be missed")
        harness.workshop.photo("b.png", shade=2)
        harness.wait_for_pictures("b--night.jpg", "sub/a--night.jpg")
    assert harness.notices("paused") == []
