"""The masks of a folder, as scans, events and the passing of time show them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from pipeline.config.settings import ingest_settings
from pipeline.errors import StorageError
from pipeline.hashing import sha256_of_file
from pipeline.intake.stability import StabilityResult, StabilityTimes, StabilityTracker
from pipeline.ledger import Ledger
from pipeline.model import Photo
from pipeline.runner.ingest.incremental import IncrementalIngest
from pipeline.runner.ingest.masks import PhotoMasks
from pipeline.runner.input_root import InputRoot
from pipeline.runner.instance.known_mounts import store_input_mount
from pipeline.runner.preparation import resolve_config
from tests.fakes import write_painting
from tests.scenarios.runner.test_masks import CONFIG
from tests.workshop import Workshop


def complete(files: Sequence[Photo]) -> StabilityResult:
    return StabilityResult(tuple(files), (), ())


@dataclass
class Desk:
    """Photos with masks, ingested change by change at the times of a clock."""

    workshop: Workshop
    ledger: Ledger
    now: float = 0.0

    def __post_init__(self) -> None:
        self.config = self.workshop.config()
        assert self.config.masks.folder is not None
        self.masks = self.config.masks.folder
        self.masks.mkdir()
        self.restart()

    def restart(self) -> None:
        folder, times = self.config.input.folder, StabilityTimes(2, 3600)
        self.ingest = IncrementalIngest(
            ingest_settings(self.config),
            resolve_config(self.config),
            self.ledger,
            StabilityTracker(folder, StabilityTimes(0, 3600)),
            InputRoot(folder),
            mask_tracker=StabilityTracker(self.masks, times, trust_times=False, clock=lambda: self.now),
        )

    def mask(self, name: str, white: int) -> Path:
        path = self.masks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (48, 32), white).save(path)
        return path

    def wanted(self) -> dict[str, str]:
        """Return the photos of the jobs that can be claimed, each with its mask's content."""
        claims = self.ledger.leases.claim(1000, "name")
        for claim in claims:
            self.ledger.leases.release(claim.token)
        found = {claim.job.photo: self.ledger.masks.of(claim.settings_sha256) for claim in claims}
        return {photo: "" if masked is None else masked.mask_sha256 for photo, masked in found.items()}


@pytest.fixture
def desk(workshop: Workshop) -> Iterator[Desk]:
    write_painting(workshop.folder / "wave.jpg", (20, 60, 200))
    workshop.text = CONFIG
    with workshop.ledger() as ledger:
        yield Desk(workshop, ledger)


def test_a_photo_waits_until_its_mask_has_settled(desk: Desk) -> None:
    desk.workshop.photo("a.png")
    mask = desk.mask("a.png", 51)
    assert desk.ingest.ingest_folder().set_aside == []
    assert desk.wanted() == {}
    assert desk.ingest.due() == []
    assert desk.ingest.seconds_left() == 2
    desk.now = 2.5
    assert desk.ingest.due() == ["a.png"]
    assert desk.ingest.ingest_paths(desk.ingest.due()).arrived
    assert desk.wanted() == {"a.png": sha256_of_file(mask)}
    assert (desk.ingest.due(), desk.ingest.seconds_left()) == ([], None)
    assert desk.ingest.ingest_folder().is_empty


def test_an_event_in_the_folder_of_masks_is_about_the_photo(desk: Desk) -> None:
    for number, name in enumerate(("trip/a.png", "trip/a.b.png", "b.png")):
        desk.workshop.photo(name, shade=number)
    desk.ingest.ingest_folder()
    assert set(desk.wanted().values()) == {""}
    mask = desk.mask("trip/a.png", 51)
    for path in ("masks/trip/a.png", "trip/a.png"):
        desk.ingest.ingest_paths([path])
        desk.now += 3
    assert desk.wanted() == {"trip/a.png": sha256_of_file(mask), "trip/a.b.png": "", "b.png": ""}
    mask.unlink()
    assert desk.ingest.ingest_paths(["masks/trip/a.png"]).arrived == 1
    assert desk.wanted()["trip/a.png"] == ""
    desk.mask("b.png", 51)
    desk.ingest.ingest_paths(["masks/b.png"])
    desk.now += 3
    assert desk.ingest.due() == ["b.png"]


def test_events_about_folders_of_masks_are_about_the_folders_of_photos(desk: Desk) -> None:
    desk.workshop.photo("trip/a.png")
    desk.ingest.ingest_folder()
    desk.mask("elsewhere/a.png", 51)
    for event in ("masks/trip", "masks"):
        (desk.masks / "elsewhere").rename(desk.masks / "trip")
        desk.ingest.ingest_paths([event])
        desk.now += 3
        desk.ingest.ingest_paths(desk.ingest.due())
        assert desk.wanted()["trip/a.png"]
        (desk.masks / "trip").rename(desk.masks / "elsewhere")
        desk.ingest.ingest_folder()
        assert desk.wanted()["trip/a.png"] == ""


