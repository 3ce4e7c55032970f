"""The statistics of a layer that define a style, and their registry.

A further statistic is a class like :class:`~pipeline.engine.transfer.statistics.second_moment.SecondMoment` in a
module of its own, and an entry in :data:`STATISTICS`, under a name that :data:`pipeline.model.StyleLossKind` has.
What it compares must follow from what is kept of a painting, see
:class:`~pipeline.engine.transfer.statistics.moments.Moments`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from torch import Tensor

from pipeline.engine.transfer.statistics.mean_std import MeanStd
from pipeline.engine.transfer.statistics.moments import Moments, moments_of
from pipeline.engine.transfer.statistics.second_moment import SecondMoment
from pipeline.engine.transfer.statistics.sliced_wasserstein import SlicedWasserstein, quantiles_of
from pipeline.engine.transfer.statistics.wasserstein import Wasserstein
from pipeline.model import LossKind, StyleLossKind


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


@runtime_checkable
class Additive(Protocol):
    """A :class:`Statistic` that follows from sums over positions, so that a picture can be evaluated in blocks.

    Features are (1, C, h, w), ``target`` is (1, ...), ``shares`` (1, 1, h, w) or None.
    """

    def sums(self, features: Tensor, target: Tensor, shares: Tensor | None) -> Tensor:
        """Return the sums (1, ...) over the positions of a block's features, without a graph."""
        ...

    def of_sums(self, sums: Tensor, target: Tensor, count: int) -> Tensor:
        """Return the statistic of a layer of ``count`` positions, differentiable in their ``sums``."""
        ...

    def slopes(self, features: Tensor, target: Tensor, shares: Tensor | None, by_sums: Tensor) -> Tensor:
        """Return a gradient by a block's features, given the one by the sums, of the shape of these."""
        ...


@runtime_checkable
class Together(Protocol):
    """A :class:`Statistic` whose losses are computed in less time together than one after another."""

    def losses(self, found: Sequence[Tensor], targets: Sequence[Tensor], kind: LossKind) -> list[Tensor]:
        """Return what :meth:`Statistic.loss` does for each of the statistics and its target, with the same bits."""
        ...


STATISTICS: Final[Mapping[str, Statistic]] = {
    "gram": SecondMoment(),
    "mean_std": MeanStd(),
    "wasserstein": Wasserstein(),
    "sliced_wasserstein": SlicedWasserstein(),
}

_OF_QUANTILES: Final[frozenset[StyleLossKind]] = frozenset({"sliced_wasserstein"})


def need_quantiles(losses: Iterable[StyleLossKind]) -> bool:
    """Tell whether any of these statistics compares the quantiles of a painting's features, not only moments."""
    return not _OF_QUANTILES.isdisjoint(losses)


def moments_for(losses: Iterable[StyleLossKind], features: Tensor) -> Moments:
    """Return what the targets of these statistics follow from, of one painting's features (1, C, h, w)."""
    moments = moments_of(features)
    return replace(moments, quantiles=quantiles_of(features)) if need_quantiles(losses) else moments
