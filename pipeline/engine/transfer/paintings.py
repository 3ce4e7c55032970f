"""Brings paintings to the size in which they are seen, and remembers some whose pixels every photo needs anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from pipeline.engine.network.architecture import LEAST_SIDE
from pipeline.engine.transfer.geometry import resample, scaled, to_tensor
from pipeline.engine.transfer.lru_cache import LruCache
from pipeline.errors import PaintingError
from pipeline.model import Painting

#: Returns the pixels of the content that the painting's hash names, and of no other: it is part of the cache's key.
#: The number is the long side that is wanted of it; there may be more pixels, and where it has fewer, fewer.
LoadPainting = Callable[[Painting, int], npt.NDArray[np.uint8]]

_REMEMBERED_PIXELS: Final = 8_000_000  # of 12 bytes each


class Paintings:
    """The paintings that ``load`` returns the pixels of; of ``most_pixels`` in all it remembers the latest."""

    def __init__(self, load: LoadPainting, most_pixels: int = _REMEMBERED_PIXELS) -> None:
        self._load = load
        self._recent: LruCache[tuple[str, int], Tensor] = LruCache(most_pixels, size_of=_pixels)

    def at(self, painting: Painting, size: int) -> Tensor:
        """Return a painting (1, 3, H, W) with a long side of ``size``, never enlarged, its short side at least 32.

        Raises PaintingError, and what loading it raises.
        """
        return _fitted(to_tensor(self._load(painting, size)), size, painting)

    def remembered_at(self, painting: Painting, size: int) -> Tensor:
        """Return the same, which is decoded and resampled once for many calls."""
        return self._recent.get((painting.sha256, size), lambda: self.at(painting, size))


def _pixels(picture: Tensor) -> int:
    return picture[0, 0].numel()


def _fitted(picture: Tensor, size: int, painting: Painting) -> Tensor:
    height, width = picture.shape[2:]
    if min(height, width) < LEAST_SIDE:
        raise PaintingError(
            f"{painting.path}: this painting is only {width} × {height} pixels; "
            f"each side must have {LEAST_SIDE} at least, use a larger image"
        )
    least = -(-LEAST_SIDE * max(height, width) // min(height, width))
    return resample(picture, scaled((height, width), min(max(size, least), max(height, width)))).clamp(0, 1)
