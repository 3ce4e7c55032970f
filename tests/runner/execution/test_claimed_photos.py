"""The file of a claimed photo is found and hashed, or the job fails for a reason."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.hashing import sha256_of_file
from pipeline.ledger import Ledger
from pipeline.model import Failure, FailureKind
from pipeline.runner.execution.claimed_photos import ClaimedPhotos, PhotoUnavailableError
from pipeline.runner.failure_cause import FailureCause
from pipeline.runner.ingest.unpacked_photos import UnpackedPhotos
from pipeline.runner.input_root import InputRoot
from tests.fakes import write_photo
from tests.runner.execution.claimed import claim_all
from tests.workshop import Workshop


@dataclass
class Desk:
    workshop: Workshop
    ledger: Ledger
    photos: ClaimedPhotos

    def failure_after(self, event: Callable[[], object]) -> Failure:
        """Return the failure of a photo to which something happens between claim and reading."""
        (claim,) = claim_all(self.workshop, self.ledger)
        event()
        with pytest.raises(PhotoUnavailableError) as caught:
            self.photos.sha256(claim)
        assert caught.value.claim == claim
        return caught.value.failure


@pytest.fixture
def desk(workshop: Workshop, tmp_path: Path) -> Iterator[Desk]:
    root = InputRoot(workshop.folder / "in")
    with workshop.ledger() as ledger, closing(UnpackedPhotos(tmp_path / "unpacked", 1_000_000)) as unpacked:
        yield Desk(workshop, ledger, ClaimedPhotos(ledger, root, unpacked, FailureCause(root, workshop.out)))


def test_the_hash_is_read_once_and_put_on_record(desk: Desk) -> None:
    photo = desk.workshop.photo("a.png")
    (claim,) = claim_all(desk.workshop, desk.ledger)
    assert claim.photo_sha256 is None
    assert desk.photos.sha256(claim) == sha256_of_file(photo)
    assert desk.photos.path(claim) == photo
    desk.ledger.leases.release(claim.token)
    (again,) = desk.ledger.leases.claim(1, "name")
    assert again.photo_sha256 == sha256_of_file(photo)
    assert desk.photos.sha256(again) == sha256_of_file(photo)


def test_a_photo_in_an_archive_is_taken_out_of_it(desk: Desk, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png")
    with zipfile.ZipFile(desk.workshop.folder / "in" / "trip.zip", "w") as archive:
        archive.write(photo, "a.png")
    (claim,) = claim_all(desk.workshop, desk.ledger)
    assert desk.photos.sha256(claim) == sha256_of_file(photo)
    assert desk.photos.path(claim).parent == tmp_path / "unpacked"
    assert desk.photos.path(claim).read_bytes() == photo.read_bytes()


def test_an_archive_that_was_replaced_has_changed(desk: Desk, tmp_path: Path) -> None:
    trip = desk.workshop.folder / "in" / "trip.zip"
    with zipfile.ZipFile(trip, "w") as archive:
        archive.write(write_photo(tmp_path / "a.png"), "a.png")
    failure = desk.failure_after(lambda: trip.write_bytes(trip.read_bytes() + b"more"))
    assert failure.kind is FailureKind.CHANGED


def test_a_photo_that_was_replaced_has_changed(desk: Desk) -> None:
    desk.workshop.photo("a.png")
    failure = desk.failure_after(lambda: desk.workshop.photo("a.png", shade=9))
    assert failure.kind is FailureKind.CHANGED


def test_a_photo_that_was_deleted_is_gone(desk: Desk) -> None:
    photo = desk.workshop.photo("a.png")
    assert desk.failure_after(photo.unlink).kind is FailureKind.GONE


def test_a_folder_that_is_gone_is_no_photos_fault(desk: Desk) -> None:
    desk.workshop.photo("a.png")
    (claim,) = claim_all(desk.workshop, desk.ledger)
    (desk.workshop.folder / "in").rename(desk.workshop.folder / "away")
    with pytest.raises(StorageError, match="no photo is treated as deleted"):
        desk.photos.sha256(claim)
