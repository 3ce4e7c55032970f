"""Quantiles of a layer's features along fixed directions: what sliced Wasserstein compares.

Level j of Q is the mean of the j-th of Q equal parts of the sorted values. Q is a power of 2, and a part has at least
two values: so quantiles of more positions and of fewer are brought to the same levels by taking means.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

#: Names the directions and levels of this module in the style cache; other ones need another name.
VERSION: Final = "quantiles-1"

MOST_LEVELS: Final = 512

# Values that are sorted at once: what that takes besides is small beside the features.
_VALUES_AT_ONCE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Ranked:
    """Values along directions: ``quantiles`` (directions, levels), and at which ``level`` (directions, n) each is."""

    quantiles: Tensor
    level: Tensor


def levels_of(count: int) -> int:
    """Return at how many levels ``count`` values have quantiles."""
    return min(MOST_LEVELS, 1 << max(0, (count // 2).bit_length() - 1))


def ranked(values: Tensor) -> Ranked:
    """Return the quantiles of values (directions, n); the levels' parts are equal up to one value."""
    count = values.shape[1]
    levels = levels_of(count)
    level_of_rank = torch.div(torch.arange(count, device=values.device) * levels, count, rounding_mode="floor")
    level_of_rank = level_of_rank.to(torch.int16)
    found = [_ranked(values[rows].contiguous(), level_of_rank, levels) for rows in parts_of(*values.shape)]
    return Ranked(torch.cat([part.quantiles for part in found]), torch.cat([part.level for part in found]))


def _ranked(values: Tensor, level_of_rank: Tensor, levels: int) -> Ranked:
    order = _argsort(values)
    level = torch.empty_like(order, dtype=torch.int16).scatter_(1, order, level_of_rank.expand(order.shape))
    return Ranked(_level_means(values.gather(1, order), levels), level)


def _argsort(values: Tensor) -> Tensor:
    # On the CPU numpy sorts several times as fast as torch.
    if values.device.type != "cpu":
        return values.argsort(1)
    return torch.from_numpy(np.argsort(values.numpy(), axis=1))


def _level_means(ordered: Tensor, levels: int) -> Tensor:
    """Return the means (directions, levels) of the parts of sorted values (directions, n)."""
    count = ordered.shape[1]
    if count % levels == 0:
        return ordered.view(len(ordered), levels, -1).mean(2)
    ends = torch.div(torch.arange(1, levels + 1) * count + levels - 1, levels, rounding_mode="floor").tolist()
    starts = [0, *ends[:-1]]
    return torch.stack([ordered[:, start:end].mean(1) for start, end in zip(starts, ends, strict=True)], dim=1)


def spread(by_level: Tensor, level: Tensor) -> Tensor:
    """Return for each value the gradient (directions, n) that a gradient of quantiles (directions, levels) is.

    It is the exact one: which value is at which level does not change by a small step.
    """
    count, levels = level.shape[1], by_level.shape[1]
    ends = torch.div(
        torch.arange(levels + 1, device=by_level.device) * count + levels - 1, levels, rounding_mode="floor"
    )
    by_level = by_level / ends.diff()
    found = torch.empty(level.shape, dtype=by_level.dtype, device=by_level.device)
    for rows in parts_of(*level.shape):
        found[rows] = by_level[rows].gather(1, level[rows].long())
    return found


def weighted_quantiles(values: Tensor, shares: Tensor) -> Tensor:
    """Return the quantiles (directions, levels) of values (directions, n) that count by ``shares`` (n,).

    Differentiable. A value that is worth more than a level is in several of them.
    """
    levels = levels_of(values.shape[1])
    order = _argsort(values.detach().contiguous())
    ordered = values.gather(1, order)
    exact = torch.float32 if values.device.type == "mps" else torch.float64  # MPS has no float64
    weights = shares.to(exact)[order]
    weights = weights / weights.sum(1, keepdim=True)
    products = ordered.to(exact) * weights
    reached, sums = (pad(each.cumsum(1), (1, 0)) for each in (weights, products))
    edges = torch.linspace(0, 1, levels + 1, dtype=exact, device=ordered.device).expand(len(ordered), -1)
    index = torch.searchsorted(reached[:, 1:].contiguous(), edges.contiguous()).clamp_max(ordered.shape[1] - 1)
    part = (edges - reached.gather(1, index)) / weights.gather(1, index).clamp_min(1e-30)
    through = sums.gather(1, index) + part.clamp(0, 1) * products.gather(1, index)
    return (through.diff(dim=1) * levels).to(ordered.dtype)


def with_levels(quantiles: Tensor, levels: int) -> Tensor:
    """Return quantiles (..., Q) at another number of levels; more levels than they have say no more."""
    found = quantiles.shape[-1]
    if levels >= found:
        return quantiles.repeat_interleave(levels // found, dim=-1)
    return quantiles.reshape(*quantiles.shape[:-1], levels, found // levels).mean(-1)


@lru_cache(maxsize=32)
def directions(channels: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return as many orthogonal directions as there are channels, (directions, channels), always the same.

    They are spread evenly: the mean square along all of them is that of the features.
    """
    # RandomState's numbers are promised to stay: what is in the style cache is along these directions.
    normal = np.random.RandomState(channels).standard_normal((channels, channels))
    orthogonal, triangle = np.linalg.qr(normal)
    # QR is unique but for signs.
    found = torch.from_numpy((orthogonal * np.sign(np.diag(triangle))).T.copy())
    return found.to(dtype).to(device)


def parts_of(directions: int, count: int) -> list[slice]:
    """Return the directions in parts, of which each has few enough values, ``count`` along a direction."""
    step = max(1, _VALUES_AT_ONCE // count)
    return [slice(first, min(first + step, directions)) for first in range(0, directions, step)]
