"""Squared distances to targets: relative, gatys, tensorflow."""

from __future__ import annotations

from typing import Final, assert_never

import torch
from torch import Tensor

from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.model import LossKind

# Of a black painting's Gram matrix or a blank photo's features: keeps the relative distances finite.
_LEAST_NORM: Final = 1e-8


def exact(x: Tensor) -> Tensor:
    """Return ``x`` in float32, whatever the convolutions ran in; float64 stays float64."""
    return x if x.dtype == torch.float64 else x.float()


def in_float64(x: Tensor) -> Tensor:
    """Return ``x`` in float64, except where there is none: on Metal."""
    return x if x.device.type == "mps" else x.double()


def squared_distance(
    found: Tensor, target: Tensor, kind: LossKind, *, gatys_divisor: float, factors: Tensor | None = None
) -> Tensor:
    """Return how far each of ``found`` (B, ...) is from its ``target`` (B, ...), (B,).

    Relative to the target's own sum of squares, divided by ``gatys_divisor``, or by the number of values. The squared
    differences are first multiplied with ``factors``, of a shape that fits.
    """
    squared = (found - target).square()
    squares = totals(squared if factors is None else squared * factors)
    of_target = totals(target.square()) if kind == "relative" else squares
    return distance_of_sums(squares, of_target, kind, gatys_divisor=gatys_divisor, count=found[0].numel())


def distance_of_sums(
    squares: Tensor, of_target: Tensor, kind: LossKind, *, gatys_divisor: float, count: int
) -> Tensor:
    """Return the same (B,), of the sums (B,) of squared differences and of the target's own squares.

    ``count``: how many values were added up.
    """
    match kind:
        case "relative":
            return squares / of_target.clamp_min(_LEAST_NORM)
        case "gatys":
            return squares / gatys_divisor
        case "tensorflow":
            return squares / count
        case _:
            assert_never(kind)
