"""What is kept of a photo at a layer, and the registry of these losses.

A further one is a class like :class:`~pipeline.engine.transfer.content.features.Features` in a module of its own, and
an entry in :data:`CONTENT_LOSSES`, under a name that :data:`pipeline.model.ContentLossKind` has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, runtime_checkable

from torch import Tensor

from pipeline.engine.transfer.content.features import Features
from pipeline.engine.transfer.content.laplacian import Laplacian
from pipeline.engine.transfer.content.self_similarity import SelfSimilarity
from pipeline.model import LossKind


class ContentLoss(Protocol):
    """What is kept of a photo at one layer, and how far a picture is from it."""

    def target(self, features: Tensor) -> Tensor:
        """Return what a picture is compared with, (1, ...), for the photo's features (1, C, h, w)."""
        ...

    def loss(self, features: Tensor, target: Tensor, kind: LossKind, factors: Tensor | None = None) -> Tensor:
        """Return how far the features (B, C, h, w) are from their targets (B, ...), (B,).

        Differentiable, float32 at least. Nothing couples the images: each has the same bits alone and in any batch.
        ``factors`` (B, 1, h, w): how much each place counts, 1 = as much as without any.
        """
        ...


@runtime_checkable
class AdditiveContent(ContentLoss, Protocol):
    """A :class:`ContentLoss` that follows from sums over positions, so that a picture can be evaluated in blocks.

    Features, and targets of their shape, are (1, C, h, w), ``factors`` (1, 1, h, w) or None.
    """

    def sums(self, features: Tensor, target: Tensor, factors: Tensor | None) -> Tensor:
        """Return the sums (1, ...) over the positions of a block's features, without a graph."""
        ...

    def loss_of_sums(self, sums: Tensor, kind: LossKind, count: int) -> Tensor:
        """Return the loss (1,) of a layer of ``count`` values, differentiable in their ``sums``."""
        ...

    def slopes(self, features: Tensor, target: Tensor, factors: Tensor | None, by_sums: Tensor) -> Tensor:
        """Return a gradient by a block's features, given the one by the sums, of the shape of these."""
        ...


@runtime_checkable
class SampledContent(ContentLoss, Protocol):
    """A :class:`ContentLoss` that looks at some positions of a layer only."""

    def positions(self, height: int, width: int) -> Tensor:
        """Return which positions of a layer count (n,): row times ``width``, plus column."""
        ...

    def loss_of_rows(
        self, rows: Tensor, target: Tensor, kind: LossKind, count: int, factors: Tensor | None = None
    ) -> Tensor:
        """Return the loss (B,) of the features there, as rows (B, n, C); ``count``: of all values of the layer.

        ``factors`` (B, 1, h, w) are the whole layer's.
        """
        ...


CONTENT_LOSSES: Final[Mapping[str, AdditiveContent | SampledContent]] = {
    "features": Features(),
    "self_similarity": SelfSimilarity(),
}
"""The photo's features themselves, the content loss of Gatys, Ecker and Bethge, or how alike its places are."""

PIXEL_LOSSES: Final[Mapping[str, ContentLoss]] = {"laplacian": Laplacian()}
"""What is kept of the photo's pixels, (1, 3, H, W), where content losses have a layer's features."""

#: The name of the picture itself among the layers of terms, its pixels (B, 3, H, W) being the features.
PIXELS: Final = "pixels"
