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

Other style losses than the Gram matrix's, in place of it or beside it, in the same forms:

==================  ============  ==========  ==========  ==========================================================
style loss          relative      gatys       tensorflow  with
==================  ============  ==========  ==========  ==========================================================
mean_std            c D / E       D / N       D / (2 N)   D = |m - n|^2 + |s - r|^2, of means and deviations
wasserstein         c D / E       D / N       D / N       D = squared Wasserstein-2 distance of the layers' Gaussians
sliced_wasserstein  c D / E       D           D           D = mean squared distance of quantiles along directions
==================  ============  ==========  ==========  ==========================================================

E is what D would be if the picture's part of it were 0, which is the painting's mean square, for sliced_wasserstein a
channel's. c is a number for each of these losses, by which the style weight of gram fits it, too: with it pictures
keep as much of their photos, as the content loss says, measured with pictures of 128 pixels. For wasserstein it is
half of that: its pictures are in the painting's manner with less, and so keep more of their photos.
"gatys" is for mean_std what Li et al. publish (https://arxiv.org/abs/1701.01036).

Other content losses, in place of the features' or beside it, and the Laplacian's. c is a number that makes content
weights fit, L what the Laplacians' squared differences add up to, M the photo's own Laplacian.

===============  ===========  =============  ============  =========================================================
content loss     relative     gatys          tensorflow    with
===============  ===========  =============  ============  =========================================================
self_similarity  S            S sum P^2 / 2  S mean P^2    S = c times what share of distances is elsewhere, 0 to 2
laplacian        L / sum M^2  L              mean of L     averages of both sizes; gatys is what Li et al. publish
===============  ===========  =============  ============  =========================================================

See https://arxiv.org/abs/1904.12785 (self_similarity) and https://arxiv.org/abs/1707.01253 (laplacian).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from torch import Tensor

from pipeline.engine.cpu.deterministic_sum import totals
from pipeline.engine.transfer.content import CONTENT_LOSSES, PIXEL_LOSSES, PIXELS
from pipeline.engine.transfer.guides import Guide, Guides
from pipeline.engine.transfer.statistics import STATISTICS, Statistic, Together, need_quantiles
from pipeline.engine.transfer.statistics.moments import Moments
from pipeline.engine.transfer.strength import content_factor
from pipeline.errors import StylizeError
from pipeline.model import ContentLosses, LayerWeights, LossKind, Recipe, StyleLosses, canonical_layer

_CONTENT_LOSSES: Final = {**CONTENT_LOSSES, **PIXEL_LOSSES}


@dataclass(frozen=True)
class BatchLosses:
    """Weighted losses, one value for each image (B,).

    ``content`` is all that keeps the photo, at layers or by pixels; ``total`` includes total variation.
    """

    content: Tensor
    style: Tensor
    total: Tensor


@dataclass(frozen=True, slots=True)
class Term:
    """A loss at a layer, times ``weight`` in the sum. ``name`` is what targets and found losses have as their key.

    A layer that is named :data:`PIXELS` is the picture itself.
    """

    name: str
    loss: str
    layer: str
    weight: float


@dataclass(frozen=True)
class Objective:
    """What a recipe minimizes. Layers are (name, weight) pairs, the names as in :data:`pipeline.model.LAYERS`.

    ``style_losses`` and ``content_losses`` are such pairs too, of the names in
    :data:`pipeline.engine.transfer.statistics.STATISTICS` and
    :data:`pipeline.engine.transfer.content.CONTENT_LOSSES`: each of them is computed at each layer.
    """

    content_layers: LayerWeights
    style_layers: LayerWeights
    content_weight: float
    style_weight: float
    tv_weight: float
    loss: LossKind
    style_losses: StyleLosses = (("gram", 1.0),)
    content_losses: ContentLosses = (("features", 1.0),)
    laplacian_weight: float = 0.0

    @cached_property
    def content_terms(self) -> tuple[Term, ...]:
        """The content losses at each layer."""
        return _terms("content", self.content_layers, self.content_losses)

    @cached_property
    def style_terms(self) -> tuple[Term, ...]:
        """The style losses at each layer."""
        return _terms("style", self.style_layers, self.style_losses)

    @property
    def needs_quantiles(self) -> bool:
        """Tell whether style targets follow from quantiles of the painting's features, not from moments alone."""
        return need_quantiles(loss for loss, _ in self.style_losses)

    @cached_property
    def pixel_terms(self) -> tuple[Term, ...]:
        """The losses of pixels that keep the photo, at the whole weight that they have in the total."""
        return (Term("laplacian", "laplacian", PIXELS, self.laplacian_weight),) if self.laplacian_weight else ()

    def content_targets(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what :meth:`compare` needs of those layers that are among a photo's ``features`` (1, C, h, w)."""
        return {
            term.name: _CONTENT_LOSSES[term.loss].target(features[term.layer])
            for term in (*self.content_terms, *self.pixel_terms)
            if term.layer in features
        }

    def style_targets(self, moments: Mapping[str, Moments]) -> dict[str, Tensor]:
        """Return what :meth:`compare` needs of a style with these moments by layer."""
        return {term.name: STATISTICS[term.loss].target(moments[term.layer]) for term in self.style_terms}

    def compare(
        self,
        features: Mapping[str, Tensor],
        content: Mapping[str, Tensor],
        style: Mapping[str, Tensor],
        guides: Guides | None = None,
    ) -> dict[str, Tensor]:
        """Return the losses (B,) of those layers that are among ``features``, under names for :meth:`total`.

        ``features`` are (B, C, h, w). ``content`` and ``style`` are the images' own :meth:`content_targets` and
        :meth:`style_targets`, (B, ...); with ``guides`` for R styles each, ``style`` has (B, R, ...).
        """
        return self.settle(self.measure(features, content, style, guides), style, guides)

    def measure(
        self,
        features: Mapping[str, Tensor],
        content: Mapping[str, Tensor],
        style: Mapping[str, Tensor],
        guides: Guides | None = None,
    ) -> dict[str, Tensor]:
        """Return what :meth:`settle` makes the losses of, without which ``features`` are not needed any more.

        These are the losses, and the statistics where losses are computed together.
        """
        found: dict[str, Tensor] = {}
        for term in self.style_terms:
            if term.layer in features:
                parts, here = _parts(term, guides), features[term.layer]
                if isinstance(STATISTICS[term.loss], Together):
                    found |= {part.name: part.statistic_of(here) for part in parts}
                else:
                    found[term.name] = self._style_loss(parts, here, style[term.name])
        for term in (*self.content_terms, *self.pixel_terms):
            if term.layer in features:
                factors = None if guides is None else guides.of(term.layer).factors
                kept = _CONTENT_LOSSES[term.loss]
                found[term.name] = kept.loss(features[term.layer], content[term.name], self.loss, factors)
        return found

    def settle(
        self, measured: Mapping[str, Tensor], style: Mapping[str, Tensor], guides: Guides | None = None
    ) -> dict[str, Tensor]:
        """Return the losses (B,) of what was ``measured``."""
        found = dict(measured)
        for statistic, terms in self._settled_together:
            parts = [part for term in terms for part in _parts(term, guides) if part.name in found]
            statistics = [found.pop(part.name) for part in parts]
            targets = [part.target_of(style[part.term.name]) for part in parts]
            losses = statistic.losses(statistics, targets, self.loss)
            for part, each in zip(parts, losses, strict=True):
                name, weighted = part.term.name, part.weighted(each)
                found[name] = found[name] + weighted if name in found else weighted
        return found

    @cached_property
    def _settled_together(self) -> list[tuple[Together, list[Term]]]:
        return [
            (statistic, [term for term in self.style_terms if term.loss == loss])
            for loss, statistic in STATISTICS.items()
            if isinstance(statistic, Together)
        ]

    def _style_loss(self, parts: Sequence[_Part], features: Tensor, target: Tensor) -> Tensor:
        losses = [
            part.weighted(part.statistic.loss(part.statistic_of(features), part.target_of(target), self.loss))
            for part in parts
        ]
        return sum(losses[1:], start=losses[0])

    def total(self, pictures: Tensor, found: Mapping[str, Tensor]) -> BatchLosses:
        """Return the losses of pictures (B, 3, H, W) for which :meth:`compare` returned ``found``."""
        zeros = pictures.new_zeros(pictures.shape[0])
        of_style = sum((term.weight * found[term.name] for term in self.style_terms), start=zeros)
        of_content = sum((term.weight * found[term.name] for term in self.content_terms), start=zeros)
        of_style = of_style * (self.style_weight / max(1, len(self.style_layers)))
        of_content = of_content * (self.content_weight / max(1, len(self.content_layers)))
        of_content = sum((term.weight * found[term.name] for term in self.pixel_terms), start=of_content)
        total = of_content + of_style
        if self.tv_weight:
            total = total + self.tv_weight * total_variation(pictures)
        return BatchLosses(of_content, of_style, total)

    @property
    def series(self) -> tuple[str, ...]:
        """Return the names of the terms, in the order of :meth:`by_layer`: "content relu4_2"."""
        return tuple(term.name for term in (*self.content_terms, *self.pixel_terms, *self.style_terms))

    def by_layer(self, found: Mapping[str, Tensor]) -> list[Tensor]:
        """Return what :meth:`compare` found of each term (B,), not weighted yet."""
        return [found[name] for name in self.series]

    def weighted(self, by_layer: Sequence[float]) -> tuple[float, ...]:
        """Return an image's losses by term as they are in its total; none if none are given."""
        weights = [
            whole * term.weight / len(layers)
            for whole, layers, terms in (
                (self.content_weight, self.content_layers, self.content_terms),
                (1.0, (PIXELS,), self.pixel_terms),
                (self.style_weight, self.style_layers, self.style_terms),
            )
            for term in terms
        ]
        return tuple(weight * loss for weight, loss in zip(weights, by_layer, strict=False))


@dataclass(frozen=True, slots=True)
class _Part:
    """A term, or what one ``style`` of a ``guide`` is of it; without a guide it is the only one."""

    term: Term
    guide: Guide | None = None
    style: int = 0

    @property
    def name(self) -> str:
        """Return what its statistic is found under."""
        return f"{self.term.name}: statistic {self.style}"

    @property
    def statistic(self) -> Statistic:
        """Return what is compared."""
        return STATISTICS[self.term.loss]

    def statistic_of(self, features: Tensor) -> Tensor:
        if self.guide is None:
            return self.statistic.of(features)
        return self.statistic.of(features, self.guide.shares[:, self.style : self.style + 1])

    def target_of(self, target: Tensor) -> Tensor:
        return target if self.guide is None else target[:, self.style]

    def weighted(self, loss: Tensor) -> Tensor:
        return loss if self.guide is None else self.guide.weights[:, self.style] * loss


def _parts(term: Term, guides: Guides | None) -> list[_Part]:
    if guides is None:
        return [_Part(term)]
    guide = guides.of(term.layer)
    return [_Part(term, guide, style) for style in range(guide.weights.shape[1])]


def _terms(part: str, layers: LayerWeights, losses: StyleLosses | ContentLosses) -> tuple[Term, ...]:
    """Return each of ``losses`` at each layer; one that is alone is not named."""
    return tuple(
        Term(f"{part} {layer}" if len(losses) == 1 else f"{part} {layer} {loss}", loss, layer, weight * share)
        for loss, share in losses
        for layer, weight in layers
    )


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
    return Objective(
        content,
        style,
        recipe.content_weight * content_factor(recipe.strength),
        recipe.style_weight,
        recipe.tv_weight,
        recipe.loss,
        recipe.style_losses,
        recipe.content_loss,
        recipe.laplacian_weight,
    )


def total_variation(pictures: Tensor) -> Tensor:
    """Return the mean squared difference between neighbors of pictures (B, 3, H, W), both directions added, (B,).

    A mean, so that one weight means the same at every size.
    """
    down = totals((pictures[:, :, 1:] - pictures[:, :, :-1]).square())
    right = totals((pictures[:, :, :, 1:] - pictures[:, :, :, :-1]).square())
    return (down + right) / pictures[0].numel()
