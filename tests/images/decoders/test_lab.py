from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.images.decoders import lab
from tests.images.decoders.test_tiff import tiff_of
from tests.images.pictures import assert_color, decoded

COLORS = np.array([[(200, 100, 50), (30, 60, 200), (255, 255, 255), (0, 0, 0), (128, 128, 128)]], np.uint8)


def littlecms_lab(colors: Any) -> Any:
    """Return the colors as LittleCMS's 8-bit L*a*b*, as integers."""
    to_lab = ImageCms.profileToProfile(
        Image.fromarray(colors), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    stored = np.asarray(to_lab)
    return np.concatenate([stored[..., :1].astype(int), stored[..., 1:].astype(np.int8).astype(int)], axis=2)


def samples_of(colors: Any, encoding: int, depth: Any) -> Any:
    values = littlecms_lab(colors)
    lightness, a_b = values[..., :1], values[..., 1:]
    if depth == np.uint8:
        return np.concatenate([lightness, a_b if encoding == lab.CIELAB else a_b + 128], axis=2).astype(np.uint8)
    if encoding == lab.CIELAB:
        return np.concatenate([lightness * 257, a_b * 256], axis=2).astype(np.uint16)
    return np.concatenate([lightness * 256, (a_b + 128) * 256], axis=2).astype(np.uint16)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("encoding", [lab.CIELAB, lab.ICCLAB])
def test_colors_are_those_of_littlecms(encoding: int, depth: Any) -> None:
    rgb = lab.to_srgb(samples_of(COLORS, encoding, depth), encoding)
    assert np.abs(rgb * 255 - COLORS).max() < 3


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
def test_a_tiff_of_each_encoding_with_alpha(photometric: str, depth: Any) -> None:
    encoding = {"cielab": lab.CIELAB, "icclab": lab.ICCLAB}[photometric]
    samples = samples_of(COLORS.repeat(4, axis=0), encoding, depth)
    values = np.dstack([samples, np.full(samples.shape[:2], np.iinfo(depth).max, depth)])
    photo = decoded(tiff_of(values, photometric=photometric, extrasamples=["unassalpha"]), 5)
    assert photo.alpha is None
    assert_color(photo.pixels, COLORS, 3)


def test_no_row_is_left_out() -> None:
    samples = np.full((lab._ROWS_AT_ONCE + 3, 2, 4), 255, np.uint8)
    samples[..., 1:3] = 0
    assert np.allclose(lab.to_srgb(samples, lab.CIELAB), 1, atol=0.01)
