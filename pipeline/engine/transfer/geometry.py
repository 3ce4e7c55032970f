"""Resamples and pads pictures to the shapes that the network takes.

The network halves its input four times, so the sides it sees are multiples of 16. A picture is resampled to such a
shape, its short side in steps that grow with it, so that an archive of any proportions has few shapes: at most 4 %
anisotropic above 200 pixels, which is undone at the end. A side of less than 32 pixels is not resampled but
mirrored at its edges up to 32 and cropped back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.network.architecture import GRID, LEAST_SIDE

# From this side on half a step of the grid is at most 4 %.
_FINE_BELOW: Final = 200
_LOBES: Final = 3


@dataclass(frozen=True, slots=True)
class Geometry:
    """A picture resampled to ``inner`` (height, width), then padded by (left, right, top, bottom) to ``outer``."""

    inner: tuple[int, int]
    padding: tuple[int, int, int, int]

    @property
    def outer(self) -> tuple[int, int]:
        """Return the height and width the network sees: multiples of 16, 32 at least."""
        left, right, top, bottom = self.padding
        return self.inner[0] + top + bottom, self.inner[1] + left + right


def network_geometry(height: int, width: int) -> Geometry:
    """Return how a picture of ``height`` × ``width`` pixels is brought to a shape the network can take."""
    (top, bottom), (left, right) = _padding(height), _padding(width)
    if height >= width:
        return Geometry(_nearest_sides(height, width), (left, right, top, bottom))
    inner_width, inner_height = _nearest_sides(width, height)
    return Geometry((inner_height, inner_width), (left, right, top, bottom))


def scaled(shape: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Return ``shape`` (height, width) with the given long side, in the same proportions, 1 at least."""
    factor = long_side / max(shape)
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def to_network(picture: Tensor, geometry: Geometry) -> Tensor:
    """Resample a picture (1, 3, H, W) of any size to ``geometry`` and pad it there."""
    return _pad(resample(picture, geometry.inner), geometry.padding)


def averaged_to_network(maps: Tensor, geometry: Geometry) -> Tensor:
    """Bring maps (1, N, H, W) of any size to ``geometry`` as :func:`to_network` does pictures, but by averages.

    What was in 0..1 stays so, and what made up a whole still does.
    """
    return _pad(averaged(maps, geometry.inner), geometry.padding)


def averaged(maps: Tensor, shape: tuple[int, int]) -> Tensor:
    """Resample maps (1, N, H, W) to ``shape`` (height, width): each value is the average of the area it covers."""
    return _resampled(maps, shape, _areas).clamp(0, 1)


def from_network(picture: Tensor, geometry: Geometry, shape: tuple[int, int]) -> Tensor:
    """Cut off a picture's (1, 3, h, w) padding and resample it to ``shape`` (height, width)."""
    left, _, top, _ = geometry.padding
    height, width = geometry.inner
    return resample(picture[:, :, top : top + height, left : left + width], shape)


def resample(picture: Tensor, shape: tuple[int, int]) -> Tensor:
    """Resample a picture (1, 3, H, W) to ``shape`` (height, width) by Lanczos' filter, which keeps textures crisp.

    torch's bicubic blurs so much, at sizes that hardly differ, that the picture's style distance grows by half.
    """
    return _resampled(picture, shape, _lanczos)


def _resampled(x: Tensor, shape: tuple[int, int], matrix: Callable[[int, int], Tensor]) -> Tensor:
    """Resample ``x`` (1, N, H, W) by what ``matrix`` returns for the sides before and after, (after, before)."""
    height, width = shape
    with on_threads(1):  # for the same bits with any number of them
        if x.shape[2] != height:
            x = matrix(x.shape[2], height) @ x
        if x.shape[3] != width:
            x = x @ matrix(x.shape[3], width).T
    return x


def to_tensor(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.float32]) -> Tensor:
    """Return sRGB pixels (H, W, 3), uint8 or float32 in 0..1, as float32 (1, 3, H, W) 0..1."""
    values = torch.from_numpy(np.array(pixels, dtype=np.float32))
    if pixels.dtype == np.uint8:
        values.div_(255)
    return values.permute(2, 0, 1)[None].contiguous()


def to_pixels(picture: Tensor) -> npt.NDArray[Any]:
    """Return a picture (1, 3, H, W) as float32 pixels (H, W, 3), confined to 0..1."""
    return picture[0].clamp(0, 1).permute(1, 2, 0).contiguous().numpy()


def _lanczos(before: int, after: int) -> Tensor:
    """Return the matrix (after, before) that resamples a row of ``before`` pixels to ``after``, antialiased."""
    centers = (torch.arange(after, dtype=torch.float64) + 0.5) * (before / after) - 0.5
    distances = (torch.arange(before) - centers[:, None]) / max(1.0, before / after)
    weights = torch.sinc(distances) * torch.sinc(distances / _LOBES) * (distances.abs() < _LOBES)
    return (weights / weights.sum(1, keepdim=True)).float()


def _areas(before: int, after: int) -> Tensor:
    """Return the matrix (after, before) that averages a row of ``before`` values over the areas of ``after``."""
    edges = torch.arange(after + 1, dtype=torch.float64) * (before / after)
    cells = torch.arange(before, dtype=torch.float64)
    ends = torch.minimum(edges[1:, None], cells + 1)
    shared = (ends - torch.maximum(edges[:-1, None], cells)).clamp_min(0)
    return (shared / shared.sum(1, keepdim=True)).float()


def _nearest_sides(long: int, short: int) -> tuple[int, int]:
    """Return the long and the short side to resample to; what is square stays square."""
    long_side = _nearest(long, GRID)
    if short < LEAST_SIDE:
        return long_side, short
    wanted = max(LEAST_SIDE, short * long_side / long)
    # Doubles whenever the side does: half a step is never more than 4 % of it.
    step = GRID * 2 ** max(0, math.floor(math.log2(wanted / _FINE_BELOW)))
    return long_side, min(_nearest(wanted, step), long_side, key=lambda side: abs(side - wanted))


def _nearest(side: float, step: int) -> int:
    return round(side) if side < LEAST_SIDE else max(LEAST_SIDE, step * round(side / step))


def _padding(side: int) -> tuple[int, int]:
    missing = max(0, LEAST_SIDE - side)
    return missing // 2, missing - missing // 2


def _pad(picture: Tensor, padding: tuple[int, int, int, int]) -> Tensor:
    left, right, top, bottom = padding
    return _pad_axis(_pad_axis(picture, (left, right, 0, 0), 3), (0, 0, top, bottom), 2)


def _pad_axis(picture: Tensor, padding: tuple[int, int, int, int], axis: int) -> Tensor:
    if not any(padding):
        return picture
    # A mirror image can't be wider than the picture itself.
    mirrors = max(padding) < picture.shape[axis]
    return nn.pad(picture, padding, mode="reflect" if mirrors else "replicate")
