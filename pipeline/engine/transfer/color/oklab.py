"""Turns sRGB into Oklab and back, and brings colors that sRGB does not have in by less chroma alone.

Oklab (https://bottosson.github.io/posts/oklab/) has a lightness L, 0 = black and 1 = white, and two axes of chroma, a
(green to red) and b (blue to yellow), both 0 in grays. Equal distances look about equal, and a color that only loses
chroma keeps its lightness and its hue, which colors clipped channel by channel do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads

_LMS_OF_RGB: Final = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_LAB_OF_ROOTS: Final = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)

_CUTOFF, _LINEAR_CUTOFF, _SLOPE = 0.04045, 0.0031308, 12.92
_OFFSET, _GAMMA = 0.055, 2.4
_ROUNDING: Final = 1e-12
# Halvings of the interval in which the most chroma lies: the rest is a fraction of a step of 16 bits.
_HALVINGS: Final = 18
#: What is converted at once: large pictures would need many times their own memory.
PIXELS_AT_ONCE: Final = 2**18


def to_oklab(colors: Tensor) -> Tensor:
    """Return sRGB colors (3, N) in 0..1 as Oklab (3, N), float64: L in 0..1, a and b."""
    rgb = colors.double()
    linear = torch.where(rgb <= _CUTOFF, rgb / _SLOPE, ((rgb + _OFFSET) / (1 + _OFFSET)).clamp(min=0) ** _GAMMA)
    return _lab_of_roots() @ (_lms_of_rgb() @ linear).clamp(min=0) ** (1 / 3)


def from_oklab(lab: Tensor) -> Tensor:
    """Return Oklab colors (3, N), float64, as sRGB (3, N) in 0..1; those that it lacks have less chroma."""
    lightness = lab[:1].clamp(0, 1)
    return _encoded(_linear(torch.cat([lightness, lab[1:] * _most_chroma(lightness, lab[1:])])))


def by_pixels(change: Callable[..., Tensor], *pictures: Tensor) -> Tensor:
    """Return what ``change`` makes of the colors (3, N) of pictures (1, 3, H, W) of one shape, a part at a time."""
    flat = [picture[0].flatten(1) for picture in pictures]
    result = torch.empty_like(flat[0])
    with on_threads(1):  # for the same bits with any number of them
        for first in range(0, result.shape[1], PIXELS_AT_ONCE):
            part = slice(first, first + PIXELS_AT_ONCE)
            result[:, part] = change(*(colors[:, part] for colors in flat))
    return result.view_as(pictures[0])


def _most_chroma(lightness: Tensor, chroma: Tensor) -> Tensor:
    """Return how much (1, N), 0..1, of the chroma (2, N) sRGB has at this lightness (1, N)."""
    share = torch.ones_like(lightness)
    outside = ~_is_in_gamut(torch.cat([lightness, chroma]))
    if not outside.any():
        return share
    lightness, chroma = lightness[:, outside], chroma[:, outside]
    low, high = torch.zeros_like(lightness), torch.ones_like(lightness)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = _is_in_gamut(torch.cat([lightness, chroma * middle]))
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    share[:, outside] = low
    return share


def _is_in_gamut(lab: Tensor) -> Tensor:
    linear = _linear(lab)
    return ((linear >= -_ROUNDING) & (linear <= 1 + _ROUNDING)).all(0)


def _linear(lab: Tensor) -> Tensor:
    lms: Tensor = (torch.linalg.inv(_lab_of_roots()) @ lab) ** 3
    linear: Tensor = torch.linalg.inv(_lms_of_rgb()) @ lms
    return linear


def _encoded(linear: Tensor) -> Tensor:
    linear = linear.clamp(0, 1)
    curved = (1 + _OFFSET) * linear.clamp(min=_LINEAR_CUTOFF) ** (1 / _GAMMA) - _OFFSET
    return torch.where(linear <= _LINEAR_CUTOFF, linear * _SLOPE, curved).clamp(0, 1)


def _lms_of_rgb() -> Tensor:
    # Here and below: grays have no chroma at all, whatever the published digits leave of it.
    matrix = torch.tensor(_LMS_OF_RGB, dtype=torch.float64)
    return matrix / matrix.sum(1, keepdim=True)


def _lab_of_roots() -> Tensor:
    matrix = torch.tensor(_LAB_OF_ROOTS, dtype=torch.float64)
    matrix[1:] -= matrix[1:].mean(1, keepdim=True)
    return matrix
