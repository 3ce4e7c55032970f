"""The whole distribution of a layer's features, compared along directions: sliced Wasserstein-2.

After Heitz et al. (https://arxiv.org/abs/2006.07229), with one departure: the directions are the same at every
evaluation, orthogonal, and as many as there are channels, since L-BFGS needs a loss that does not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final, assert_never, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.engine.cpu.products import multiply_pixels
from pipeline.engine.network.gradient_checkpointing import checkpointed
from pipeline.engine.transfer.distance import exact
from pipeline.engine.transfer.statistics.moments import Moments
from pipeline.engine.transfer.statistics.quantiles import (
    MOST_LEVELS,
    directions,
    parts_of,
    ranked,
    spread,
    weighted_quantiles,
    with_levels,
)
from pipeline.model import LossKind

# So much stronger than its squared distance is the relative loss, so that gram's style weight fits it, too.
_AS_STRONG_AS_GRAM: Final = 3.3

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
        images = zip(torch.split(features, 1), torch.split(shares, 1), strict=True)
        return torch.stack([_by_place(image, share) for image, share in images])

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


def _by_place(image: Tensor, shares: Tensor) -> Tensor:
    """Return the quantiles (directions, levels) of features (1, C, h, w) whose places count by shares (1, 1, h, w).

    What the gradient of some directions needs is many times the features, so it is computed again for each part.
    """
    along = directions(image.shape[1], image.dtype, image.device)

    def of(rows: slice, image: Tensor) -> dict[str, Tensor]:
        values = multiply_pixels(image, along[rows])[0].flatten(1)
        return {"quantiles": weighted_quantiles(values, shares.flatten())}

    parts = parts_of(len(along), image[0, 0].numel())
    return torch.cat([checkpointed(partial(of, rows), image)["quantiles"] for rows in parts])


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
