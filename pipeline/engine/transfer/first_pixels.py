"""The first pixels of a picture: its photo, noise, gray, its paintings, an image, or several of these by weights.

They depend on the request alone, so that a picture starts the same alone and in any batch. Paintings and images are
brought to the photo's shape by covering it: what is too much of them is cut off, half of it at each side.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.engine.events import Request
from pipeline.engine.network.weights import MEAN_COLOR
from pipeline.engine.transfer.color.matching import ColorMatch
from pipeline.engine.transfer.color_matches import color_matches
from pipeline.engine.transfer.geometry import Geometry, averaged_to_network, to_network, to_tensor
from pipeline.engine.transfer.lru_cache import LruCache
from pipeline.engine.transfer.paintings import LoadPainting
from pipeline.engine.transfer.places import painted_places
from pipeline.errors import PaintingError
from pipeline.model import InitSource, Painting, StartImage, Style

# Noise to start from: around the middle of the colors, as strong as the contrast of a usual photo.
_NOISE_MEAN: Final = 0.5
_NOISE_DEVIATION: Final = 0.2

# Photos of one shape start from the same pixels; at the coarse sizes where pictures begin these take 1 MB or less.
_REMEMBERED: Final = 16
_MOST_PIXELS: Final = 1_000_000


def _nothing_to_load(painting: Painting, long_side: int) -> npt.NDArray[np.uint8]:  # noqa: ARG001
    raise PaintingError(f"{painting.path}: nothing is loaded here")


class FirstPixels:
    """Makes first pixels; ``load_painting`` returns those of a painting or an image, as for style targets."""

    def __init__(self, load_painting: LoadPainting = _nothing_to_load) -> None:
        self._load_painting = load_painting
        self._recent: LruCache[Hashable, Tensor] = LruCache(_REMEMBERED, keeps=_is_small)

    def of(self, request: Request, geometry: Geometry) -> Tensor:
        """Return the first pixels (1, 3, h, w) of a picture, RGB 0..1. Raises what loading a painting raises."""
        sources: dict[InitSource, Callable[[], Tensor]] = {
            "content": lambda: photo_pixels(request, geometry),
            "noise": lambda: _noise(request.recipe.seed, geometry),
            "gray": lambda: _gray(geometry),
            "painting": lambda: self._paintings(request, geometry),
            "image": lambda: self._cover(_start_image(request), request, geometry),
        }
        return _mixed([(sources[name](), weight) for name, weight in request.recipe.init_weights()])

    def _paintings(self, request: Request, geometry: Geometry) -> Tensor:
        """Return the paintings of the style, by place if it has regions; what is kept starts from the photo."""
        places, photo = painted_places(request), photo_pixels(request, geometry)
        matches = color_matches(request, places, geometry, photo)
        if places is None:
            return self._mean(request.style, matches[0], request, geometry)
        shares = averaged_to_network(places.painted, geometry)
        start = photo * (1 - shares.sum(1, keepdim=True)).clamp_(0, 1)
        for style, match, share in zip(places.styles, matches, torch.split(shares, 1, dim=1), strict=True):
            start += self._mean(style, match, request, geometry) * share
        return start.clamp_(0, 1)

    def _mean(self, style: Style, match: ColorMatch | None, request: Request, geometry: Geometry) -> Tensor:
        pixels = [self._cover(painting, request, geometry) for painting in style.paintings]
        if match is not None:
            pixels = [match.of(each) for each in pixels]
        return _mixed([(each, painting.weight) for each, painting in zip(pixels, style.paintings, strict=True)])

    def _cover(self, source: Painting, request: Request, geometry: Geometry) -> Tensor:
        shape = request.photo.shape[:2]

        def covering() -> Tensor:
            pixels = _cropped(self._load_painting(source, max(geometry.outer)), shape)
            return to_network(to_tensor(pixels), geometry).clamp(0, 1)

        return self._recent.get((source.sha256, shape, geometry), covering)


def _is_small(pixels: Tensor) -> bool:
    return pixels[0, 0].numel() <= _MOST_PIXELS


#: For pictures that start from photos, noise and gray alone.
WITHOUT_PAINTINGS: Final = FirstPixels()


def photo_pixels(request: Request, geometry: Geometry) -> Tensor:
    """Return a request's photo (1, 3, h, w), RGB 0..1, as the network sees it."""
    return to_network(to_tensor(request.photo), geometry).clamp(0, 1)


def _start_image(request: Request) -> StartImage:
    recipe = request.recipe
    if recipe.init_image is None or not recipe.init_image_sha256:
        raise PaintingError(f"recipe {recipe.name!r} starts from an image and names none: set init_image")
    return StartImage(recipe.init_image, recipe.init_image_sha256)


def _noise(seed: int, geometry: Geometry) -> Tensor:
    # A generator of its own on the CPU: the same noise alone and in any batch, on every device.
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn((1, 3, *geometry.outer), generator=generator)
    return noise.mul_(_NOISE_DEVIATION).add_(_NOISE_MEAN).clamp_(0, 1)


def _gray(geometry: Geometry) -> Tensor:
    # The color that is zero to the network, whatever weights it has: those of torchvision have nearly the same mean.
    return torch.tensor(MEAN_COLOR).view(1, 3, 1, 1).repeat(1, 1, *geometry.outer)


def _mixed(parts: list[tuple[Tensor, float]]) -> Tensor:
    """Return the mean of pictures by their weights."""
    if len(parts) == 1:
        return parts[0][0]
    total = sum(weight for _, weight in parts)
    mixed = torch.zeros_like(parts[0][0])
    for pixels, weight in parts:
        mixed += pixels * (weight / total)
    return mixed.clamp_(0, 1)


def _cropped(pixels: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return the middle of a picture (H, W, 3), in the proportions of ``shape`` (height, width)."""
    height, width = pixels.shape[:2]
    rows = min(height, max(1, round(width * shape[0] / shape[1])))
    columns = min(width, max(1, round(height * shape[1] / shape[0])))
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns]
