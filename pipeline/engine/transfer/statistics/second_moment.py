"""The second moment of a layer's features, Gatys' Gram matrix: its target, its loss and its gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pipeline.engine.cpu.products import mean_products, multiply_pixels_of_each
from pipeline.engine.transfer.distance import exact, squared_distance
from pipeline.engine.transfer.statistics.moments import Moments
from pipeline.model import LossKind


@dataclass(frozen=True, slots=True)
class SecondMoment:
    """Which channels respond together: G = F F' / (h w), a matrix (C, C)."""

    def of(self, features: Tensor, shares: Tensor | None = None) -> Tensor:
        """Return the Gram matrices (B, C, C) of features (B, C, h, w); ``shares`` (B, 1, h, w) by place.

        With shares these are the guided Gram matrices of Gatys et al. (https://arxiv.org/abs/1611.07865).
        """
        features = exact(features)
        return cast(Tensor, _MeanProducts.apply(features, shares))

    def target(self, moments: Moments) -> Tensor:
        """Return the style's own Gram matrix (C, C)."""
        return moments.second

    def loss(self, found: Tensor, target: Tensor, kind: LossKind) -> Tensor:
        """Return how far Gram matrices (B, C, C) are from their targets, (B,)."""
        return squared_distance(found, target, kind, gatys_divisor=4 * found.shape[1] ** 2)

    def sums(self, features: Tensor, target: Tensor, shares: Tensor | None) -> Tensor:  # noqa: ARG002
        """Return the products of channels (1, C, C), added up over a block's features (1, C, h, w)."""
        weighted = features if shares is None else features * shares.sqrt()
        return mean_products(weighted) * features[0, 0].numel()

    def of_sums(self, sums: Tensor, target: Tensor, count: int) -> Tensor:  # noqa: ARG002
        """Return the Gram matrix (1, C, C) of a layer of ``count`` positions."""
        return sums / count

    def slopes(self, features: Tensor, target: Tensor, shares: Tensor | None, by_sums: Tensor) -> Tensor:  # noqa: ARG002
        """Return the gradient (1, C, h, w) by a block's features."""
        found = multiply_pixels_of_each(features, by_sums + by_sums.transpose(1, 2))
        return found if shares is None else found.mul_(shares)


class _MeanProducts(torch.autograd.Function):
    """F S F' / (h w), whose gradient (D + D') F S / (h w) takes one matrix product, not the two of the plain formula.

    S are the shares. For the gradient nothing is kept that the network does not keep anyway.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, shares: Tensor | None) -> Tensor:
        ctx.save_for_backward(features, shares)
        return mean_products(features if shares is None else features * shares.sqrt())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        features, shares = ctx.saved_tensors
        slopes = multiply_pixels_of_each(features, (gradient + gradient.transpose(1, 2)) / features[0, 0].numel())
        return slopes if shares is None else slopes.mul_(shares), None
