"""Mean and standard deviation of each channel: their target, their loss and their gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pipeline.engine.transfer.distance import exact, squared_distance
from pipeline.engine.transfer.statistics.moments import Moments, block_moments, weighted_means
from pipeline.model import LossKind

# So much stronger than its sums of squares is the relative loss, so that gram's style weight fits it, too.
_AS_STRONG_AS_GRAM: Final = 4.0

# Of a channel that is the same everywhere: keeps its gradient finite.
_LEAST_DEVIATION: Final = 1e-12


@dataclass(frozen=True, slots=True)
class MeanStd:
    """How strongly each channel responds, and how unevenly; a matrix (2, C) of means and standard deviations.

    Li et al. (https://arxiv.org/abs/1701.01036) show that this is a style, too: what AdaIN networks move.
    """

    def of(self, features: Tensor, shares: Tensor | None = None) -> Tensor:
        """Return means and deviations (B, 2, C) of features (B, C, h, w); ``shares`` (B, 1, h, w) by place."""
        return cast(Tensor, _MeanStd.apply(exact(features), shares))

    def target(self, moments: Moments) -> Tensor:
        """Return the style's own means and deviations (2, C)."""
        variances = moments.second.diagonal() - moments.mean.square()
        return torch.stack([moments.mean, variances.clamp_min(0).sqrt()])

    def loss(self, found: Tensor, target: Tensor, kind: LossKind) -> Tensor:
        """Return how far means and deviations (B, 2, C) are from their targets, (B,)."""
        distance = squared_distance(found, target, kind, gatys_divisor=found.shape[2])
        return distance * _AS_STRONG_AS_GRAM if kind == "relative" else distance

    def sums(self, features: Tensor, target: Tensor, shares: Tensor | None) -> Tensor:
        """Return sums (1, 2, C) over a block's features (1, C, h, w).

        They are distances from the target's mean, and the squares of these.
        """
        block = block_moments(features, target[:, 0], shares)
        squares = weighted_means(block.around.square()) * features[0, 0].numel()
        return torch.stack([block.weight * block.offsets, squares + block.weight * block.offsets.square()], dim=1)

    def of_sums(self, sums: Tensor, target: Tensor, count: int) -> Tensor:
        """Return means and deviations (1, 2, C) of a layer of ``count`` positions."""
        offsets, squares = (sums / count).unbind(1)
        deviations = (squares - offsets.square()).clamp_min(_LEAST_DEVIATION**2).sqrt()
        return torch.stack([target[:, 0] + offsets, deviations], dim=1)

    def slopes(self, features: Tensor, target: Tensor, shares: Tensor | None, by_sums: Tensor) -> Tensor:
        """Return the gradient (1, C, h, w) by a block's features."""
        of_offsets, of_squares = by_sums[:, :, :, None, None].unbind(1)
        found = (features - target[:, 0, :, None, None]) * (2 * of_squares) + of_offsets
        return found if shares is None else found.mul_(shares)


class _MeanStd(torch.autograd.Function):
    """Means and deviations (B, 2, C), which keep nothing but the features for their gradient."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, shares: Tensor | None) -> Tensor:
        means = weighted_means(features, shares)
        squares = (features - means[:, :, None, None]).square_()
        deviations = weighted_means(squares, shares).sqrt()
        ctx.save_for_backward(features, shares, means, deviations)
        return torch.stack([means, deviations], dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        features, shares, means, deviations = ctx.saved_tensors
        of_means, of_deviations = gradient.unbind(1)
        slopes = of_deviations / deviations.clamp_min(_LEAST_DEVIATION)
        found = features * slopes[:, :, None, None]
        found += (of_means - slopes * means)[:, :, None, None]
        found /= features[0, 0].numel()
        return (found if shares is None else found.mul_(shares)), None
