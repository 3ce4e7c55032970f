"""Mean and second moment of a layer's features, and their blends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from pipeline.engine.cpu.products import mean_products
from pipeline.engine.transfer.distance import exact


@dataclass(frozen=True, slots=True)
class Moments:
    """Features of a layer, averaged over their pixels: ``mean`` (C,), and ``second`` (C, C), the Gram matrix."""

    mean: Tensor
    second: Tensor


def moments_of(features: Tensor) -> Moments:
    """Return the moments of one painting's features (1, C, h, w)."""
    features = exact(features)
    return Moments(features.mean((0, 2, 3)), mean_products(features)[0])


def blended(parts: Iterable[tuple[Moments, float]]) -> Moments:
    """Return the sum of moments, each times its share."""
    means, seconds = zip(*((part.mean * share, part.second * share) for part, share in parts), strict=True)
    return Moments(_sum(means), _sum(seconds))


def _sum(tensors: tuple[Tensor, ...]) -> Tensor:
    result, *others = tensors
    for tensor in others:
        result = result + tensor
    return result
