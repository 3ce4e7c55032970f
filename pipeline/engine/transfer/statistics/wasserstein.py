"""Mean and covariance of a layer's features, compared by Wasserstein-2: their target, their loss and its gradient.

The squared distance between the Gaussians N(m, S) and N(t, T) is |m - t|^2 + tr(S) + tr(T) - 2 tr((S T)^(1/2)). With
Cholesky factors, S = L L' and T = M M', the covariances' part is |L U - M|^2, where U is the orthogonal matrix that
is nearest to L' M. That is a sum of squares, so near the target nothing cancels out; and the condition of L' M is the
root of that of the matrix whose root the formula wants, so that float32 is enough: at VGG-19's layers it gives values
right to 1e-7 and gradients to 1e-4 of the painting's mean square and the gradient's length. The gradient in S is
1 - M (M' S M)^(-1/2) M' = L'^(-1) (L - M U')'.

The features of a layer are correlated, so that covariances are nearly singular. Both get a little more variance,
alike in all directions: :data:`_RIDGE` times the mean variance of the one that gets it and the target's mean square.
At the target both are the same, so that loss and gradient are 0 there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pipeline.engine.cpu.products import mean_products, multiply_pixels_of_each
from pipeline.engine.cpu.threads import for_each, on_threads
from pipeline.engine.transfer.distance import exact
from pipeline.engine.transfer.statistics.moments import Moments, block_moments, weighted_means
from pipeline.engine.transfer.statistics.polar import polar_factor
from pipeline.model import LossKind

_RIDGE: Final = 0.01

# Of a black painting: keeps everything finite.
_LEAST_SQUARE: Final = 1e-8

# So much stronger than its squared distance is the relative loss, so that gram's style weight fits it, too. With
# twice as much, pictures keep as little of their photos as with gram, and look no more like their paintings.
_AS_STRONG_AS_GRAM: Final = 0.35


@dataclass(frozen=True, slots=True)
class Wasserstein:
    """The Gaussian that a layer's features would be if their mean and covariance said all, a matrix (C, C + 1).

    A target is (C, C + 2): the factor of its covariance, its mean, and its sum of squares in a column.
    """

    def of(self, features: Tensor, shares: Tensor | None = None) -> Tensor:
        """Return covariances and means (B, C, C + 1) of features (B, C, h, w); ``shares`` (B, 1, h, w) by place."""
        return cast(Tensor, _Gaussians.apply(exact(features), shares))

    def target(self, moments: Moments) -> Tensor:
        """Return what the Gaussian of a style is compared by (C, C + 2)."""
        mean, second = moments.mean.cpu().double(), moments.second.cpu().double()
        squares = second.diagonal().sum().clamp_min(_LEAST_SQUARE)
        with on_threads(1):  # LAPACK has other bits with another number of them
            factor = torch.linalg.cholesky(_ridged(second - torch.outer(mean, mean), squares))
        columns = [factor, mean[:, None], squares.expand(len(mean), 1)]
        return torch.cat(columns, dim=1).to(moments.second.dtype).to(moments.second.device)

    def loss(self, found: Tensor, target: Tensor, kind: LossKind) -> Tensor:
        """Return how far Gaussians (B, C, C + 1) are from their targets (B, C, C + 2), (B,)."""
        return self.losses([found], [target], kind)[0]

    def losses(self, found: Sequence[Tensor], targets: Sequence[Tensor], kind: LossKind) -> list[Tensor]:
        """Return the same for several, whose covariances are compared in parallel."""
        if not found:
            return []
        of_covariances = cast(tuple[Tensor, ...], _Distances.apply(targets, *(each[:, :, :-1] for each in found)))
        return [
            self._loss((each[:, :, -1] - target[:, :, -2]).square().sum(1) + of_covariance, target, kind)
            for each, target, of_covariance in zip(found, targets, of_covariances, strict=True)
        ]

    def _loss(self, distances: Tensor, target: Tensor, kind: LossKind) -> Tensor:
        match kind:
            case "relative":
                return distances * _AS_STRONG_AS_GRAM / target[:, 0, -1]
            case "gatys" | "tensorflow":
                return distances / target.shape[1]
            case _:
                assert_never(kind)

    def sums(self, features: Tensor, target: Tensor, shares: Tensor | None) -> Tensor:
        """Return sums (1, C, C + 1) over a block's features (1, C, h, w).

        They are products of distances from the target's mean, and in the last column the distances themselves.
        """
        block = block_moments(features, target[:, :, -2], shares)
        offsets = block.offsets[:, :, None]
        products = mean_products(block.around) * features[0, 0].numel()
        products = products + block.weight * offsets * offsets.transpose(1, 2)
        return torch.cat([products, block.weight * offsets], dim=2)

    def of_sums(self, sums: Tensor, target: Tensor, count: int) -> Tensor:
        """Return covariances and means (1, C, C + 1) of a layer of ``count`` positions."""
        products, offsets = sums[:, :, :-1] / count, sums[:, :, -1:] / count
        means = target[:, :, -2, None] + offsets
        return torch.cat([products - offsets * offsets.transpose(1, 2), means], dim=2)

    def slopes(self, features: Tensor, target: Tensor, shares: Tensor | None, by_sums: Tensor) -> Tensor:
        """Return the gradient (1, C, h, w) by a block's features."""
        matrices = by_sums[:, :, :-1] + by_sums[:, :, :-1].transpose(1, 2)
        offsets = by_sums[:, :, -1] - _times(matrices[0], target[0, :, -2])
        found = multiply_pixels_of_each(features, matrices)
        found += offsets[:, :, None, None]
        return found if shares is None else found.mul_(shares)


