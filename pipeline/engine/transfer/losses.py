"""Computes content loss, style loss and total variation.

Every loss returns one value for each image of a batch, and nothing couples the images. No weight depends on the
picture's size. Losses are float32 whatever the convolutions ran in (float64 stays float64).

Three forms, by Gatys, Ecker and Bethge (https://arxiv.org/abs/1508.06576) and after them:

============  =======================================  =========================
form          style, for one layer of N channels       content, for one layer
============  =======================================  =========================
relative      sum (G - T)^2 / sum T^2                  sum (F - P)^2 / sum P^2
gatys         sum (G - T)^2 / (4 N^2)                  sum (F - P)^2 / 2
tensorflow    mean (G - T)^2                           mean (F - P)^2
============  =======================================  =========================

G = F F' / (h w) is a picture's Gram matrix and T the painting's, see :mod:`pipeline.engine.transfer.statistics`; P
are the photo's features. "tensorflow" is what TensorFlow's style-transfer tutorial computes and its
content_weight=1e4, style_weight=1e-2 belong to. In all three the layers' losses, times their weights, are averaged
over the layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from torch import Tensor

from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.engine.transfer.distance import exact, squared_distance
from pipeline.engine.transfer.statistics import DEFAULT, STATISTICS, Statistic
from pipeline.errors import StylizeError
from pipeline.model import LayerWeights, LossKind, Recipe, canonical_layer


@dataclass(frozen=True)
class BatchLosses:
    """Weighted losses, one value for each image (B,); ``total`` includes total variation."""

    content: Tensor
    style: Tensor
    total: Tensor


@dataclass(frozen=True)
class Objective:
    """What a recipe minimizes. Layers are (name, weight) pairs, the names as in :data:`pipeline.model.LAYERS`."""

    content_layers: LayerWeights
    style_layers: LayerWeights
    content_weight: float
    style_weight: float
    tv_weight: float
    loss: LossKind
    statistic: Statistic = field(default=STATISTICS[DEFAULT])

    def compare(
        self, features: Mapping[str, Tensor], content: Mapping[str, Tensor], style: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return the losses (B,) of those layers that are among ``features``, under names for :meth:`total`.

        ``content`` maps layers to features (B, C, h, w), ``style`` to targets of the statistic (B, ...).
        """
        of_style = {
            _of_style(layer): self.statistic.loss(self.statistic.of(features[layer]), style[layer], self.loss)
            for layer, _ in self.style_layers
            if layer in features
        }
        of_content = {
            _of_content(layer): content_loss(features[layer], content[layer], self.loss)
            for layer, _ in self.content_layers
            if layer in features
        }
        return of_style | of_content

    def total(self, pictures: Tensor, found: Mapping[str, Tensor]) -> BatchLosses:
        """Return the losses of pictures (B, 3, H, W) for whose layers :meth:`compare` returned ``found``."""
        zeros = pictures.new_zeros(pictures.shape[0])
        of_style = sum((weight * found[_of_style(layer)] for layer, weight in self.style_layers), start=zeros)
        of_content = sum((weight * found[_of_content(layer)] for layer, weight in self.content_layers), start=zeros)
        of_style = of_style * (self.style_weight / max(1, len(self.style_layers)))
        of_content = of_content * (self.content_weight / max(1, len(self.content_layers)))
        total = of_content + of_style
        if self.tv_weight:
            total = total + self.tv_weight * total_variation(pictures)
        return BatchLosses(of_content, of_style, total)

    @property
    def series(self) -> tuple[str, ...]:
        """Return the names of the layers' losses, in the order of :meth:`by_layer`: "content relu4_2"."""
        content = (f"content {layer}" for layer, _ in self.content_layers)
        return (*content, *(f"style {layer}" for layer, _ in self.style_layers))

    def by_layer(self, found: Mapping[str, Tensor]) -> list[Tensor]:
        """Return what :meth:`compare` found of each layer (B,), not weighted yet."""
        content = [found[_of_content(layer)] for layer, _ in self.content_layers]
        return content + [found[_of_style(layer)] for layer, _ in self.style_layers]

    def weighted(self, by_layer: Sequence[float]) -> tuple[float, ...]:
        """Return an image's losses by layer as they are in its total; none if none are given."""
        weights = [
            whole * weight / len(layers)
            for whole, layers in ((self.content_weight, self.content_layers), (self.style_weight, self.style_layers))
            for _, weight in layers
        ]
        return tuple(weight * loss for weight, loss in zip(weights, by_layer, strict=False))


@lru_cache(maxsize=64)
def objective_of(recipe: Recipe) -> Objective:
    """Return what ``recipe`` minimizes, its layers by the field's names. Raises StylizeError for a wrong name."""
    if not (recipe.content_layers or recipe.style_layers):
        raise StylizeError(f"recipe {recipe.name!r} names no layer at all; give it content_layers or style_layers")
    try:
        content, style = (
            tuple((canonical_layer(name), weight) for name, weight in layers)
            for layers in (recipe.content_layers, recipe.style_layers)
        )
    except ValueError as error:
        raise StylizeError(f"recipe {recipe.name!r}: {error}") from error
    return Objective(content, style, recipe.content_weight, recipe.style_weight, recipe.tv_weight, recipe.loss)


def content_loss(found: Tensor, target: Tensor, kind: LossKind) -> Tensor:
    """Return how far features (B, C, h, w) are from their targets, (B,)."""
    return squared_distance(exact(found), exact(target), kind, gatys_divisor=2)


def total_variation(pictures: Tensor) -> Tensor:
    """Return the mean squared difference between neighbors of pictures (B, 3, H, W), both directions added, (B,).

    A mean, so that one weight means the same at every size.
    """
    down = totals((pictures[:, :, 1:] - pictures[:, :, :-1]).square())
    right = totals((pictures[:, :, :, 1:] - pictures[:, :, :, :-1]).square())
    return (down + right) / pictures[0].numel()


def _of_style(layer: str) -> str:
    return f"style of {layer}"


def _of_content(layer: str) -> str:
    return f"content of {layer}"
