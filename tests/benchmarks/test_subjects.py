from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.benchmarks.subjects import PAINTINGS, at_size, choose, fill, fill_with_large, with_pixels_of


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    random = np.random.default_rng(0)
    paths = [tmp_path / f"{name}.png" for name in ("one", "two")]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (40, 60, 3), np.uint8)).save(path)
    return paths


def test_a_folder_has_as_many_different_photos_as_asked_for(tmp_path: Path, photos: list[Path]) -> None:
    made = fill(tmp_path / "folder", photos, 8)
    assert len({path.read_bytes() for path in made}) == 8
    assert sorted((tmp_path / "folder").iterdir()) == made


def test_crops_keep_the_proportions(tmp_path: Path, photos: list[Path]) -> None:
    for path in fill(tmp_path / "folder", photos, 8):
        with Image.open(path) as photo:
            assert photo.width / photo.height == pytest.approx(60 / 40)


def test_large_photos_differ_after_decoding_too(tmp_path: Path, photos: list[Path]) -> None:
    fill_with_large(tmp_path / "folder", photos[0], 20, (600, 400))
    contents = set()
    for path in (tmp_path / "folder").iterdir():
        with Image.open(path) as photo:
            assert photo.size == (600, 400)
            contents.add(photo.tobytes())
    assert len(contents) == 20


def test_given_photos_and_paintings_come_first_and_two_paintings_are_always_there(
    tmp_path: Path, photos: list[Path]
) -> None:
    subjects = choose(photos, photos[:1], tmp_path)
    assert subjects.photos == tuple(photos)
    assert subjects.paintings == (photos[0], PAINTINGS[0])


def test_without_any_the_samples_are_used(tmp_path: Path) -> None:
    subjects = choose((), (), tmp_path)
    assert [path.name for path in subjects.photos] == ["cat.jpg", "coffee.jpg"]
    assert subjects.paintings == PAINTINGS


def test_photo_and_painting_come_at_the_size_and_with_as_many_pixels(tmp_path: Path, photos: list[Path]) -> None:
    Image.new("RGB", (100, 400)).save(tmp_path / "tall.png")
    photo = at_size(photos[0], tmp_path / "sized", 30)
    painting = with_pixels_of(photo, tmp_path / "tall.png", tmp_path / "sized")
    with Image.open(photo) as image:
        assert image.size == (30, 20)
    with Image.open(painting) as image:
        assert image.size == (12, 49)