def _ridged(covariances: Tensor, squares: Tensor) -> Tensor:
    """Return covariances (..., C, C) with more variance, for targets whose sums of squares are ``squares`` (...)."""
    variances = covariances.diagonal(dim1=-2, dim2=-1)
    ridge = (_RIDGE / variances.shape[-1]) * (variances.sum(-1) + squares)
    return covariances + torch.diag_embed(ridge[..., None].expand(variances.shape))


class _Gaussians(torch.autograd.Function):
    """Covariances and means (B, C, C + 1), which keep nothing but the features for their gradient."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, shares: Tensor | None) -> Tensor:
        means = weighted_means(features, shares)
        centered = features - means[:, :, None, None]
        if shares is not None:
            centered *= shares.sqrt()
        ctx.save_for_backward(features, shares, means)
        return torch.cat([mean_products(centered), means[:, :, None]], dim=2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        features, shares, means = ctx.saved_tensors
        of_covariances, of_means = gradient[:, :, :-1], gradient[:, :, -1]
        matrices = of_covariances + of_covariances.transpose(1, 2)
        offsets = torch.cat([_times(one, mean) for one, mean in zip(matrices, means, strict=True)])
        pixels = features[0, 0].numel()
        found = multiply_pixels_of_each(features, matrices / pixels)
        found += ((of_means - offsets) / pixels)[:, :, None, None]
        return (found if shares is None else found.mul_(shares)), None


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    """Return ``matrix`` (C, C) times ``vector`` (C,) as (1, C), with the same bits on any number of threads."""
    return (matrix * vector).sum(1)[None]


class _Distances(torch.autograd.Function):
    """Squared Wasserstein-2 distances (B,) of several covariances (B, C, C) from targets (B, C, C + 2).

    Without the means.
    """

    @staticmethod
    def forward(ctx: Any, targets: Sequence[Tensor], *covariances: Tensor) -> tuple[Tensor, ...]:
        found = _on_gpu(covariances, targets) if covariances[0].is_cuda else _on_cpu(covariances, targets)
        distances, gradients = zip(*found, strict=True)
        ctx.save_for_backward(*gradients)
        return cast(tuple[Tensor, ...], distances)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(found * slope[:, None, None] for found, slope in zip(ctx.saved_tensors, slopes, strict=True))


_Found = list[tuple[Tensor, Tensor]]


def _on_gpu(covariances: Sequence[Tensor], targets: Sequence[Tensor]) -> _Found:
    return [_distance_and_gradient(*each) for each in zip(covariances, targets, strict=True)]


def _on_cpu(covariances: Sequence[Tensor], targets: Sequence[Tensor]) -> _Found:
    """Return distances (B,) and gradients (B, C, C), image by image and in parallel, the largest first.

    LAPACK and matrix products have other bits with another number of threads, and in a batch. Not all of this is
    there for MPS.
    """
    here = [(each.cpu(), target.cpu()) for each, target in zip(covariances, targets, strict=True)]
    parts = [(layer, image) for layer, (each, _) in enumerate(here) for image in range(len(each))]
    found: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def compare(part: tuple[int, int]) -> None:
        layer, image = part
        one = slice(image, image + 1)
        with on_threads(1):
            found[part] = _distance_and_gradient(here[layer][0][one], here[layer][1][one])

    for_each(compare, sorted(parts, key=lambda part: -here[part[0]][0].shape[1]))
    joined = []
    for layer, there in enumerate(covariances):
        images = [found[layer, image] for image in range(len(there))]
        distances, gradients = zip(*images, strict=True)
        joined.append((torch.cat(distances).to(there.device), torch.cat(gradients).to(there.device)))
    return joined


def _distance_and_gradient(covariances: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    channels = covariances.shape[1]
    wanted = targets[:, :, :channels]
    factors, failed = torch.linalg.cholesky_ex(_ridged(covariances, targets[:, 0, -1]))
    # Of features that are no numbers any more: so is the loss, which ends the picture with a message.
    factors = factors.masked_fill((failed != 0)[:, None, None], math.nan)
    rotations = polar_factor(factors.transpose(1, 2) @ wanted, _RIDGE / channels)
    missing = factors - wanted @ rotations.transpose(1, 2)
    slopes = torch.linalg.solve_triangular(factors.transpose(1, 2), missing.transpose(1, 2), upper=True)
    slopes = (slopes + slopes.transpose(1, 2)) / 2
    of_ridge = slopes.diagonal(dim1=1, dim2=2).sum(1) * (_RIDGE / channels)
    slopes = slopes + torch.diag_embed(of_ridge[:, None].expand(-1, channels))
    return missing.square().sum((1, 2)), slopes
