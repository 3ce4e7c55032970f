from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pipeline.images.sheet_pictures import paintings, thumbnail


@pytest.mark.parametrize(
    ("size", "box", "shown"),
    [
        ((400, 200), (100, 80), (100, 50)),
        ((200, 400), (100, 80), (40, 80)),
        ((20, 10), (100, None), (100, 50)),
        ((1000, 2), (50, 50), (50, 1)),
    ],
)
def test_a_picture_fits_its_box(
    tmp_path: Path, size: tuple[int, int], box: tuple[int, int | None], shown: tuple[int, int]
) -> None:
    Image.new("RGB", size, (200, 30, 30)).save(tmp_path / "a.png")
    small = thumbnail(tmp_path / "a.png", *box)
    assert small is not None
    assert small.size == shown
    assert small.getpixel((0, 0)) == (200, 30, 30)


def test_what_cant_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    assert thumbnail(tmp_path / "broken.jpg", 50) is None
    assert thumbnail(tmp_path / "gone.jpg", 50) is None
    assert paintings([tmp_path / "broken.jpg"], 50) is None
    assert paintings([], 50) is None
    row = paintings([tmp_path / "a.png", tmp_path / "broken.jpg", tmp_path / "a.png"], 60)
    assert row is not None
    assert row.size == (40, 20)
