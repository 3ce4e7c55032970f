"""Each loss gets of the blocks what it follows from."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from pipeline.engine.network.architecture import channels_of, reduction_of
from pipeline.engine.transfer.blocks.gathering import Rows, Sums, Whole
from pipeline.engine.transfer.blocks.terms import TermPart, term_parts
from pipeline.engine.transfer.guides import Guide, Guides
from pipeline.engine.transfer.losses import objective_of
from pipeline.engine.transfer.statistics import STATISTICS
from pipeline.engine.transfer.statistics.moments import Moments
from pipeline.model import Recipe

SHAPE = (32, 48)
RECIPE = Recipe(
    style_layers=(("relu1_1", 1.0), ("relu2_1", 1.0)),
    style_loss=(("gram", 1.0), ("mean_std", 1.0), ("wasserstein", 1.0), ("sliced_wasserstein", 1.0)),
    content_layers=(("relu2_1", 1.0),),
    content_loss=(("features", 1.0), ("self_similarity", 1.0)),
)


def parts_of(recipe: Recipe, guides: Guides | None = None) -> list[TermPart]:
    objective = objective_of(recipe)
    style = {}
    for term in objective.style_terms:
        channels = channels_of(term.layer)
        moments = Moments(torch.zeros(channels), torch.eye(channels), torch.zeros(channels, 512))
        target = STATISTICS[term.loss].target(moments)[None]
        style[term.name] = target if guides is None else torch.stack([target, target], 1)
    content: dict[str, Tensor] = {}
    for term in objective.content_terms:
        sides = [side // reduction_of(term.layer) for side in SHAPE]
        content[term.name] = torch.zeros(1, channels_of(term.layer), *sides)
    return list(term_parts(objective, SHAPE, content, style, guides))


def test_sums_are_enough_for_all_but_what_needs_a_layer_whole_or_some_of_its_positions() -> None:
    kinds = {part.name.removeprefix("style relu1_1 "): type(part.gathered) for part in parts_of(RECIPE)}
    assert kinds["gram"] is kinds["mean_std"] is kinds["wasserstein"] is Sums
    assert kinds["sliced_wasserstein"] is Whole
    assert kinds["content relu2_1 features"] is Sums
    assert kinds["content relu2_1 self_similarity"] is Rows


def test_parts_have_the_names_of_the_objectives_terms() -> None:
    objective = objective_of(RECIPE)
    assert sorted(part.name for part in parts_of(RECIPE)) == sorted(objective.series)
    assert {part.layer for part in parts_of(RECIPE)} == {"relu1_1", "relu2_1"}


def test_each_style_of_a_picture_with_regions_is_a_part_with_its_weight() -> None:
    weights = torch.tensor([[0.25, 0.75]])
    guides = Guides({by: Guide(torch.ones(1, 2, 1, 1), weights, torch.ones(1, 1, 1, 1)) for by in (1, 2)}, None)
    plain = replace(RECIPE, style_loss=(("gram", 1.0),), content_loss=(("features", 1.0),))
    styled = [part for part in parts_of(plain, guides) if part.name == "style relu1_1"]
    assert [float(part.weight) for part in styled] == [0.25, 0.75]
