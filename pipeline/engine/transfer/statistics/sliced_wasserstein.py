"""The whole distribution of a layer's features, compared along directions: sliced Wasserstein-2.

After Heitz et al. (https://arxiv.org/abs/2006.07229), with one departure: the directions are the same at every
evaluation, orthogonal, and as many as there are channels, since L-BFGS needs a loss that does not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, assert_never, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.engine.cpu.products import multiply_pixels
from pipeline.engine.transfer.distance import exact
from pipeline.engine.transfer.statistics.moments import Moments
from pipeline.engine.transfer.statistics.quantiles import (
    MOST_LEVELS,
    directions,
    ranked,
    spread,
    weighted_quantiles,
    with_levels,
)
from pipeline.model import LossKind

# So much stronger than its squared distance is the relative loss, so that gram's style weight fits it, too.
_AS_STRONG_AS_GRAM: Final = 3.2

# Of a black painting: keeps the relative distance finite.
_LEAST_SQUARE: Final = 1e-8


@dataclass(frozen=True, slots=True)
class SlicedWasserstein:
    """The quantiles of features along directions, a matrix (directions, levels)."""

    def of(self, features: Tensor, shares: Tensor | None = None) -> Tensor:
        """Return quantiles (B, directions, levels) of features (B, C, h, w); ``shares`` (B, 1, h, w) by place."""
        features = exact(features)
        if shares is None:
            return cast(Tensor, _Quantiles.apply(features))
        along = directions(features.shape[1], features.dtype, features.device)
        values = [multiply_pixels(image, along)[0].flatten(1) for image in torch.split(features, 1)]
        return torch.stack(
            [weighted_quantiles(one, share.flatten()) for one, share in zip(values, shares, strict=True)]
        )

    def target(self, moments: Moments) -> Tensor:
        """Return the style's own quantiles (directions, levels)."""
        if moments.quantiles is None:
            raise TypeError("sliced_wasserstein needs the quantiles of the painting's features")
        return moments.quantiles

    def loss(self, found: Tensor, target: Tensor, kind: LossKind) -> Tensor:
        """Return how far quantiles (B, directions, levels) are from their targets, (B,)."""
        target = with_levels(target, found.shape[2])
        distances = totals((found - target).square()) / found[0].numel()
        match kind:
            case "relative":
                squares = totals(target.square()) / target[0].numel()
                return distances * _AS_STRONG_AS_GRAM / squares.clamp_min(_LEAST_SQUARE)
            case "gatys" | "tensorflow":
                return distances
            case _:
                assert_never(kind)


def quantiles_of(features: Tensor) -> Tensor:
    """Return the quantiles (directions, levels) of a painting's features (1, C, h, w), as many for every painting."""
    return with_levels(cast(Tensor, _Quantiles.apply(exact(features)))[0], MOST_LEVELS)


class _Quantiles(torch.autograd.Function):
    """Quantiles (B, directions, levels), which keep each value's level, two bytes, for their gradient."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        along = directions(features.shape[1], features.dtype, features.device)
        found = [ranked(multiply_pixels(image, along)[0].flatten(1)) for image in torch.split(features, 1)]
        ctx.save_for_backward(*(image.level for image in found))
        ctx.shape = features.shape
        return torch.stack([image.quantiles for image in found])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        _, channels, height, width = ctx.shape
        along = directions(channels, gradient.dtype, gradient.device)
        values = (
            spread(one, level).view(1, -1, height, width)
            for one, level in zip(gradient, ctx.saved_tensors, strict=True)
        )
        return torch.cat([multiply_pixels(one, along.T) for one in values])
