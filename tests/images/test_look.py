from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.images.look import describe, farthest_points, look_of


def plain(red: int, green: int, blue: int) -> NDArray[np.uint8]:
    return np.full((24, 32, 3), (red, green, blue), np.uint8)


def stripes(*, upright: bool) -> NDArray[np.uint8]:
    row = (np.arange(32) // 4 % 2 * 255).astype(np.uint8)
    square = np.repeat(np.tile(row, (32, 1))[..., None], 3, axis=2)
    return square if upright else square.swapaxes(0, 1)


def distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.linalg.norm(look_of(one) - look_of(other)))


def test_colors_brightness_and_edges_tell_photos_apart() -> None:
    assert distance(plain(200, 10, 10), plain(205, 12, 10)) < 0.1
    assert distance(plain(200, 10, 10), plain(10, 10, 200)) > 1
    assert distance(stripes(upright=True), stripes(upright=False)) > 0.5
    left = np.concatenate([plain(0, 0, 0), plain(255, 255, 255)], axis=1)
    assert distance(left, left[:, ::-1]) > 0.5


def test_a_photo_of_any_size_has_a_look(tmp_path: Path) -> None:
    for size in ((1, 1), (1, 500), (500, 2), (3000, 2000)):
        Image.new("RGB", size, (9, 99, 199)).save(tmp_path / "a.png")
        look = describe(tmp_path / "a.png", 10**8)
        assert look is not None
        assert look.shape == look_of(plain(1, 2, 3)).shape
        assert np.isfinite(look).all()


def test_what_cant_be_read_or_is_too_large_has_none(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff")
    assert describe(tmp_path / "a.png", 100) is None
    assert describe(tmp_path / "b.jpg", 10**8) is None
    assert describe(tmp_path / "gone.jpg", 10**8) is None


def test_the_first_point_is_usual_and_the_next_ones_far_from_all_before() -> None:
    looks = np.array([[0.0], [1.0], [1.1], [5.0]], np.float32)
    apart = np.zeros((4, 4), np.float32)
    assert farthest_points(looks, 3, apart) == [1, 3, 0]
    assert farthest_points(looks, 9, apart) == [1, 3, 0, 2]
    apart[2, :2] = apart[:2, 2] = 9
    assert farthest_points(looks, 2, apart)[0] != 2
