"""What is kept of a photo at a layer, and the registry of these losses.

A further one is a class like :class:`~pipeline.engine.transfer.content.features.Features` in a module of its own, and
an entry in :data:`CONTENT_LOSSES`, under a name that :data:`pipeline.model.ContentLossKind` has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

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


CONTENT_LOSSES: Final[Mapping[str, ContentLoss]] = {"features": Features(), "self_similarity": SelfSimilarity()}
"""The photo's features themselves, the content loss of Gatys, Ecker and Bethge, or how alike its places are."""

PIXEL_LOSSES: Final[Mapping[str, ContentLoss]] = {"laplacian": Laplacian()}
"""What is kept of the photo's pixels, (1, 3, H, W), where content losses have a layer's features."""

#: The name of the picture itself among the layers of terms, its pixels (B, 3, H, W) being the features.
PIXELS: Final = "pixels"
