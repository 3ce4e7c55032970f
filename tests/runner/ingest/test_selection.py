"""Photos that the config leaves out: counted, remembered, and back as soon as the config wants them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image

from pipeline.config.settings import ingest_settings
from pipeline.images.properties import read_properties
from pipeline.intake.stability import StabilityTimes, StabilityTracker
from pipeline.ledger import Ledger
from pipeline.model import JobState, PhotoProperties, PhotoSetAside, PhotosSkipped
from pipeline.runner.ingest.archives import ArchiveIngest
from pipeline.runner.ingest.incremental import IncrementalIngest
from pipeline.runner.ingest.selection import PhotoSelection
from pipeline.runner.input_root import InputRoot
from pipeline.runner.preparation import resolve_config
from tests.fakes import write_photo
from tests.intake.packing import photo, zipped
from tests.workshop import CONFIG, Workshop

SKIP_SMALL = CONFIG.replace("settle_seconds: 0", "settle_seconds: 0, skip: {smaller_than: 40 px, suffixes: [.gif]}")
SMALL = {"icon.png": "smaller than 40 px"}


def icon(workshop: Workshop, name: str = "icon.png") -> Path:
    return write_photo(workshop.folder / "in" / name, size=(39, 32))


def a_gif(workshop: Workshop, name: str) -> None:
    Image.new("P", (300, 200)).save(workshop.folder / "in" / name)


def made(workshop: Workshop) -> list[str]:
    return [event.job.photo for event in workshop.finished()]


def spoil(path: Path) -> None:
    """Whoever opens the file from now on finds nothing, but it looks the same to a scan."""
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_skipped_photos_get_no_picture_and_are_counted_by_reason(workshop: Workshop) -> None:
    workshop.text = SKIP_SMALL
    workshop.photo("a.png")
    icon(workshop)
    a_gif(workshop, "b.gif")
    a_gif(workshop, "c.GIF")
    finished = workshop.run()
    counts = {"suffix .gif": 2, "smaller than 40 px": 1}
    assert made(workshop) == ["a.png"]
    assert (finished.photos_set_aside, finished.photos_skipped) == (0, counts)
    (told,) = (event for event in workshop.events if isinstance(event, PhotosSkipped))
    assert told == PhotosSkipped(
        counts, (("b.gif", "suffix .gif"), ("c.GIF", "suffix .gif"), ("icon.png", "smaller than 40 px")), 3
    )
    assert workshop.ledger().skipped.now() == told
    assert workshop.ledger().queries.photo_count() == 1


def test_each_run_says_how_many_are_skipped_and_opens_none_again(workshop: Workshop) -> None:
    workshop.text = SKIP_SMALL
    paths = [workshop.photo("a.png"), icon(workshop)]
    workshop.run()
    for path in paths:
        spoil(path)
    finished = workshop.run()
    assert (finished.finished, finished.photos_set_aside, finished.photos_skipped) == (
        0,
        0,
        {"smaller than 40 px": 1},
    )


def test_without_rules_nothing_is_opened_to_be_measured(workshop: Workshop) -> None:
    icon(workshop)
    finished = workshop.run()
    assert (finished.finished, finished.photos_skipped) == (1, {})
    assert workshop.ledger().file_facts.of([], whole=True) == {}
    query = "SELECT count(*) FROM sqlite_master WHERE name = 'file_facts'"
    assert workshop.ledger()._store.connection.execute(query).fetchone() == (0,)


def test_a_photo_that_was_skipped_is_painted_when_the_rule_is_gone(workshop: Workshop) -> None:
    workshop.text = SKIP_SMALL
    icon(workshop)
    workshop.run()
    workshop.text = CONFIG
    finished = workshop.run()
    assert (made(workshop), finished.photos_skipped) == (["icon.png"], {})


def test_a_photo_that_is_skipped_now_keeps_its_picture(workshop: Workshop) -> None:
    icon(workshop)
    workshop.photo("a.png")
    workshop.run()
    workshop.text = SKIP_SMALL
    finished = workshop.run()
    assert (finished.finished, finished.photos_skipped) == (0, {"smaller than 40 px": 1})
    assert [event for event in workshop.events if isinstance(event, PhotoSetAside)] == []
    assert workshop.pictures() == ["a--night.jpg", "icon--night.jpg"]
    with workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.DONE] == 2
        assert ledger.cleanup.withdrawn() == []
    workshop.text = CONFIG
    assert workshop.run().finished == 0, "it was made already"


def test_another_rule_about_what_is_known_opens_nothing(workshop: Workshop) -> None:
    workshop.text = SKIP_SMALL
    path = workshop.photo("a.png")
    workshop.run()
    spoil(path)
    workshop.text = SKIP_SMALL.replace("40 px", "49 px")
    assert workshop.run().photos_skipped == {"smaller than 49 px": 1}


def test_the_rules_hold_in_archives_and_change_with_the_config(workshop: Workshop) -> None:
    workshop.text = SKIP_SMALL
    small = icon(workshop)
    members = (("1.png", photo(1)), ("icon.png", small.read_bytes()), ("x.gif", b"damaged"))
    small.unlink()
    archive = workshop.folder / "in" / "trip.zip"
    archive.write_bytes(zipped(*members))
    counts = {"smaller than 40 px": 1, "suffix .gif": 1}
    assert (workshop.run().photos_skipped, made(workshop)) == (counts, ["trip.zip/1.png"])
    assert [event for event in workshop.events if isinstance(event, PhotoSetAside)] == []
    data = archive.read_bytes()
    spoil(archive)
    assert workshop.run().photos_skipped == counts, "it is not opened again"
    status = archive.stat()
    archive.write_bytes(data)
    os.utime(archive, ns=(status.st_atime_ns, status.st_mtime_ns))
    workshop.text = CONFIG
    workshop.run()
    assert made(workshop) == ["trip.zip/icon.png"]
    workshop.text = SKIP_SMALL
    assert (workshop.run().photos_skipped, made(workshop)) == (counts, [])
    assert workshop.pictures() == ["trip.zip/1--night.jpg", "trip.zip/icon--night.jpg"]


def test_a_photo_that_can_t_be_read_is_not_skipped_but_set_aside(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace("settle_seconds: 0", "settle_seconds: 0, skip: {without_camera: true}")
    damaged = workshop.photo("a.png")
    data = bytearray(damaged.read_bytes())
    data[16:24] = bytes(8)  # 0 × 0 pixels
    damaged.write_bytes(data)
    finished = workshop.run()
    assert (finished.photos_skipped, finished.photos_set_aside) == ({}, 1)


def test_the_plan_says_it_and_changes_nothing(workshop: Workshop) -> None:
    workshop.text = SKIP_SMALL
    workshop.photo("a.png")
    icon(workshop)
    workshop.run()
    workshop.text = CONFIG
    assert [job.job.photo for job in workshop.plan().jobs] == ["icon.png"]
    workshop.text = SKIP_SMALL
    icon(workshop, "b/icon2.png")
    assert dict(workshop.plan().ingested.skipped_photos) == SMALL | {"b/icon2.png": "smaller than 40 px"}
    assert workshop.ledger().skipped.now().new == tuple(SMALL.items())


# --- a folder that is watched ---------------------------------------------------------------------------------


class Watched:
    """A folder that is watched, and the photos that are opened to be measured."""

    def __init__(self, workshop: Workshop, ledger: Ledger) -> None:
        config = workshop.config()
        settings = ingest_settings(config)
        self.opened: list[str] = []
        archives = ArchiveIngest(settings, ledger, PhotoSelection(settings, ledger, self._read))
        tracker = StabilityTracker(config.input.folder, StabilityTimes(0, 3600), examine=archives.examine)
        self.ingest = IncrementalIngest(
            settings, resolve_config(config), ledger, tracker, InputRoot(config.input.folder), archives=archives
        )

    def _read(self, path: str, file: BinaryIO) -> PhotoProperties:
        self.opened.append(path)
        return read_properties(file)


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_photo_is_opened_once_and_told_once(workshop: Workshop, everywhere: bool) -> None:
    workshop.text = SKIP_SMALL
    workshop.photo("a.png")
    with workshop.ledger() as ledger:
        watched = Watched(workshop, ledger)
        first = watched.ingest.ingest_folder()
        assert (first.photos, first.skipped_event(), watched.opened) == (1, None, ["a.png"])
        icon(workshop)

        def ingest() -> tuple[int, PhotosSkipped | None]:
            changes = watched.ingest.ingest_folder() if everywhere else watched.ingest.ingest_paths(["icon.png"])
            assert (changes.arrived, changes.gone, changes.set_aside) == (0, 0, [])
            return changes.photos, changes.skipped_event()

        seen = 1 if everywhere else 0
        assert ingest() == (seen, PhotosSkipped({"smaller than 40 px": 1}, tuple(SMALL.items()), 1))
        assert ingest() == (seen, None)
        assert watched.opened == ["a.png", "icon.png"]
        assert ledger.skipped.now().counts == {"smaller than 40 px": 1}
        assert Watched(workshop, ledger).ingest.ingest_folder().skipped_event() is not None, "another start says so"


def test_a_pending_photo_that_becomes_small_is_not_called_removed(workshop: Workshop) -> None:
    workshop.text = SKIP_SMALL
    workshop.photo("icon.png")
    with workshop.ledger() as ledger:
        watched = Watched(workshop, ledger)
        assert watched.ingest.ingest_folder().arrived == 1
        icon(workshop)
        changes = watched.ingest.ingest_paths(["icon.png"])
        assert (changes.set_aside, changes.skipped_photos) == ([], SMALL)
        assert ledger.queue.pending_count() == 0
        workshop.photo("icon.png", shade=1)
        changes = watched.ingest.ingest_paths(["icon.png"])
        assert (changes.arrived, changes.skipped_photos) == (1, {})
        assert ledger.queue.pending_count() == 1
        assert ledger.skipped.now().counts == {}


def test_what_is_skipped_elsewhere_stays_counted_when_a_folder_goes(workshop: Workshop) -> None:
    workshop.text = SKIP_SMALL
    a_gif(workshop, "a.gif")
    lost = icon(workshop, "sub/icon.png")
    with workshop.ledger() as ledger:
        watched = Watched(workshop, ledger)
        watched.ingest.ingest_folder()
        lost.unlink()
        changes = watched.ingest.ingest_paths(["sub"])
        assert changes.skipped_photos == {"a.gif": "suffix .gif"}
        assert ledger.skipped.now().counts == {"suffix .gif": 1}


def test_what_an_older_program_recorded_is_measured_once(workshop: Workshop) -> None:
    """Or this one, before there were rules."""
    workshop.photo("a.png")
    icon(workshop)
    workshop.run()
    workshop.text = SKIP_SMALL
    with workshop.ledger() as ledger:
        watched = Watched(workshop, ledger)
        changes = watched.ingest.ingest_folder()
        assert (changes.skipped_photos, changes.set_aside) == (SMALL, [])
        watched.ingest.ingest_folder()
        assert sorted(watched.opened) == ["a.png", "icon.png"]
