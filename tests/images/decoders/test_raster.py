from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.images.decoders.raster import DeepPixels, resized, unmultiplied, upright
from tests.images.pictures import as_stored, four_corners

RGB = four_corners()


def deep(values: Any, mode: Any = "RGB", white: float = 1.0, *, inverted: bool = False) -> DeepPixels:
    return DeepPixels(np.asarray(values), mode, white, inverted)


def values_of(pixels: Any) -> Any:
    assert isinstance(pixels, DeepPixels)
    return pixels.values


def test_deep_pixels_are_reduced_as_8_bits_are() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (60, 80, 3), np.uint8)
    shallow = np.asarray(resized(Image.fromarray(noise), (20, 15)))
    assert np.abs(values_of(resized(deep(noise, white=255), (20, 15))) * 255 - shallow).max() <= 1


def test_a_box_is_cut_out() -> None:
    small = values_of(resized(deep(RGB, white=255), (4, 4), (0, 0, 8, 8)))
    assert np.allclose(small * 255, RGB[0, 0], atol=0.1)


def test_values_outside_of_what_can_be_shown_are_clipped_and_no_number_is_black() -> None:
    row = np.array([[[np.nan], [-3], [0.5], [np.inf], [7]]], np.float32)
    assert values_of(resized(deep(row, "L"), (5, 1)))[0, :, 0].tolist() == [0, 0, 0.5, 0, 1]


def test_inverted_gray_keeps_its_alpha() -> None:
    pixels = values_of(resized(deep([[[0.25, 1.0]]], "LA", inverted=True), (1, 1)))
    assert pixels[0, 0].tolist() == [0.75, 1]


def test_what_is_transparent_leaves_no_fringe() -> None:
    pixels = np.ones((8, 8, 4), np.float32)
    pixels[:, :3] = 0
    small = values_of(resized(deep(pixels, "RGBA"), (4, 4)))
    seen = small[..., 3] > 0
    assert np.allclose(small[seen][:, :3], 1, atol=1e-5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_both_kinds_of_pixels_are_turned_upright(orientation: int) -> None:
    stored = np.ascontiguousarray(as_stored(RGB, orientation))
    assert (np.asarray(upright(Image.fromarray(stored), orientation)) == RGB).all()
    assert (values_of(upright(deep(stored), orientation)) == RGB).all()


def test_multiplied_colors_are_divided_and_transparent_ones_stay_finite() -> None:
    pixels = unmultiplied(deep([[[10, 20, 30, 100], [0, 0, 0, 0]]], "RGBA", white=200))
    assert np.allclose(pixels.values[0, 0], (20, 40, 60, 100))
    assert np.isfinite(pixels.values).all()
