"""A picture starts from its photo, noise, gray, paintings or an image, or several by weights; none is distorted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from pipeline.engine.events import Places, Request
from pipeline.engine.transfer.color.matching import palette_of
from pipeline.engine.transfer.first_pixels import WITHOUT_PAINTINGS, FirstPixels, photo_pixels
from pipeline.engine.transfer.geometry import network_geometry, to_tensor
from pipeline.errors import PaintingError
from pipeline.model import InitKind, InitWeights, Painting, Recipe, Region, StartImage, Style

PHOTO = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
NIGHT, WAVE = Painting(Path("night.jpg"), "a" * 64, 3.0), Painting(Path("wave.jpg"), "b" * 64, 1.0)
GEOMETRY = network_geometry(48, 64)


def slope(height: int, width: int) -> npt.NDArray[np.uint8]:
    """Return a picture whose red is how far down, and whose green how far right, each pixel is."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([255 * rows / height, 255 * columns / width, 0 * rows], axis=-1).astype(np.uint8)


class Easel:
    """Loads paintings, and remembers which and how large."""

    def __init__(self) -> None:
        self.asked: list[Painting] = []
        self.sizes: list[int] = []

    def __call__(self, painting: Painting, long_side: int) -> npt.NDArray[np.uint8]:
        self.asked.append(painting)
        self.sizes.append(long_side)
        shade = {"night.jpg": 40, "wave.jpg": 240}.get(painting.path.name)
        return slope(100, 300) if shade is None else np.full((70, 50, 3), shade, np.uint8)


def request(init: InitKind | InitWeights, **others: Any) -> Request:
    recipe = Recipe(size=64, init=init, init_image=Path("start.jpg"), init_image_sha256="c" * 64)
    return Request("t", **{"photo": PHOTO, "style": Style("s", (NIGHT, WAVE)), "recipe": recipe} | others)


def first(init: InitKind | InitWeights, pixels: FirstPixels | None = None) -> Tensor:
    return (pixels or FirstPixels(Easel())).of(request(init), GEOMETRY)


def test_a_blend_has_the_bits_that_it_ever_had() -> None:
    assert torch.equal(first("blend"), (first("content") + first("noise")) / 2)
    assert torch.equal(first("content"), photo_pixels(request("content"), GEOMETRY))


def test_several_sources_are_mixed_by_weights_whose_sum_is_of_no_account() -> None:
    mixed = first((("content", 0.7), ("noise", 0.3)))
    torch.testing.assert_close(mixed, 0.7 * first("content") + 0.3 * first("noise"))
    torch.testing.assert_close(mixed, first((("content", 7.0), ("noise", 3.0))))
    both = first((("noise", 1.0), ("painting", 1.0), ("image", 2.0)))
    torch.testing.assert_close(both, (first("noise") + first("painting") + 2 * first("image")) / 4)


def test_gray_is_the_mean_color_of_the_photos_that_the_network_was_trained_on() -> None:
    gray = first("gray")
    assert gray.shape == (1, 3, *GEOMETRY.outer)
    mean = torch.tensor([123.68, 116.779, 103.939]).div(255).view(1, 3, 1, 1)
    torch.testing.assert_close(gray, mean.expand_as(gray))


def test_the_faintest_noise_is_not_lost_in_gray() -> None:
    mixed = first((("noise", 0.00002), ("gray", 1.0))) - first("gray")
    assert float(mixed.std()) == pytest.approx(0.001 / 255, rel=0.05)


def test_several_paintings_are_their_weighted_mean() -> None:
    torch.testing.assert_close(first("painting"), torch.full((1, 3, 48, 64), (3 * 40 + 240) / 4 / 255))


def test_paintings_whose_colors_are_matched_start_with_the_photos() -> None:
    recipe = Recipe(size=64, init="painting", color="match")
    slopes = Style("s", (Painting(Path("slope.jpg"), "d" * 64),))
    photo = PHOTO // 2 + 64
    found = palette_of(
        FirstPixels(Easel()).of(request("painting", recipe=recipe, style=slopes, photo=photo), GEOMETRY)
    )
    torch.testing.assert_close(found.mean, palette_of(to_tensor(photo)).mean, atol=0.01, rtol=0)


