"""The statistics of a layer that define a style, and their registry.

A further statistic is a class like :class:`~pipeline.engine.transfer.statistics.second_moment.SecondMoment` in a
module of its own, and an entry in :data:`STATISTICS`, under a name that :data:`pipeline.model.StyleLossKind` has.
What it compares must follow from the moments that the style cache keeps of a painting, see
:mod:`pipeline.engine.transfer.statistics.moments`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from torch import Tensor

from pipeline.engine.transfer.statistics.moments import Moments
from pipeline.engine.transfer.statistics.second_moment import SecondMoment
from pipeline.model import LossKind


class Statistic(Protocol):
    """What a style is made of at one layer: how it is computed, its target and its loss."""

    def of(self, features: Tensor, shares: Tensor | None = None) -> Tensor:
        """Return the statistic (B, ...) of features (B, C, h, w), float32 at least and differentiable.

        Nothing couples the images: each has the same bits alone and in any batch. ``shares`` (B, 1, h, w): how much
        each place counts, 0 or more and 1 on the average over an image; None = all alike.
        """
        ...

    def target(self, moments: Moments) -> Tensor:
        """Return what the statistic (...) of a picture is to become for a style with these ``moments``."""
        ...

    def loss(self, found: Tensor, target: Tensor, kind: LossKind) -> Tensor:
        """Return how far statistics (B, ...) are from their targets (B, ...), (B,)."""
        ...


STATISTICS: Final[Mapping[str, Statistic]] = {"gram": SecondMoment()}
