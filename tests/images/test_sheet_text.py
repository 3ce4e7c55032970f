from __future__ import annotations

import pytest
from PIL import Image, ImageChops, ImageDraw

from pipeline.images.sheet_text import drawable, faces_of, fitted, line_height, width, wrapped, write


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Möwe-1.jpg", "Mowe-1.jpg"),
        ("a\u0308 Straße – 2 × 3", "a Strasse - 2 x 3"),
        ("日本.jpg", "??.jpg"),
        ("a\nb\tc\x00", "a?b?c?"),
        ("\u202egpj.evil", "?gpj.evil"),
        ("\udcff.jpg", "?.jpg"),
        ("[relu4_2, relu5_2] {x: 1} <img>", "[relu4_2, relu5_2] {x: 1} <img>"),
    ],
)
def test_what_the_font_lacks_is_replaced(text: str, drawn: str) -> None:
    assert drawable(text, ()) == drawn


class Draws:
    """A font that has only these signs."""

    def __init__(self, signs: str) -> None:
        self._signs = signs

    def getmask(self, text: str, /) -> bytes:
        return text.encode() if text in self._signs else b"missing"


def test_a_name_is_drawn_by_the_fonts_of_the_machine_that_have_its_signs() -> None:
    latin, japanese = Draws("Möwe.jpg"), Draws("日本")
    assert drawable("Möwe.jpg", (latin, japanese)) == drawable("Mo\u0308we.jpg", (latin,)) == "Möwe.jpg"
    assert faces_of("Möwe.jpg", (Draws("Mw.jpg"), latin)) == [(latin, "Möwe.jpg")], "one font for all of it"
    assert faces_of("日本.jpg", (latin, japanese)) == [(japanese, "日本"), (latin, ".jpg")]
    assert drawable("日本ö.jpg", (latin, japanese)) == "日本ö.jpg"
    assert drawable("\u202e日.jpg", (japanese,)) == "?日.jpg"


def test_a_long_name_is_cut_in_its_middle() -> None:
    short = fitted("DSC_2024_holiday_0001.jpg", 18, 120)
    assert width(short, 18) <= 120
    assert short.startswith("DSC")
    assert short.endswith(".jpg")
    assert "..." in short
    assert fitted("a.jpg", 18, 120) == "a.jpg"
    assert fitted("abc", 18, 1) == "?"


def test_lines_are_wrapped_and_the_last_one_cut() -> None:
    lines = wrapped("the worker process died three times while it had this picture\nin progress", 14, 150, 2)
    assert len(lines) == 2
    assert all(width(line, 14) <= 150 for line in lines)
    assert lines[-1].endswith("...")
    assert wrapped("short", 14, 150, 2) == ["short"]


def test_text_is_drawn_within_its_room() -> None:
    image = Image.new("RGB", (200, 40), (255, 255, 255))
    write(ImageDraw.Draw(image), (10, 5), "W" * 80, 18, 100, (0, 0, 0))
    box = ImageChops.invert(image).getbbox()
    assert box is not None
    assert box[0] >= 10
    assert box[2] <= 111
    assert box[3] <= 5 + line_height(18)
