"""Photos that the config leaves out: counted, remembered, and back as soon as the config wants them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
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


# --- camera raw beside its JPEG -------------------------------------------------------------------------------

RAW = "settle_seconds: 0, raw: {}"


def put_raw(workshop: Workshop, name: str, shade: int = 0) -> Path:
    """Write a file that is named like a camera raw. As most of these it is a TIFF, but one that any decoder reads."""
    path = workshop.folder / "in" / name
    with Image.open(io.BytesIO(photo(shade))) as image:
        image.save(path, "TIFF")
    return path


def with_choice(workshop: Workshop, choice: str) -> Workshop:
    workshop.text = CONFIG.replace("settle_seconds: 0", RAW.format(choice))
    return workshop


@contextmanager
def watched(workshop: Workshop, *, reads_raw: bool = True) -> Iterator[tuple[IncrementalIngest, Ledger]]:
    config = workshop.config()
    settings = ingest_settings(config)
    with workshop.ledger() as ledger:
        archives = ArchiveIngest(settings, ledger, PhotoSelection(settings, ledger, reads_raw=reads_raw))
        tracker = StabilityTracker(config.input.folder, StabilityTimes(0, 3600), examine=archives.examine)
        resolved, root = resolve_config(config), InputRoot(config.input.folder)
        yield IncrementalIngest(settings, resolved, ledger, tracker, root, archives=archives), ledger


def pending(ledger: Ledger) -> list[str]:
    claims = ledger.leases.claim(1000, "name")
    for claim in claims:
        ledger.leases.release(claim.token)
    return [claim.job.photo for claim in claims]


@pytest.mark.parametrize(
    ("choice", "taken", "skipped"),
    [
        ("prefer_jpeg", ["1.png", "2.CR2"], {"1.CR2": "raw beside its PNG", "1.dng": "raw beside its PNG"}),
        ("prefer_raw", ["1.CR2", "1.dng", "1.png", "2.CR2"], {}),
        ("both", ["1.CR2", "1.dng", "1.png", "2.CR2"], {}),
    ],
)
def test_a_raw_beside_its_jpeg_counts_once(workshop: Workshop, choice: str, taken: list, skipped: dict) -> None:
    with_choice(workshop, choice).photo("1.png")
    for number, name in enumerate(("1.CR2", "1.dng", "2.CR2")):
        put_raw(workshop, name, number)
    with watched(workshop) as (ingest, ledger):
        changes = ingest.ingest_folder()
        assert (pending(ledger), changes.skipped_photos, changes.photos) == (taken, skipped, len(taken))


def test_a_jpeg_is_left_out_for_its_raw(workshop: Workshop) -> None:
    with_choice(workshop, "prefer_raw").photo("1.jpg")
    put_raw(workshop, "1.CR2")
    with watched(workshop) as (ingest, ledger):
        assert ingest.ingest_folder().skipped_photos == {"1.jpg": "JPEG beside its raw"}
        assert pending(ledger) == ["1.CR2"]
        (workshop.folder / "in" / "1.CR2").unlink()
        ingest.ingest_paths(["1.CR2"])
        assert pending(ledger) == ["1.jpg"]


@pytest.mark.parametrize("choice", ["prefer_jpeg", "prefer_raw"])
def test_without_the_library_raws_are_counted_and_no_jpeg_is_left_out(workshop: Workshop, choice: str) -> None:
    with_choice(workshop, choice).photo("1.jpg")
    put_raw(workshop, "1.CR2")
    (workshop.folder / "in" / "2.CR2").write_bytes(b"what nobody opens")
    with watched(workshop, reads_raw=False) as (ingest, ledger):
        changes = ingest.ingest_folder()
        assert (pending(ledger), changes.set_aside) == (["1.jpg"], [])
        assert changes.skipped_photos["1.CR2"] == "raw beside its JPEG"
        assert 'pip install "stylewatch[raw]"' in changes.skipped_photos["2.CR2"]
    put_raw(workshop, "2.CR2", 2)
    with watched(with_choice(workshop, "prefer_jpeg")) as (ingest, ledger):
        ingest.ingest_folder()
        assert pending(ledger) == ["1.jpg", "2.CR2"], "once it is installed"


def test_a_jpeg_that_comes_after_its_raw_takes_its_place(workshop: Workshop) -> None:
    put_raw(workshop, "IMG_1.CR2")
    with watched(workshop) as (ingest, ledger):
        ingest.ingest_paths(["IMG_1.CR2"])
        assert pending(ledger) == ["IMG_1.CR2"]
        jpeg = workshop.photo("img_1.jpg")
        whole = jpeg.read_bytes()
        jpeg.write_bytes(whole[:30])  # as while it is copied
        changes = ingest.ingest_paths(["img_1.jpg"])
        assert (pending(ledger), [event.kind for event in changes.set_aside]) == ([], ["incomplete"])
        jpeg.write_bytes(whole)
        ingest.ingest_paths(["img_1.jpg"])
        assert pending(ledger) == ["img_1.jpg"]
        jpeg.unlink()
        assert [event.path for event in ingest.ingest_paths(["img_1.jpg"]).set_aside] == ["img_1.jpg"]
        assert pending(ledger) == ["IMG_1.CR2"], "it is alone again"


def test_a_raw_that_is_still_written_is_forgotten_when_its_jpeg_comes(workshop: Workshop) -> None:
    """Else it would be due to be examined again and again."""
    raw = put_raw(workshop, "1.CR2")
    raw.write_bytes(raw.read_bytes()[:20])
    with watched(workshop) as (ingest, _):
        ingest.ingest_folder()
        assert ingest.seconds_left() is not None
        workshop.photo("1.jpg")
        ingest.ingest_paths(["1.jpg"])
        assert ingest.seconds_left() is None


def test_raws_in_archives_count_once_too_and_the_choice_may_change(workshop: Workshop) -> None:
    raw = put_raw(workshop, "x.tif").read_bytes()
    (workshop.folder / "in" / "x.tif").unlink()
    members = (("a/1.CR2", raw), ("a/1.png", photo(1)), ("b/1.CR2", raw))
    (workshop.folder / "in" / "trip.zip").write_bytes(zipped(*members))
    with watched(workshop) as (ingest, ledger):
        assert ingest.ingest_folder().skipped_photos == {"trip.zip/a/1.CR2": "raw beside its PNG"}
        assert pending(ledger) == ["trip.zip/a/1.png", "trip.zip/b/1.CR2"]
        assert ingest.ingest_folder().is_empty
    with watched(with_choice(workshop, "both")) as (ingest, ledger):
        ingest.ingest_folder()
        assert pending(ledger) == ["trip.zip/a/1.CR2", "trip.zip/a/1.png", "trip.zip/b/1.CR2"]


def test_an_archive_without_raws_that_an_older_program_knew_is_not_opened_without_the_library(
    workshop: Workshop,
) -> None:
    archive = workshop.folder / "in" / "trip.zip"
    archive.write_bytes(zipped(("1.png", photo(1))))
    with watched(workshop, reads_raw=False) as (ingest, ledger):
        ingest.ingest_folder()
        assert ledger.file_facts.of([], whole=True) == {}
    spoil(archive)
    with watched(workshop, reads_raw=False) as (ingest, ledger):
        assert ingest.ingest_folder().set_aside == []
        assert pending(ledger) == ["trip.zip/1.png"]


def test_the_raw_of_a_jpeg_that_an_older_program_moved_away_is_not_painted(workshop: Workshop) -> None:
    workshop.photo("1.png")
    put_raw(workshop, "1.CR2")
    put_raw(workshop, "11.CR2", 1)
    with watched(workshop) as (ingest, ledger):
        ingest.ingest_folder()
        ledger.photos.note_sha256("1.png", "as it is known of what is moved")
        ledger.moves.begin("1.png", str(workshop.folder / "done" / "1.png"))
        (workshop.folder / "in" / "1.png").unlink()
        assert ingest.ingest_folder().skipped_photos == {"1.CR2": "raw beside its PNG"}, "while it is moved"
        ledger.moves.end("1.png")
        assert ingest.ingest_folder().skipped_photos == {"1.CR2": "raw whose JPEG was moved"}
        assert pending(ledger) == ["11.CR2"]


def test_a_jpeg_whose_raw_is_being_moved_is_not_painted_in_that_moment(workshop: Workshop) -> None:
    with_choice(workshop, "prefer_raw").photo("1.jpg")
    raw = put_raw(workshop, "1.CR2")
    with watched(workshop) as (ingest, ledger):
        ingest.ingest_folder()
        ledger.photos.note_sha256("1.CR2", "as it is known of what is moved")
        ledger.moves.begin("1.CR2", str(workshop.folder / "done" / "1.CR2"))
        raw.unlink()
        assert ingest.ingest_folder().skipped_photos == {"1.jpg": "JPEG beside its raw"}
        assert "1.jpg" not in pending(ledger)


def test_rules_about_size_do_not_see_a_raws_preview(workshop: Workshop) -> None:
    workshop.text = CONFIG.replace(
        "settle_seconds: 0", "settle_seconds: 0, skip: {smaller_than: 4000, without_camera: true, screenshots: true}"
    )
    put_raw(workshop, "1.CR2")
    with watched(workshop) as (ingest, ledger):
        assert ingest.ingest_folder().skipped_photos == {}
        assert pending(ledger) == ["1.CR2"]