def test_masks_outside_of_the_photos_folder_have_hints_of_their_own(workshop: Workshop) -> None:
    write_painting(workshop.folder / "wave.jpg", (20, 60, 200))
    workshop.text = CONFIG.replace("in/masks", "elsewhere")
    with workshop.ledger() as ledger:
        desk = Desk(workshop, ledger)
        for number, name in enumerate(("trip/a.png", "masks/a.png")):
            workshop.photo(name, shade=number)
        desk.ingest.ingest_folder()
        mask = desk.mask("trip/a.png", 51)
        for hint in ("/masks/trip/a.png", "/masks/trip", "/masks/"):
            desk.ingest.ingest_paths([hint])
            desk.now += 3
        assert desk.wanted() == {"trip/a.png": sha256_of_file(mask), "masks/a.png": ""}


def test_a_mask_is_read_once_whoever_asks(desk: Desk) -> None:
    desk.workshop.photo("a.png")
    sha256 = sha256_of_file(desk.mask("a.png", 51))
    for _ in range(2):
        desk.ingest.ingest_folder()
        desk.now += 3
    asked: list[Photo] = []
    masks = PhotoMasks(desk.masks, desk.ledger, lambda files: asked.extend(files) or complete(files))
    masks.scan()
    assert masks.examine(["a.png"]) == {}
    assert masks.sha256_of("a.png") == sha256
    assert asked == []  # what the ledger has is known at once, after a restart, too
    desk.restart()
    desk.ingest.ingest_folder()
    assert desk.wanted() == {"a.png": sha256}


def test_a_photo_that_is_gone_waits_for_nothing(desk: Desk) -> None:
    photo = desk.workshop.photo("a.png")
    desk.mask("a.png", 51)
    desk.ingest.ingest_folder()
    photo.unlink()
    desk.now = 3.0
    desk.ingest.ingest_paths(desk.ingest.due())
    assert (desk.ingest.due(), desk.ingest.seconds_left()) == ([], None)


def test_a_photo_whose_mask_stays_half_is_named_once(desk: Desk) -> None:
    desk.workshop.photo("a.png")
    mask = desk.mask("a.png", 51)
    mask.write_bytes(mask.read_bytes()[:-9])
    told = []
    for _ in range(4):
        told += desk.ingest.ingest_folder().set_aside
        desk.now += 3
    assert [(photo.path, photo.kind) for photo in told] == [("a.png", "incomplete")]
    assert [file.path for file in desk.ledger.incomplete.all()] == ["a.png"]
    desk.mask("a.png", 51)
    for _ in range(2):
        desk.ingest.ingest_folder()
        desk.now += 3
    assert desk.ledger.incomplete.all() == []
    assert list(desk.wanted()) == ["a.png"]


def test_names_are_compared_in_composed_form(desk: Desk) -> None:
    composed, decomposed = (unicodedata.normalize(form, "caf\u00e9.png") for form in ("NFC", "NFD"))
    desk.mask(decomposed, 51)
    masks = PhotoMasks(desk.masks, desk.ledger, complete)
    masks.scan()
    masks.examine([composed])
    assert masks.sha256_of(composed)
    assert masks.unused([composed]) == []
    masks.scan([composed])
    assert masks.sha256_of(composed)


def test_a_lost_disk_with_masks_is_no_deletion_of_masks(desk: Desk) -> None:
    masks = PhotoMasks(desk.masks, desk.ledger, complete)
    store_input_mount(desk.masks, desk.masks)  # a disk of their own, which is not mounted now
    with pytest.raises(StorageError, match=r"^masks\.folder: .* and nothing is mounted there now"):
        masks.scan()


def test_what_can_t_be_read_is_unknown_and_not_gone(desk: Desk) -> None:
    desk.mask("deep/" * 3 + "a.png", 51)
    masks = PhotoMasks(desk.masks, desk.ledger, complete)
    place = "/".join(["f"] * 201)
    os.makedirs(desk.masks / place)  # noqa: PTH103 - deeper than is scanned
    masks.scan()
    held = masks.examine([f"{place}/a.png", "deep/deep/deep/a.png", "b.png"])
    assert list(held) == [f"{place}/a.png"]
    assert "can't be read: check the permissions and the disk of" in held[f"{place}/a.png"]
