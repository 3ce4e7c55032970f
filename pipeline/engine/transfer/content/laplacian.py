"""Keeps a photo's lines: where its gray values bend, as edges and the details of a face make them bend.

The Laplacian loss of Li, Xu, Nie and Chua (https://arxiv.org/abs/1707.01253), of pictures reduced to a 4th and a
16th: fine lines and coarse ones. Unlike theirs, the squares that are averaged overlap, as others show in the picture.
It compares pixels where other content losses compare features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.model import LossKind

# A side of what one reduction makes one pixel of, and what the squares around its pixels have for a side.
_REDUCTION: Final = 4
_OVERLAPPING: Final = 5

# As much as a photo's gray values are taken to bend at least, RGB 0..1, so that fog or a blank wall can be painted.
_LEAST_BEND: Final = 0.02


@dataclass(frozen=True, slots=True)
class Laplacian:
    """How a picture's gray values bend: those of the photo are kept, colors and flat areas are free."""

    def target(self, features: Tensor) -> Tensor:
        """Return the gray values (1, 1, H, W) of a photo (1, 3, H, W), RGB 0..1."""
        return features.mean(1, keepdim=True)

    def loss(self, features: Tensor, target: Tensor, kind: LossKind, factors: Tensor | None = None) -> Tensor:
        """Return how far pictures (B, 3, H, W) are from their targets (B, 1, H, W), (B,), both reductions averaged.

        Relative, the sum of squares as Li et al. have it, or its mean; ``factors`` (B, 1, H, W) by place.
        """
        fine, wanted = _reduced(features.mean(1, keepdim=True)), _reduced(target)
        distance = _distance(fine, wanted, kind, factors)
        return (distance + _distance(_reduced(fine), _reduced(wanted), kind, factors)) / 2


def _distance(gray: Tensor, target: Tensor, kind: LossKind, factors: Tensor | None) -> Tensor:
    wanted = _bends(target)
    squared = (_bends(gray) - wanted).square()
    squares = totals(
        squared if factors is None else squared * nn.avg_pool2d(factors, factors.shape[2] // wanted.shape[2])
    )
    match kind:
        case "relative":
            return squares / totals(wanted.square()).clamp_min(wanted[0].numel() * _LEAST_BEND**2)
        case "gatys":
            return squares
        case "tensorflow":
            return squares / wanted[0].numel()
        case _:
            assert_never(kind)


def _reduced(gray: Tensor) -> Tensor:
    """Return gray values (B, 1, H, W) averaged to a fourth of the sides, each pixel with some of its neighbors'."""
    return nn.avg_pool2d(nn.avg_pool2d(_widened(gray, _OVERLAPPING // 2), _OVERLAPPING, 1), _REDUCTION)


def _bends(gray: Tensor) -> Tensor:
    """Return the Laplacian of gray values, of the same shape (B, 1, H, W)."""
    wide = _widened(gray, 1)
    neighbors = wide[:, :, :-2, 1:-1] + wide[:, :, 2:, 1:-1] + wide[:, :, 1:-1, :-2] + wide[:, :, 1:-1, 2:]
    return 4 * gray - neighbors


def _widened(gray: Tensor, count: int) -> Tensor:
    """Return gray values with so many pixels more at each side, like those at the border, which thus is no line."""
    return nn.pad(gray, (count,) * 4, mode="replicate")
