from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.images.color import deep_profiles, profiles
from pipeline.images.color.description import ColorError
from tests.images.profiles import black_cyan_cmyk, linear_gray, swapped_rgb

PIXELS = np.random.default_rng(4).integers(0, 256, (600, 500, 3), dtype=np.uint8)


def deep(pixels: Any, dtype: Any) -> Any:
    return (pixels / 255).astype(np.float32) if dtype == np.float32 else pixels.astype(np.uint16) * 257


def in_8_bits(pixels: Any) -> Any:
    return pixels * 255 if pixels.dtype == np.float32 else pixels / 257


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_pixels_are_converted_as_8_bits_are(dtype: Any) -> None:
    result = deep_profiles.converted(deep(PIXELS, dtype), swapped_rgb())
    assert result.dtype == dtype
    expected = np.asarray(profiles.converted(Image.fromarray(PIXELS), swapped_rgb()))
    assert np.abs(in_8_bits(result) - expected).max() < 1.6


def test_16_bits_are_kept() -> None:
    ramp = np.arange(30_000, 30_256, dtype=np.uint16).reshape(16, 16, 1)
    result = deep_profiles.converted(ramp, linear_gray())
    assert len(np.unique(result[..., 0])) > 100
    assert np.allclose(result[..., 0] / 65535, 1.055 * (ramp[..., 0] / 65535) ** (1 / 2.4) - 0.055, atol=2e-4)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_gray_by_an_rgb_profile(dtype: Any) -> None:
    gray = deep(np.full((2, 2, 1), 128, np.uint8), dtype)
    assert np.allclose(in_8_bits(deep_profiles.converted(gray, profiles.srgb_profile())), 128, atol=0.2)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_inks(dtype: Any) -> None:
    inks = deep(np.array([[[255, 0, 0, 0], [0, 255, 0, 0]]], np.uint8), dtype)
    result = in_8_bits(deep_profiles.converted(inks, black_cyan_cmyk()))
    assert np.allclose(result, [[[0] * 3, [255] * 3]], atol=2)


def test_values_outside_are_clipped() -> None:
    pixels = np.array([[[-1.0, 0.0, 3.0]]], np.float32)
    assert np.allclose(deep_profiles.converted(pixels, profiles.srgb_profile()), [[[0, 0, 1]]], atol=1e-3)


@pytest.mark.parametrize(
    ("icc", "words"),
    [
        (None, "is damaged"),
        (b"", "is damaged"),
        (b"no profile", "is damaged"),
        (swapped_rgb()[:300], "is damaged"),
        (black_cyan_cmyk(), "is for other channels"),
    ],
)
def test_a_useless_profile_is_named(icc: bytes | None, words: str) -> None:
    with pytest.raises(ColorError, match=words):
        deep_profiles.converted(np.zeros((2, 2, 3), np.float32), icc)
