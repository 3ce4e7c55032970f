from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.config.settings import ingest_settings
from pipeline.errors import StorageError
from pipeline.ledger import Claim, Ledger
from pipeline.runner.execution.publishing import (
    Publisher,
    copy_durably,
    make_output_folder,
    part_path,
    pixel_evaluations,
    sha256_if_there,
)
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.preparation import resolve_config
from tests.workshop import Workshop

PICTURE = b"a finished picture"


@dataclass
class Scene:
    """One leased job, its temporary file written."""

    out: Path
    ledger: Ledger
    claim: Claim

    def publish(self, predecessor: bytes | None = None) -> str:
        published_sha256 = None if predecessor is None else hashlib.sha256(predecessor).hexdigest()
        claim = replace(self.claim, published_sha256=published_sha256)
        return Publisher(self.ledger, self.out).publish(claim, "k", hashlib.sha256(PICTURE).hexdigest())

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.out.iterdir() if path.is_file()}


@pytest.fixture
def scene(workshop: Workshop) -> Iterator[Scene]:
    workshop.photo("a.png")
    config = workshop.config()
    with workshop.ledger() as ledger:
        ingest(ingest_settings(config), resolve_config(config), ledger, sleep=lambda _: None)
        (claim,) = ledger.leases.claim(1, "name")
        part_path(workshop.out, claim.output, claim.token).write_bytes(PICTURE)
        yield Scene(workshop.out, ledger, claim)


def test_the_temporary_file_lies_beside_its_destination(tmp_path: Path) -> None:
    assert part_path(tmp_path, "trip/a--night.jpg", "t1") == tmp_path / "trip" / ".stylewatch-t1.part"


def test_a_free_name_is_taken(scene: Scene) -> None:
    assert scene.publish() == "a--night.jpg"
    assert scene.files() == {"a--night.jpg": PICTURE}


def test_every_name_that_is_somebody_elses_is_passed_by(scene: Scene) -> None:
    for name in ("a--night.jpg", "a--night-2.jpg", "a--night-3.jpg"):
        (scene.out / name).write_bytes(name.encode())
    assert scene.publish() == "a--night-4.jpg"
    files = scene.files()
    assert files.pop("a--night-4.jpg") == PICTURE
    assert all(content == name.encode() for name, content in files.items())
    assert [row.output for row in scene.ledger.queries.finished()] == ["a--night-4.jpg"]


def test_our_own_unchanged_predecessor_is_replaced(scene: Scene) -> None:
    (scene.out / "a--night.jpg").write_bytes(b"the predecessor")
    assert scene.publish(b"the predecessor") == "a--night.jpg"
    assert scene.files() == {"a--night.jpg": PICTURE}


def test_a_predecessor_that_the_user_changed_stays(scene: Scene) -> None:
    (scene.out / "a--night.jpg").write_bytes(b"retouched")
    assert scene.publish(b"the predecessor") == "a--night-2.jpg"
    assert scene.files() == {"a--night.jpg": b"retouched", "a--night-2.jpg": PICTURE}


def test_a_predecessor_that_the_user_deleted_makes_room(scene: Scene) -> None:
    assert scene.publish(b"the predecessor") == "a--night.jpg"


def test_a_folder_under_the_name_is_somebody_elses_too(scene: Scene) -> None:
    (scene.out / "a--night.jpg").mkdir()
    assert scene.publish() == "a--night-2.jpg"


def test_a_lost_temporary_file_is_trouble_with_the_disk(scene: Scene) -> None:
    part_path(scene.out, scene.claim.output, scene.claim.token).unlink()
    with pytest.raises(StorageError):
        scene.publish()
    assert list(scene.ledger.queries.finished()) == []


def test_a_folder_that_cant_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file can't be made.*output\.folder"):
        make_output_folder(tmp_path / "file")


def test_a_copy_has_the_same_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(PICTURE)
    copy_durably(tmp_path / "a", tmp_path / "b")
    assert sha256_if_there(tmp_path / "b") == hashlib.sha256(PICTURE).hexdigest()
    assert sha256_if_there(tmp_path / "nowhere") is None


def test_work_is_counted_in_pixels_times_evaluations_over_all_scales() -> None:
    sizes = (64, 128, 256)
    assert pixel_evaluations(sizes, (8, 4, 2), 160) == 160 / 16 * 8 + 160 / 4 * 4 + 160 * 2
    assert pixel_evaluations(sizes, (8,), 160) == 160 / 16 * 8
