"""How much each place counts in each of the losses: guided statistics, and factors on the content losses.

After Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer" (https://arxiv.org/abs/1611.07865): each
style has statistics of its own, in which every position of a layer counts as much as the style has of it. Maps come
to a layer by averages over the area of its positions.

A style's loss counts as much as its share of the picture: so style and content pull at each pixel as they do in a
picture that is painted whole, however small a region is. Weighing all regions alike instead lets a region of a tenth
of the picture be pulled ten times as hard by its style, and leaves nothing of the photo there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.cpu.deterministic_sum import total
from pipeline.engine.network.architecture import BLOCKS, reduction_of
from pipeline.engine.transfer.content import PIXELS
from pipeline.engine.transfer.geometry import Geometry, averaged_to_network
from pipeline.engine.transfer.places import PaintedPlaces

# A style that has less than so many positions of a layer has no statistics there worth to be reached.
_LEAST_POSITIONS: Final = 4.0

# Where a face is to be recognized at all costs, the content counts so much more, and the style so much less.
_MORE_CONTENT: Final = 4.0
_LESS_STYLE: Final = 0.9


@dataclass(frozen=True, eq=False)
class Guide:
    """How places count at a layer, for B pictures in R styles each.

    ``shares`` (B, R, h, w): how much a position counts in a style's statistics, 1 on the average. ``weights`` (B, R):
    how much a style's loss counts, 0 where it has hardly a position. ``factors`` (B, 1, h, w): how much a position
    counts in the content losses.
    """

    shares: Tensor
    weights: Tensor
    factors: Tensor


@dataclass(frozen=True, eq=False)
class Guides:
    """The guides of all layers. ``free`` (B, 1, H, W): how much of a pixel is painted, None = all of all pixels."""

    by_reduction: Mapping[int, Guide]
    free: Tensor | None

    def of(self, layer: str) -> Guide:
        """Return the guide of ``layer``, or of the pixels themselves."""
        return self.by_reduction[1 if layer == PIXELS else reduction_of(layer)]


def guides_for(places: PaintedPlaces, geometry: Geometry) -> Guides:
    """Return the guides of a picture (B = 1) whose places, at a scale, lie as ``geometry`` says."""
    painted = averaged_to_network(places.painted, geometry)
    free = None if places.kept is None else 1 - averaged_to_network(places.kept, geometry)
    factors = torch.ones_like(painted[:, :1]) if free is None else free
    if places.guarded is not None:
        guarded = averaged_to_network(places.guarded, geometry)
        painted = painted * (1 - _LESS_STYLE * guarded)
        factors = factors * (1 + _MORE_CONTENT * guarded)
    reductions = [2**block for block in range(BLOCKS)]
    return Guides({by: _guide(_reduced(painted, by), _reduced(factors, by)) for by in reductions}, free)


def joined(guides: Sequence[Guides]) -> Guides:
    """Return the guides of several pictures, of the same number of styles each, as one of a batch."""
    first = guides[0]
    if len(guides) == 1:
        return first
    by_reduction = {
        by: Guide(
            torch.cat([each.by_reduction[by].shares for each in guides]),
            torch.cat([each.by_reduction[by].weights for each in guides]),
            torch.cat([each.by_reduction[by].factors for each in guides]),
        )
        for by in first.by_reduction
    }
    free = [each.free for each in guides if each.free is not None]
    return Guides(by_reduction, torch.cat(free) if free else None)


def one_of(guides: Guides, index: int) -> Guides:
    """Return the guides of a single picture of a batch."""
    own = slice(index, index + 1)
    by_reduction = {
        by: Guide(guide.shares[own], guide.weights[own], guide.factors[own])
        for by, guide in guides.by_reduction.items()
    }
    return Guides(by_reduction, None if guides.free is None else guides.free[own])


def moved(guides: Guides, device: torch.device) -> Guides:
    """Return ``guides`` on ``device``."""
    by_reduction = {
        by: Guide(guide.shares.to(device), guide.weights.to(device), guide.factors.to(device))
        for by, guide in guides.by_reduction.items()
    }
    return Guides(by_reduction, None if guides.free is None else guides.free.to(device))


def _guide(painted: Tensor, factors: Tensor) -> Guide:
    """Return the guide of a layer, given how much each style has of each position (1, R, h, w), and the factors."""
    positions = painted[0, 0].numel()
    sums = [float(total(share)) for share in painted[0]]
    counts = [found >= min(_LEAST_POSITIONS, positions) for found in sums]
    shares = [
        # What does not count has statistics all the same, which must be finite.
        share * (positions / found) if there else torch.ones_like(share)
        for share, found, there in zip(painted[0], sums, counts, strict=True)
    ]
    weights = [found / positions if there else 0.0 for found, there in zip(sums, counts, strict=True)]
    return Guide(torch.stack(shares)[None], painted.new_tensor([weights]), factors)


def _reduced(maps: Tensor, by: int) -> Tensor:
    return maps if by == 1 else nn.avg_pool2d(maps, by)
