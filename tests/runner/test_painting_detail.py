"""Which paintings are too small for their pictures, and what that means."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pipeline.model import Painting, Region, Style
from pipeline.runner.painting_detail import PaintingDetail


def painting(folder: Path, pixels: int, scale: float = 1.0) -> Painting:
    path = folder / f"night{pixels}.png"
    Image.new("RGB", (pixels, max(1, pixels // 2))).save(path)
    return Painting(path, str(pixels), scale=scale)


def said(style: Style, *pictures: int) -> tuple[str, ...]:
    detail = PaintingDetail()
    for pixels in pictures:
        detail.note(style, "print", pixels)
    return detail.sentences()


def test_the_worst_case_of_a_painting_and_a_recipe_is_said_once(tmp_path: Path) -> None:
    night = Style("night", (painting(tmp_path, 100),))
    assert said(night, 200, 400, 300) == (
        "night100.png has 100 pixels, the picture by recipe 'print' 400: its strokes come out a quarter as large as "
        "the painting's share (400); use a larger scan for larger strokes",
    )


def test_nothing_is_said_where_nobody_would_see_it(tmp_path: Path) -> None:
    night = Style("night", (painting(tmp_path, 100),))
    assert said(night, 80, 100, 125) == ()
    assert said(Style("fine", night.paintings, scale=0.25), 400) == ()


@pytest.mark.parametrize(
    ("pictures", "words"), [(200, "half"), (300, "a third"), (500, "a fifth"), (150, "67%"), (1000, "10%")]
)
def test_the_share_is_said_in_words(tmp_path: Path, pictures: int, words: str) -> None:
    (sentence,) = said(Style("night", (painting(tmp_path, 100),)), pictures)
    assert f"come out {words} as large" in sentence


def test_scales_count_and_the_worst_comes_first(tmp_path: Path) -> None:
    blend = Style("blend", (painting(tmp_path, 100), painting(tmp_path, 90, scale=2.0)), scale=1.5)
    first, second = said(blend, 400)
    assert first.startswith("night90.png has 90 pixels")
    assert "(1,200)" in first
    assert second.startswith("night100.png")
    assert "(600)" in second


def test_paintings_of_regions_count(tmp_path: Path) -> None:
    inner = Style("inner", (painting(tmp_path, 50),))
    style = Style("masked", (), regions=(Region("#ffffff", inner), Region("#000000", None)))
    assert len(said(style, 100)) == 1


def test_a_painting_that_can_not_be_read_is_others_matter(tmp_path: Path) -> None:
    (tmp_path / "letter.jpg").write_text("a letter")
    assert said(Style("s", (Painting(tmp_path / "letter.jpg", "l"), Painting(tmp_path / "gone.jpg", "g"))), 900) == ()
