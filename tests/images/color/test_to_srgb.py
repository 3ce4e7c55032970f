from typing import Any

import numpy as np
import pytest

from pipeline.images.color.description import (
    SRGB,
    Calibration,
    CodePoints,
    ColorDescription,
    NotUnderstood,
    Profile,
    Statement,
)
from pipeline.images.color.profiles import srgb_profile
from pipeline.images.color.to_srgb import to_srgb
from tests.images.pictures import assert_color
from tests.images.profiles import black_cyan_cmyk, swapped_rgb

RGB = np.full((2, 3, 3), (200, 100, 50), np.uint8)
GRAY = np.full((2, 3, 1), 128, np.uint8)
#: (C, M, Y, K) = (204, 51, 0, 51) is (41, 163, 204) in light.
INKS = np.full((2, 3, 4), (204, 51, 0, 51), np.uint8)
LINEAR = Calibration((1.0, 1.0, 1.0))


def convert(pixels: Any, *statements: Statement) -> tuple[Any, str | None]:
    return to_srgb(pixels, ColorDescription(statements))


@pytest.mark.parametrize("statements", [(), (SRGB,), (CodePoints(1, 1),), (Calibration((2.2, 2.2, 2.2)), LINEAR)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_srgb_comes_back_untouched(statements: tuple[Statement, ...], dtype: Any) -> None:
    pixels = RGB.astype(dtype)
    same, note = convert(pixels, *statements)
    assert same is pixels
    assert note is None


def test_gray_and_inks_become_rgb() -> None:
    assert_color(convert(GRAY)[0], (128, 128, 128))
    assert_color(convert(INKS)[0], (41, 163, 204), 1)
    assert_color(convert(INKS.astype(np.uint16) * 257)[0] / 65535, (41, 163, 204), 1)
    assert_color(convert((INKS / 255).astype(np.float32))[0], (41, 163, 204), 1)


@pytest.mark.parametrize(
    ("statements", "color", "note"),
    [
        ((NotUnderstood("its color profile is in another file"),), (200, 100, 50),
         "its color profile is in another file: colors read as sRGB"),
        ((CodePoints(1, 99), SRGB), (200, 100, 50),
         "its transfer function (code point 99) is unknown: colors read as sRGB"),
        ((CodePoints(99, 1), Profile(swapped_rgb())), (100, 200, 50),
         "its color primaries (code point 99) are unknown: colors read by the embedded color profile"),
        ((Profile(None), LINEAR), (229, 168, 124),
         "the embedded color profile is damaged: colors read by its gamma"),
        ((Profile(b"damaged"), CodePoints(1, 8)), (229, 168, 124),
         "the embedded color profile is damaged: colors read by its code points"),
        ((Profile(None), CodePoints(99, 1)), (200, 100, 50),
         "the embedded color profile is damaged; its color primaries (code point 99) are unknown: "
         "colors read as sRGB"),
    ],
)  # fmt: skip
def test_the_first_statement_that_is_understood_holds(
    statements: tuple[Statement, ...], color: tuple[int, ...], note: str
) -> None:
    pixels, told = convert(RGB, *statements)
    assert_color(pixels, color, 4)
    assert told == note


def test_what_follows_an_understood_statement_is_not_looked_at() -> None:
    pixels, note = convert(RGB, Profile(swapped_rgb()), CodePoints(99, 99))
    assert_color(pixels, (100, 200, 50), 4)
    assert note is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_inks_have_no_code_points(dtype: Any) -> None:
    _, note = convert(INKS.astype(dtype), CodePoints(12, 13))
    assert note == "the picture has inks (CMYK), and its file speaks of light: colors read as sRGB"


def test_profiles_of_8_bit_gray_and_inks() -> None:
    assert_color(convert(GRAY, Profile(srgb_profile()))[0], (128, 128, 128), 1)
    cyan = np.full((2, 3, 4), (255, 0, 0, 0), np.uint8)
    assert_color(convert(cyan, Profile(black_cyan_cmyk()))[0], (0, 0, 0), 2)


def test_unspecified_code_points_leave_it_to_what_follows() -> None:
    pixels, note = convert(RGB, CodePoints(2, 2), Profile(swapped_rgb()))
    assert_color(pixels, (100, 200, 50), 4)
    assert note is None
    assert convert(RGB, CodePoints(2, 2))[0] is RGB
