"""Archives dropped into a watched folder, while the daemon runs."""

from __future__ import annotations

import gzip

from pipeline.model import JobState
from tests.daemon.harness import DaemonHarness
from tests.intake.packing import photo, tarred, zipped


def put(harness: DaemonHarness, name: str, data: bytes) -> None:
    fresh = harness.folder / "fresh.tmp"
    fresh.write_bytes(data)
    fresh.replace(harness.folder / name)


def test_an_archive_is_opened_once_it_is_complete_and_again_when_it_is_replaced(harness: DaemonHarness) -> None:
    with harness.running():
        put(harness, "trip.zip", zipped(("1.png", photo(1)), ("2.png", photo(2)))[:-9])
        harness.wait_for(lambda: ("trip.zip", "incomplete") in harness.set_aside(), "the cut archive to be noticed")
        put(harness, "trip.zip", zipped(("1.png", photo(1)), ("2.png", photo(2))))
        harness.wait_for_pictures("trip.zip/1--night.jpg", "trip.zip/2--night.jpg")
        put(harness, "trip.zip", zipped(("2.png", photo(8)), ("3.png", photo(3))))
        harness.wait_for_pictures("trip.zip/1--night.jpg", "trip.zip/2--night.jpg", "trip.zip/3--night.jpg")
        harness.wait_for(lambda: harness.finished().count("trip.zip/2.png") == 2, "the second picture again")
    assert sorted(harness.finished()) == [f"trip.zip/{n}.png" for n in (1, 2, 2, 3)]


def test_a_restarted_daemon_leaves_known_archives_alone_and_finds_new_ones(harness: DaemonHarness) -> None:
    put(harness, "a.tgz", gzip.compress(tarred(("1.png", photo(1)), ("../x.png", photo(2)), ("bad.png", b"no"))))
    with harness.running():
        harness.wait_for_pictures("a.tgz/1--night.jpg")
    assert harness.set_aside() == [("a.tgz/bad.png", "quarantined"), ("a.tgz", "quarantined")]
    put(harness, "b.tar", tarred(("1.png", photo(4))))
    with harness.running():
        harness.wait_for_pictures("a.tgz/1--night.jpg", "b.tar/1--night.jpg")
    assert len(harness.set_aside()) == 2
    assert sorted(harness.finished()) == ["a.tgz/1.png", "b.tar/1.png"]


def test_a_removed_archive_takes_its_photos_with_it(harness: DaemonHarness) -> None:
    put(harness, "a.zip", zipped(("1.png", photo(1)), ("deadly.png", photo(2))))
    with harness.running():
        harness.wait_for_pictures("a.zip/1--night.jpg")
        (harness.folder / "a.zip").unlink()
        harness.wait_for_ledger(
            lambda ledger: ledger.queries.counts()[JobState.WITHDRAWN] == 1, "the photo to be gone"
        )
    assert harness.workshop.plan().jobs == ()


def test_retried_photos_of_archives_are_looked_at_again_and_not_taken_for_gone(harness: DaemonHarness) -> None:
    put(harness, "a.zip", zipped(("1.png", photo(1)), ("bad.png", b"no photo")))
    with harness.running():
        harness.wait_for_pictures("a.zip/1--night.jpg")
        with harness.workshop.ledger() as ledger:
            ledger.jobs.retry(["a.zip/bad.png"])
    with harness.running():
        harness.wait_for(lambda: len(harness.set_aside()) == 2, "the photo to be refused again")
    assert harness.set_aside() == [("a.zip/bad.png", "quarantined")] * 2


def test_moved_originals_leave_archives_where_they_are(harness: DaemonHarness) -> None:
    harness.workshop.text = harness.workshop.text.replace("folder: in,", "folder: in, originals: {move: done},")
    put(harness, "a.zip", zipped(("1.png", photo(1))))
    harness.workshop.photo("b.png", shade=9)
    with harness.running():
        harness.wait_for_pictures("a.zip/1--night.jpg", "b--night.jpg")
        harness.wait_for(lambda: (harness.workshop.folder / "done" / "b.png").exists(), "the photo to be moved")
    assert (harness.folder / "a.zip").exists()
