from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.images.color import primaries
from pipeline.images.color.conversion import conversion_by, converted
from pipeline.images.color.description import (
    Calibration,
    Chromaticities,
    CodePoints,
    ColorError,
)

TYPES = [np.uint8, np.uint16, np.float32]
P3 = primaries.CHROMATICITIES[12]


def convert(statement: CodePoints | Calibration, pixels: NDArray[Any]) -> NDArray[Any]:
    conversion = conversion_by(statement)
    assert conversion is not None
    return converted(pixels, conversion)


def of_type(values: Any, dtype: Any) -> NDArray[Any]:
    numbers = np.asarray(values, np.float64).reshape(1, 1, -1)
    return numbers.astype(dtype) if dtype == np.float32 else np.rint(numbers * np.iinfo(dtype).max).astype(dtype)


def as_share(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels if pixels.dtype == np.float32 else pixels / np.iinfo(pixels.dtype).max


@pytest.mark.parametrize(
    "statement",
    [
        CodePoints(1, 13),
        CodePoints(2, 2),
        CodePoints(1, 1),
        CodePoints(1, 6),
        Calibration((1 / 0.45455,) * 3),
        Calibration((1 / 0.45,) * 3, primaries.SRGB_CHROMATICITIES),
        Calibration(None, primaries.SRGB_CHROMATICITIES),
    ],
)
def test_what_is_srgb_needs_no_conversion(statement: CodePoints | Calibration) -> None:
    assert conversion_by(statement) is None


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("statement", [CodePoints(12, 13), Calibration(None, P3)])
def test_p3(statement: CodePoints | Calibration, dtype: Any) -> None:
    # sRGB's red and green in Display P3, as CSS Color 4 has them.
    for value, expected in (((0.91749, 0.20029, 0.13856), (1, 0, 0)), ((0.45841, 0.98526, 0.29829), (0, 1, 0))):
        result = convert(statement, of_type(value, dtype))
        assert result.dtype == dtype
        assert np.allclose(as_share(result), expected, atol=0.04 if dtype == np.uint8 else 0.002)


@pytest.mark.parametrize("dtype", TYPES)
def test_linear_gamma(dtype: Any) -> None:
    result = as_share(convert(Calibration((1.0, 1.0, 1.0)), of_type((0.21404, 0.0, 1.0), dtype)))
    assert np.allclose(result, (0.5, 0, 1), atol=0.004)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("transfer", [16, 18])
def test_light_of_203_nits_is_white(transfer: int, dtype: Any) -> None:
    white = {16: 0.58069, 18: 0.75}[transfer]
    assert np.allclose(as_share(convert(CodePoints(9, transfer), of_type([white] * 3, dtype))), 1, atol=0.02)


def test_gray_becomes_rgb_by_its_curve_alone() -> None:
    for statement in (CodePoints(12, 8), CodePoints(9, 16), CodePoints(9, 18), Calibration((1.0, 1.0, 1.0), P3)):
        value = {16: 0.3, 18: 0.4}.get(getattr(statement, "transfer", 0), 0.2)
        gray, rgb = (convert(statement, of_type([value] * count, np.float32)) for count in (1, 3))
        assert gray.shape == (1, 1, 3)
        assert np.allclose(gray, rgb, atol=1e-5)


@pytest.mark.parametrize(("dtype", "black", "white"), [(np.uint8, 16, 235), (np.uint16, 4096, 60160)])
def test_a_narrow_range_is_stretched(dtype: Any, black: int, white: int) -> None:
    pixels = np.array([[[black] * 3, [white] * 3, [0] * 3]], dtype)
    assert as_share(convert(CodePoints(1, 13, full_range=False), pixels))[0, :, 0].tolist() == [0, 1, 0]


def test_channels_may_have_exponents_of_their_own() -> None:
    pixels = np.full((1, 1, 3), 0.5, np.float32)
    assert np.allclose(convert(Calibration((2.2, 1.0, 1.0)), pixels), (0.5039, 0.7354, 0.7354), atol=1e-3)
    assert np.allclose(convert(Calibration((9.0, 1.0, 9.0)), pixels[..., :1]), 0.7354, atol=1e-3)


def test_blocks_leave_no_seams() -> None:
    pixels = np.random.default_rng(2).random((700, 900, 3), dtype=np.float32)
    whole = convert(CodePoints(9, 13), pixels)
    assert np.array_equal(whole[290:300], convert(CodePoints(9, 13), np.ascontiguousarray(pixels[290:300])))


def test_turned_and_mirrored_arrays_are_converted_alike() -> None:
    pixels = np.random.default_rng(3).random((20, 30, 3), dtype=np.float32)
    for turned in (pixels[::-1, ::-1], pixels.transpose(1, 0, 2)):
        expected = convert(CodePoints(9, 16), np.ascontiguousarray(turned))
        assert np.array_equal(convert(CodePoints(9, 16), turned), expected)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (CodePoints(0, 13), "color primaries .code point 0"),
        (CodePoints(99, 13), "color primaries .code point 99"),
        (CodePoints(1, 3), "transfer function .code point 3"),
        (CodePoints(1, 255), "transfer function .code point 255"),
        (Calibration((1e-5,) * 3), "its gamma is 1e"),
        (Calibration((100.0,) * 3), "its gamma is 0.01"),
        (Calibration((2.2, 2.2, 100.0)), "its gamma is 0.01"),
        (Calibration(None, Chromaticities((168.4, 0.3), (0.3, 0.6), (0.15, 0.06), (0.3, 0.3))), "chromaticities"),
    ],
)
def test_nonsense_is_named(statement: CodePoints | Calibration, words: str) -> None:
    with pytest.raises(ColorError, match=words):
        conversion_by(statement)