def test_each_region_starts_with_the_colors_that_the_photo_shows_there() -> None:
    red, blue, unseen = (200, 60, 60), (60, 60, 200), (0, 255, 0)
    photo = np.zeros((48, 64, 3), np.uint8)
    photo[:, :32], photo[:, 32:], photo[40:] = red, blue, unseen
    alpha = np.full((48, 64), 255, np.uint8)
    alpha[40:] = 0
    shares = np.zeros((2, 48, 64), np.float32)
    shares[0, :, :32], shares[1, :, 32:] = 1, 1
    regions = tuple(Region(name, Style(name, (painting,))) for name, painting in (("white", NIGHT), ("black", WAVE)))
    found = FirstPixels(Easel()).of(
        request(
            "painting",
            recipe=Recipe(size=64, init="painting", color="match"),
            style=Style("s", (NIGHT,), regions=regions),
            photo=photo,
            alpha=alpha,
            places=Places(tuple(shares)),
        ),
        GEOMETRY,
    )
    for place, color in ((found[..., :32], red), (found[..., 32:], blue)):
        torch.testing.assert_close(place.mean((0, 2, 3)), torch.tensor(color) / 255, atol=0.01, rtol=0)


def test_each_region_starts_from_its_own_painting_and_what_is_kept_from_the_photo() -> None:
    regions = tuple(
        Region(color, None if painting is None else Style(color, (painting,)))
        for color, painting in (("white", NIGHT), ("black", WAVE), ("red", None))
    )
    shares = np.zeros((3, 48, 64), np.float32)
    shares[0, :, :16], shares[1, :, 16:40], shares[2, :, 40:] = 1, 1, 1
    wanted = request("painting", style=Style("s", (NIGHT,), regions=regions), places=Places(tuple(shares)))
    found = FirstPixels(Easel()).of(wanted, GEOMETRY)
    photo = photo_pixels(wanted, GEOMETRY)
    torch.testing.assert_close(found[..., :16], torch.full((1, 3, 48, 16), 40 / 255))
    torch.testing.assert_close(found[..., 16:40], torch.full((1, 3, 48, 24), 240 / 255))
    assert torch.equal(found[..., 40:], photo[..., 40:])


@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 48), (64, 64), (16, 64)])
def test_an_image_covers_the_photo_by_its_middle_undistorted(height: int, width: int) -> None:
    geometry, photo = network_geometry(height, width), np.zeros((height, width, 3), np.uint8)
    left, right, top, bottom = geometry.padding
    found = FirstPixels(Easel()).of(request("image", photo=photo), geometry)[0]
    inner = found[:, top : found.shape[1] - bottom, left : found.shape[2] - right]
    down, across = inner[0].mean(1), inner[1].mean(0)
    assert float(down.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(across.mean()) == pytest.approx(0.5, abs=0.02)
    shown = [
        (float(each[-1] - each[0]) / (len(each) - 1)) * len(each) * side
        for each, side in ((down, 100), (across, 300))
    ]
    assert shown[0] / shown[1] == pytest.approx(height / width, rel=0.05)
    assert shown[1] == pytest.approx(min(300, 100 * width / height), rel=0.05)  # as much of it as fits


def test_an_image_is_loaded_by_its_content_and_once_for_photos_of_one_shape() -> None:
    easel = Easel()
    pixels = FirstPixels(easel)
    assert torch.equal(first("image", pixels), first("image", pixels))
    assert easel.asked == [StartImage(Path("start.jpg"), "c" * 64)]
    assert easel.sizes == [max(GEOMETRY.outer)]
    first("painting", pixels)
    first("painting", pixels)
    assert easel.asked[1:] == [NIGHT, WAVE]
    pixels.of(request("image", photo=PHOTO.transpose(1, 0, 2)), network_geometry(64, 48))
    assert len(easel.asked) == 4


def test_large_pictures_are_not_kept() -> None:
    easel = Easel()
    pixels, geometry = FirstPixels(easel), network_geometry(1008, 1008)
    square = request("painting", photo=np.zeros((8, 8, 3), np.uint8), style=Style("s", (NIGHT,)))
    for _ in range(2):
        pixels.of(square, geometry)
    assert easel.asked == [NIGHT, NIGHT]
    assert easel.sizes == [1008, 1008]


def test_what_can_not_be_loaded_is_said() -> None:
    with pytest.raises(PaintingError, match=r"night\.jpg: nothing is loaded here"):
        first("painting", WITHOUT_PAINTINGS)
    with pytest.raises(PaintingError, match="recipe 'default' starts from an image and names none: set init_image"):
        FirstPixels(Easel()).of(request("image", recipe=Recipe(size=64, init="image")), GEOMETRY)
