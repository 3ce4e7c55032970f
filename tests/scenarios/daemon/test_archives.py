"""Archives dropped into a watched folder, while the daemon runs."""

from __future__ import annotations

import gzip

from pipeline.model import JobState
from pipeline.runner.planning.run_plan import plan_run
from tests.daemon.station import Station
from tests.intake.packing import photo, tarred, zipped


def put(station: Station, name: str, data: bytes) -> None:
    fresh = station.folder / "fresh.tmp"
    fresh.write_bytes(data)
    fresh.replace(station.folder / name)


def test_an_archive_is_opened_once_it_is_complete_and_again_when_it_is_replaced(station: Station) -> None:
    with station.working():
        put(station, "trip.zip", zipped(("1.png", photo(1)), ("2.png", photo(2)))[:-9])
        station.wait_for(lambda: ("trip.zip", "incomplete") in station.set_aside(), "the cut archive to be noticed")
        put(station, "trip.zip", zipped(("1.png", photo(1)), ("2.png", photo(2))))
        station.wait_for_pictures("trip.zip/1--night.jpg", "trip.zip/2--night.jpg")
        put(station, "trip.zip", zipped(("2.png", photo(8)), ("3.png", photo(3))))
        station.wait_for_pictures("trip.zip/1--night.jpg", "trip.zip/2--night.jpg", "trip.zip/3--night.jpg")
        station.wait_for(lambda: station.finished().count("trip.zip/2.png") == 2, "the second picture again")
    assert sorted(station.finished()) == [f"trip.zip/{n}.png" for n in (1, 2, 2, 3)]


def test_a_restarted_daemon_leaves_known_archives_alone_and_finds_new_ones(station: Station) -> None:
    put(station, "a.tgz", gzip.compress(tarred(("1.png", photo(1)), ("../x.png", photo(2)), ("bad.png", b"no"))))
    with station.working():
        station.wait_for_pictures("a.tgz/1--night.jpg")
    assert station.set_aside() == [("a.tgz/bad.png", "quarantined"), ("a.tgz", "quarantined")]
    put(station, "b.tar", tarred(("1.png", photo(4))))
    with station.working():
        station.wait_for_pictures("a.tgz/1--night.jpg", "b.tar/1--night.jpg")
    assert len(station.set_aside()) == 2
    assert sorted(station.finished()) == ["a.tgz/1.png", "b.tar/1.png"]


def test_a_removed_archive_takes_its_photos_with_it(station: Station) -> None:
    put(station, "a.zip", zipped(("1.png", photo(1)), ("deadly.png", photo(2))))
    with station.working():
        station.wait_for_pictures("a.zip/1--night.jpg")
        (station.folder / "a.zip").unlink()
        station.wait_for_ledger(
            lambda ledger: ledger.queries.counts()[JobState.WITHDRAWN] == 1, "the photo to be gone"
        )
    assert plan_run(station.workshop.config()).jobs == ()


def test_retried_photos_of_archives_are_looked_at_again_and_not_taken_for_gone(station: Station) -> None:
    put(station, "a.zip", zipped(("1.png", photo(1)), ("bad.png", b"no photo")))
    with station.working():
        station.wait_for_pictures("a.zip/1--night.jpg")
        with station.workshop.ledger() as ledger:
            ledger.jobs.retry(["a.zip/bad.png"])
    with station.working():
        station.wait_for(lambda: len(station.set_aside()) == 2, "the photo to be refused again")
    assert station.set_aside() == [("a.zip/bad.png", "quarantined")] * 2


def test_moved_originals_leave_archives_where_they_are(station: Station) -> None:
    station.workshop.text = station.workshop.text.replace("folder: in,", "folder: in, originals: {move: done},")
    put(station, "a.zip", zipped(("1.png", photo(1))))
    station.workshop.photo("b.png", shade=9)
    with station.working():
        station.wait_for_pictures("a.zip/1--night.jpg", "b--night.jpg")
        station.wait_for(lambda: (station.workshop.folder / "done" / "b.png").exists(), "the photo to be moved")
    assert (station.folder / "a.zip").exists()
