"""What each term of an objective needs of the blocks of one picture, and the loss that follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from pipeline.engine.network.architecture import channels_of, reduction_of
from pipeline.engine.transfer.blocks.gathering import Gathered, Rows, Sums, Whole
from pipeline.engine.transfer.blocks.partition import Box
from pipeline.engine.transfer.content import CONTENT_LOSSES, SampledContent
from pipeline.engine.transfer.guides import Guides
from pipeline.engine.transfer.losses import Objective, Term
from pipeline.engine.transfer.statistics import STATISTICS, Additive
from pipeline.model import LossKind

Targets = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class TermPart:
    """A term of the objective, or one style's part of it.

    ``loss`` returns the loss (1,) of what was ``gathered``; it counts ``weight`` times in the term called ``name``.
    """

    name: str
    layer: str
    gathered: Gathered
    loss: Callable[[Tensor], Tensor]
    weight: Tensor | float = 1.0


def term_parts(
    objective: Objective, shape: tuple[int, int], content: Targets, style: Targets, guides: Guides | None
) -> Iterator[TermPart]:
    """Yield the parts of all terms at layers, for a picture of ``shape`` (height, width) and its targets (1, ...)."""
    for term in objective.style_terms:
        sides = _sides(term.layer, shape)
        if guides is None:
            yield _style_part(term, sides, style[term.name], None, objective.loss)
            continue
        guide = guides.of(term.layer)
        for number, weight in enumerate(guide.weights[0]):
            shares = guide.shares[:, number : number + 1]
            yield _style_part(term, sides, style[term.name][:, number], shares, objective.loss, weight)
    for term in objective.content_terms:
        factors = None if guides is None else guides.of(term.layer).factors
        yield _content_part(term, _sides(term.layer, shape), content[term.name], factors, objective.loss)


def _sides(layer: str, shape: tuple[int, int]) -> tuple[int, int]:
    return shape[0] // reduction_of(layer), shape[1] // reduction_of(layer)


def _style_part(
    term: Term,
    sides: tuple[int, int],
    target: Tensor,
    shares: Tensor | None,
    kind: LossKind,
    weight: Tensor | float = 1.0,
) -> TermPart:
    statistic = STATISTICS[term.loss]
    if not isinstance(statistic, Additive):
        whole = Whole(*sides)
        return TermPart(
            term.name, term.layer, whole, lambda x: statistic.loss(statistic.of(x, shares), target, kind), weight
        )
    sums = Sums(
        lambda x, box: statistic.sums(x, target, _at(shares, box)),
        lambda x, box, by_sums: statistic.slopes(x, target, _at(shares, box), by_sums),
    )
    count = sides[0] * sides[1]

    def loss(found: Tensor) -> Tensor:
        return statistic.loss(statistic.of_sums(found, target, count).to(target.dtype), target, kind)

    return TermPart(term.name, term.layer, sums, loss, weight)


def _content_part(
    term: Term, sides: tuple[int, int], target: Tensor, factors: Tensor | None, kind: LossKind
) -> TermPart:
    kept = CONTENT_LOSSES[term.loss]
    count = channels_of(term.layer) * sides[0] * sides[1]
    if isinstance(kept, SampledContent):
        rows = Rows(kept.positions(*sides).to(target.device), sides[1])
        return TermPart(term.name, term.layer, rows, lambda x: kept.loss_of_rows(x, target, kind, count, factors))
    sums = Sums(
        lambda x, box: kept.sums(x, target[box.slices], _at(factors, box)),
        lambda x, box, by_sums: kept.slopes(x, target[box.slices], _at(factors, box), by_sums),
    )
    return TermPart(term.name, term.layer, sums, lambda found: kept.loss_of_sums(found, kind, count))


def _at(maps: Tensor | None, box: Box) -> Tensor | None:
    return None if maps is None else maps[box.slices]
