"""Keeps how alike the places of a photo are to each other: its shapes stay, its colors and textures are free.

The content loss of Kolkin, Salavon and Shakhnarovich (https://arxiv.org/abs/1904.12785). Unlike
theirs, places are fixed for a layer's shape, not drawn anew for each evaluation: L-BFGS needs a loss that stays.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, assert_never, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.transfer.distance import exact
from pipeline.model import LossKind

#: How many positions of a layer are compared with each other at most.
MOST_POSITIONS: Final = 1024

# The content weight that suits a loss of features then suits this one: found as what leaves as large a style loss, by
# default, for a portrait and an animal of 160 pixels.
_STRENGTH: Final = 6.0

# Of a blank photo all distances are rounding errors: nothing is alike or different there, and nothing to be kept.
_LEAST_DISTANCE: Final = 1e-3
_LEAST_SQUARE: Final = 1e-12

# Fractions that spread numbered points evenly over a square (Roberts' generalization of the golden ratio).
_SPREAD: Final = (0.7548776662466927, 0.5698402909980532)


@dataclass(frozen=True, slots=True)
class SelfSimilarity:
    """Which places look alike: the cosine distances of sampled positions' features, as shares of each one's sum.

    In the relative form the loss is how much of those shares is elsewhere: 0, or 2 at most, for each position, on the
    average. In the others it is as large as the loss of features is there that is as large in the relative form.
    """

    def positions(self, height: int, width: int) -> Tensor:
        """Return which positions of a layer are compared, in the order of the rows."""
        return _positions(height, width)

    def target(self, features: Tensor) -> Tensor:
        """Return the photo's shares (1, n, n), and in a further row the sum of squares of its features."""
        features = exact(features)
        shares = _shares(_sampled(features))
        squares = totals(features.square()).view(-1, 1, 1).expand(-1, 1, shares.shape[2])
        return torch.cat([shares, squares], dim=1)

    def loss(self, features: Tensor, target: Tensor, kind: LossKind, factors: Tensor | None = None) -> Tensor:
        """Return how far features (B, C, h, w) are from their targets, (B,).

        ``factors`` (B, 1, h, w) by place: two positions count as much as the geometric mean of their factors.
        """
        rows = _sampled(exact(features))
        return self.loss_of_rows(rows, target, kind, features[0].numel(), factors)

    def loss_of_rows(
        self, rows: Tensor, target: Tensor, kind: LossKind, count: int, factors: Tensor | None = None
    ) -> Tensor:
        """Return the same for the features at the compared positions, as rows (B, n, C); ``count``: of all values."""
        found = _shares(rows)
        differences = (found - target[:, :-1]).abs()
        if factors is not None:
            roots = _sampled(factors).sqrt()
            differences = differences * (roots * roots.transpose(1, 2))
        relative = totals(differences) * (_STRENGTH / found.shape[1])
        match kind:
            case "relative":
                return relative
            case "gatys":
                return relative * target[:, -1, 0] / 2
            case "tensorflow":
                return relative * target[:, -1, 0] / count
            case _:
                assert_never(kind)


def _shares(rows: Tensor) -> Tensor:
    """Return the cosine distances (B, n, n) of rows (B, n, C), each row of them divided by its sum."""
    unit = rows * rows.square().sum(2, keepdim=True).clamp_min(_LEAST_SQUARE).rsqrt()
    distances = 1 - cast(Tensor, _Products.apply(unit))
    return distances / distances.sum(2, keepdim=True).clamp_min(_LEAST_DISTANCE * rows.shape[1])


def _sampled(features: Tensor) -> Tensor:
    """Return the features (B, C, h, w) at the compared positions as rows, (B, n, C)."""
    positions = _positions(*features.shape[2:]).to(features.device)
    return features.flatten(2).transpose(1, 2).index_select(1, positions)


@lru_cache(maxsize=64)
def _positions(height: int, width: int) -> Tensor:
    """Return which positions of a layer are compared, in the order of its rows: all, or one of each square cell.

    Cells are as small as the limit on their number allows. Where a cell's position lies in it follows from its
    number: a regular grid would show in the picture.
    """
    side = 1
    while -(-height // side) * -(-width // side) > MOST_POSITIONS:
        side += 1
    columns = -(-width // side)
    cells = torch.arange(-(-height // side) * columns)
    row, column = (
        torch.minimum(cell * side + (cells * spread).frac().mul(side).long(), torch.tensor(last))
        for cell, spread, last in zip(
            (cells // columns, cells % columns), _SPREAD, (height - 1, width - 1), strict=True
        )
    )
    return row * width + column


class _Products(torch.autograd.Function):
    """Products of rows with each other, U U', whose gradient (D + D') U takes one matrix product, not two.

    On a single thread: the second one is a long sum, which has other bits with another number of them.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        with _one_thread(rows):
            products: Tensor = rows @ rows.transpose(1, 2)
            return products

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        with _one_thread(rows):
            slopes: Tensor = (gradient + gradient.transpose(1, 2)) @ rows
            return slopes


def _one_thread(x: Tensor) -> AbstractContextManager[None]:
    return on_threads(1) if x.device.type == "cpu" else nullcontext()
