from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.engine.events import Places
from pipeline.engine.faces.face_map import Face
from pipeline.hashing import sha256_of_file
from pipeline.images.decode import DecodedPhoto
from pipeline.images.metadata import Metadata
from pipeline.model import Assignment, FailureKind, Mask, Recipe, Region, Style
from pipeline.worker.claimed_content import UnusableFileError
from pipeline.worker.places import places_of, with_faces
from tests.worker.test_worker import an_assignment

NIGHT, WAVE = Style("night", ()), Style("wave", ())
SPLIT = Style("split", (), regions=(Region("#ffffff", NIGHT), Region("#000000", WAVE)))


def photo_of(width: int, height: int) -> DecodedPhoto:
    return DecodedPhoto(np.zeros((height, width, 3), np.uint8), None, Metadata())


def assignment_with(mask: Path, style: Style = SPLIT) -> Assignment:
    return an_assignment(mask, style=style, mask=Mask(mask, sha256_of_file(mask)))  # which photo does not matter


@pytest.fixture
def mask(tmp_path: Path) -> Callable[[int, int], Path]:
    """Write a mask of some size whose left half is white."""

    def write(width: int, height: int) -> Path:
        image = Image.new("L", (width, height))
        image.paste(255, (0, 0, width // 2, height))
        image.save(tmp_path / "sea.png")
        return tmp_path / "sea.png"

    return write


def refusal(assignment: Assignment, photo: DecodedPhoto) -> tuple[FailureKind, str]:
    with pytest.raises(UnusableFileError) as caught:
        places_of(assignment, photo)
    return caught.value.kind, str(caught.value)


def test_regions_are_brought_to_the_size_of_the_photo(mask: Callable[[int, int], Path]) -> None:
    found = places_of(assignment_with(mask(80, 60)), photo_of(8, 6))
    assert isinstance(found, Places)
    white, black = found.regions
    assert white.dtype == np.float32
    assert white.tolist() == [[1, 1, 1, 1, 0, 0, 0, 0]] * 6
    assert (white + black).min() == 1


def test_nothing_differs_by_place_without_a_mask_or_without_regions(mask: Callable[[int, int], Path]) -> None:
    assignment = assignment_with(mask(80, 60))
    assert places_of(replace(assignment, mask=None), photo_of(8, 6)) is None
    assert places_of(replace(assignment, style=NIGHT), photo_of(8, 6)) is None


def test_faces_are_added_to_what_a_mask_says_and_to_nothing() -> None:
    photo, keeping = photo_of(8, 6), Recipe(keep_faces=1)
    share = np.ones((6, 8), np.float32)

    def one_face(_: object) -> tuple[Face, ...]:
        return (Face(4, 3, 4, 4, 0.9),)

    for masked in (None, Places((share,))):
        found, notes = with_faces(masked, keeping, photo, one_face)
        assert found is not None
        assert found.guarded is not None
        assert (found.guarded.shape, found.guarded.max()) == ((6, 8), 1)
        assert found.regions == (() if masked is None else masked.regions)
        assert notes == ("keep_faces: 1 face was found and kept by 1",)
        assert with_faces(masked, keeping, photo, lambda _: ()) == (masked, ("keep_faces: no face was found",))
        assert with_faces(masked, Recipe(), photo, one_face) == (masked, ())


def test_small_differences_of_proportions_are_rounding(mask: Callable[[int, int], Path]) -> None:
    for width, height in ((300, 200), (304, 200), (297, 200)):
        assert places_of(assignment_with(mask(width, height)), photo_of(512, 341)) is not None
    assert places_of(assignment_with(mask(3000, 100)), photo_of(512, 17)) is not None


def test_a_mask_of_other_proportions_is_refused_with_both_sizes(mask: Callable[[int, int], Path]) -> None:
    kind, reason = refusal(assignment_with(mask(200, 200)), photo_of(512, 341))
    assert kind is FailureKind.MASK
    assert "200 × 200 pixels" in reason
    assert "512 × 341" in reason
    assert "turned" not in reason


def test_a_mask_of_the_photo_as_it_is_stored_is_told_to_be_turned(mask: Callable[[int, int], Path]) -> None:
    _, reason = refusal(assignment_with(mask(300, 200)), photo_of(341, 512))
    assert "it would fit if it were turned" in reason


def test_a_damaged_mask_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "sea.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    kind, reason = refusal(assignment_with(tmp_path / "sea.png"), photo_of(8, 6))
    assert kind is FailureKind.MASK
    assert reason.startswith(f"the mask {tmp_path / 'sea.png'} can't be used: ")
    assert reason.endswith("; correct or delete it (without a mask the photo is painted whole)")


def test_a_mask_that_is_another_one_by_now_is_not_used(mask: Callable[[int, int], Path], tmp_path: Path) -> None:
    assignment = assignment_with(mask(80, 60))
    mask(80, 62)
    assert refusal(assignment, photo_of(8, 6))[0] is FailureKind.CHANGED
    (tmp_path / "sea.png").unlink()
    assert refusal(assignment, photo_of(8, 6))[0] is FailureKind.CHANGED


def test_no_link_is_followed_to_a_mask(mask: Callable[[int, int], Path], tmp_path: Path) -> None:
    linked = tmp_path / "linked.png"
    linked.symlink_to(mask(80, 60))
    assert refusal(assignment_with(linked), photo_of(8, 6))[0] is FailureKind.CHANGED
