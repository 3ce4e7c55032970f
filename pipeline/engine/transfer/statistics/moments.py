"""Mean and second moment of a layer's features, and their blends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.cpu.deterministic_sum import total
from pipeline.engine.cpu.products import mean_products
from pipeline.engine.transfer.distance import exact, in_float64

# Of a block in which a style has no place.
_LEAST_WEIGHT: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Moments:
    """Features of a layer, averaged over their pixels: ``mean`` (C,), and ``second`` (C, C), the Gram matrix.

    ``quantiles`` (directions, levels): what moments do not say of the features, if a style loss wants it, see
    :mod:`pipeline.engine.transfer.statistics.quantiles`.
    """

    mean: Tensor
    second: Tensor
    quantiles: Tensor | None = None


def moments_of(features: Tensor) -> Moments:
    """Return the moments of one painting's features (1, C, h, w)."""
    features = exact(features)
    return Moments(features.mean((0, 2, 3)), mean_products(features)[0])


def weighted_means(features: Tensor, shares: Tensor | None = None) -> Tensor:
    """Return the means (B, C) of features (B, C, h, w) over places, which count by ``shares`` (B, 1, h, w).

    Those of an image have the same bits alone and in any batch, on the CPU.
    """
    weighted = features if shares is None else features * shares
    if features.device.type != "cpu":
        return weighted.mean((2, 3))
    return torch.cat([image.mean((2, 3)) for image in torch.split(weighted, 1)])


@dataclass(frozen=True, slots=True)
class BlockMoments:
    """A block's features around a fixed ``center`` (1, C), in what float64 holds of them.

    ``weight`` (): what its places count together. ``offsets`` (1, C): of their mean from the center. ``around``
    (1, C, h, w), float32 as the features: their distances from their own mean, times the roots of their shares. So
    variances follow without that large squares cancel out.
    """

    weight: Tensor
    offsets: Tensor
    around: Tensor


def block_moments(features: Tensor, center: Tensor, shares: Tensor | None) -> BlockMoments:
    """Return the moments of features (1, C, h, w), whose places count by ``shares`` (1, 1, h, w)."""
    count = features[0, 0].numel()
    weight = features.new_tensor(count) if shares is None else total(shares)
    means = weighted_means(features, shares) * (count / weight.clamp_min(_LEAST_WEIGHT))
    around = features - means[:, :, None, None]
    if shares is not None:
        around *= shares.sqrt()
    return BlockMoments(in_float64(weight), in_float64(means) - in_float64(center), around)


def blended(parts: Iterable[tuple[Moments, float]]) -> Moments:
    """Return the sum of moments, each times its share.

    The sum of quantiles is the Wasserstein barycenter of the paintings along each direction.
    """
    found, shares = zip(*parts, strict=True)
    quantiles = [one.quantiles for one in found if one.quantiles is not None]
    return Moments(
        _sum([one.mean for one in found], shares),
        _sum([one.second for one in found], shares),
        _sum(quantiles, shares) if quantiles else None,
    )


def _sum(tensors: Iterable[Tensor], shares: Iterable[float]) -> Tensor:
    result, *others = (tensor * share for tensor, share in zip(tensors, shares, strict=True))
    for tensor in others:
        result = result + tensor
    return result
