"""The photo's features themselves, the content loss of Gatys, Ecker and Bethge."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.engine.transfer.distance import distance_of_sums, exact, squared_distance
from pipeline.model import LossKind


@dataclass(frozen=True, slots=True)
class Features:
    """What is seen where: features keep their values at their places."""

    def target(self, features: Tensor) -> Tensor:
        """Return the photo's features."""
        return features

    def loss(self, features: Tensor, target: Tensor, kind: LossKind, factors: Tensor | None = None) -> Tensor:
        """Return how far features (B, C, h, w) are from their targets, (B,); ``factors`` (B, 1, h, w) by place."""
        return squared_distance(exact(features), exact(target), kind, gatys_divisor=2, factors=factors)

    def sums(self, features: Tensor, target: Tensor, factors: Tensor | None) -> Tensor:
        """Return sums (1, 2) over a block's features (1, C, h, w): squared differences, and the target's squares."""
        target = exact(target)
        squared = (features - target).square()
        return torch.stack([totals(squared if factors is None else squared * factors), totals(target.square())], 1)

    def loss_of_sums(self, sums: Tensor, kind: LossKind, count: int) -> Tensor:
        """Return the loss (1,) of a layer of ``count`` values, differentiable in their ``sums``."""
        return distance_of_sums(sums[:, 0], sums[:, 1], kind, gatys_divisor=2, count=count)

    def slopes(self, features: Tensor, target: Tensor, factors: Tensor | None, by_sums: Tensor) -> Tensor:
        """Return the gradient (1, C, h, w) by a block's features."""
        found = (features - exact(target)) * (2 * by_sums[0, 0])
        return found if factors is None else found.mul_(factors)
