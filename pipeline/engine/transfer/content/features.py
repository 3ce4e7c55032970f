"""The photo's features themselves, the content loss of Gatys, Ecker and Bethge."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from pipeline.engine.transfer.distance import exact, squared_distance
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
