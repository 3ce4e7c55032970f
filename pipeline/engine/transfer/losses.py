"""What makes a picture good: its features near the photo's, its Gram matrices near the painting's.

Owns the formulas. Refuses weights that depend on the picture's size. Every loss returns one value for each image
of a batch, and nothing couples the images. Matrices and losses are float32 whatever the convolutions ran in
(float64 stays float64).

Three forms, by Gatys, Ecker and Bethge (https://arxiv.org/abs/1508.06576) and after them:

============  =======================================  =========================
form          style, for one layer of N channels       content, for one layer
============  =======================================  =========================
relative      sum (G - T)^2 / sum T^2                  sum (F - P)^2 / sum P^2
gatys         sum (G - T)^2 / (4 N^2)                  sum (F - P)^2 / 2
tensorflow    mean (G - T)^2                           mean (F - P)^2
============  =======================================  =========================

G = F F' / (h w) is a picture's Gram matrix and T the painting's; P are the photo's features. "tensorflow" is what
TensorFlow's style-transfer tutorial computes and its content_weight=1e4, style_weight=1e-2 belong to. In all three
the layers' losses, times their weights, are averaged over the layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pipeline.engine.cpu.convolution import by_pixel
from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.errors import StylizeError
from pipeline.model import LayerWeights, LossKind, Recipe, canonical_layer

# Of a black painting's Gram matrix or a blank photo's features: keeps the relative losses finite.
_LEAST_NORM = 1e-8


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

    def losses(
        self,
        pictures: Tensor,
        features: Mapping[str, Tensor],
        content: Mapping[str, Tensor],
        style: Mapping[str, Tensor],
    ) -> BatchLosses:
        """Compare pictures (B, 3, H, W) by their features (B, C, h, w) with their targets.

        ``content`` maps layers to features (B, C, h, w), ``style`` to Gram matrices (B, C, C).
        """
        return self.total(pictures, self.compare(features, content, style))

    def compare(
        self, features: Mapping[str, Tensor], content: Mapping[str, Tensor], style: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return the losses (B,) of those layers that are among ``features``, under names for :meth:`total`."""
        of_style = {
            _of_style(layer): style_loss(gram(features[layer]), style[layer], self.loss)
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
        """Return the losses of pictures (B, 3, H, W) whose layers have the losses ``found`` by :meth:`compare`."""
        zeros = pictures.new_zeros(pictures.shape[0])
        of_style = sum((weight * found[_of_style(layer)] for layer, weight in self.style_layers), start=zeros)
        of_content = sum((weight * found[_of_content(layer)] for layer, weight in self.content_layers), start=zeros)
        of_style = of_style * (self.style_weight / max(1, len(self.style_layers)))
        of_content = of_content * (self.content_weight / max(1, len(self.content_layers)))
        total = of_content + of_style
        if self.tv_weight:
            total = total + self.tv_weight * total_variation(pictures)
        return BatchLosses(of_content, of_style, total)


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


def gram(features: Tensor) -> Tensor:
    """Return the Gram matrices F F' / (h w), (B, C, C), of features (B, C, h, w)."""
    return cast(Tensor, _Gram.apply(_exact(features)))


class _Gram(torch.autograd.Function):
    """F F' / (h w), whose gradient (D + D') F / (h w) takes one matrix product, not the two of the plain formula."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        flat = features.flatten(2)
        return flat @ flat.transpose(1, 2) / flat.shape[2]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        kernels = (gradient + gradient.transpose(1, 2)) / features[0, 0].numel()
        if features.device.type != "cpu":
            return by_pixel_at_once(features, kernels)
        made = [by_pixel(one, kernel) for one, kernel in zip(features.split(1), kernels, strict=True)]
        return made[0] if len(made) == 1 else torch.cat(made)


def by_pixel_at_once(features: Tensor, kernels: Tensor) -> Tensor:
    """Return features (B, C, h, w) with each image's pixels multiplied by its own of ``kernels`` (B, C, C).

    One call for a batch, which is what a GPU asks for; in channels_last.
    """
    batch, channels, height, width = features.shape
    rows = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    made = rows @ kernels.transpose(1, 2)
    return made.view(batch, height, width, channels).permute(0, 3, 1, 2)


def style_loss(found: Tensor, target: Tensor, kind: LossKind) -> Tensor:
    """Return how far Gram matrices (B, C, C) are from their targets, (B,)."""
    squares = _sum_of_squares(found - target)
    if kind == "relative":
        return squares / _norm(target)
    channels = found.shape[1]
    return squares / (4 * channels**2 if kind == "gatys" else channels**2)


def content_loss(found: Tensor, target: Tensor, kind: LossKind) -> Tensor:
    """Return how far features (B, C, h, w) are from their targets, (B,)."""
    target = _exact(target)
    squares = _sum_of_squares(_exact(found) - target)
    if kind == "relative":
        return squares / _norm(target)
    return squares / (2 if kind == "gatys" else found[0].numel())


def total_variation(pictures: Tensor) -> Tensor:
    """Return the mean squared difference between neighbors of pictures (B, 3, H, W), both directions added, (B,).

    A mean, so that one weight means the same at every size.
    """
    down = _sum_of_squares(pictures[:, :, 1:] - pictures[:, :, :-1])
    right = _sum_of_squares(pictures[:, :, :, 1:] - pictures[:, :, :, :-1])
    return (down + right) / pictures[0].numel()


def _exact(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


def _sum_of_squares(x: Tensor) -> Tensor:
    return totals(x.square())


def _norm(target: Tensor) -> Tensor:
    return _sum_of_squares(target).clamp_min(_LEAST_NORM)


def _of_style(layer: str) -> str:
    return f"style of {layer}"


def _of_content(layer: str) -> str:
    return f"content of {layer}"
