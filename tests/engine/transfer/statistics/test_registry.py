"""Whatever recipes can compare with a painting is met by the painting itself, and falls along its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest
import torch
from torch import Tensor

from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.evaluation import evaluate
from pipeline.engine.transfer.guides import Guide, Guides
from pipeline.engine.transfer.losses import Objective
from pipeline.engine.transfer.statistics import STATISTICS, moments_for
from pipeline.model import StyleLossKind, WeightsChoice

LAYERS = ("relu1_1", "relu2_1")


def test_every_statistic_has_the_name_that_recipes_give_it() -> None:
    assert list(STATISTICS) == list(get_args(StyleLossKind))


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_features_that_are_no_numbers_give_a_loss_that_is_none(name: StyleLossKind, value: float) -> None:
    statistic, painting = STATISTICS[name], torch.rand(1, 3, 6, 6)
    features = painting.clone()
    features[0, 1, 2, 3] = value
    found = statistic.loss(statistic.of(features), statistic.target(moments_for((name,), painting))[None], "relative")
    assert not found.isfinite().any()


@pytest.mark.parametrize("name", STATISTICS)
def test_each_region_of_a_picture_is_compared_with_a_painting_of_its_own(name: StyleLossKind) -> None:
    random = torch.Generator().manual_seed(0)
    left = torch.rand(1, 4, 16, 8, generator=random)
    right = 3 * torch.rand(1, 4, 16, 8, generator=random).square() + 1
    shares = torch.zeros(1, 2, 16, 16)
    shares[:, 0, :, :8] = shares[:, 1, :, 8:] = 2
    guides = Guides({1: Guide(shares, torch.tensor([[0.5, 0.5]]), torch.ones(1, 1, 16, 16))}, None)
    objective = Objective((), (("relu1_1", 1.0),), 1.0, 1.0, 0.0, "relative", ((name, 1.0),))

    def loss(*paintings: Tensor) -> float:
        targets = [STATISTICS[name].target(moments_for((name,), painting)) for painting in paintings]
        style = {"style relu1_1": torch.stack(targets)[None]}
        found = objective.compare({"relu1_1": torch.cat([left, right], dim=3)}, {}, style, guides)
        return found["style relu1_1"].item()

    assert loss(left, right) < 0.01 * loss(right, left)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_is_evaluated_by_itself_and_met_by_its_own_painting(name: StyleLossKind) -> None:
    network = Network(load_weights(WeightsChoice()), LAYERS, dtype=torch.float64)
    weights = tuple((layer, 1.0) for layer in LAYERS)
    objective = Objective((), weights, 1.0, 1.0, 0.0, "relative", ((name, 1.0),))
    generator = torch.Generator().manual_seed(0)
    picture, painting = torch.rand(2, 1, 3, 32, 48, dtype=torch.float64, generator=generator)

    def targets(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found = objective.style_targets({layer: moments_for((name,), features[layer]) for layer in features})
        return {term: target[None] for term, target in found.items()}

    style = targets(network.features(painting))
    assert evaluate(network, objective, painting, {}, style).losses[0, 2] < 1e-9
    found = evaluate(network, objective, picture, {}, style)
    assert found.losses[0, 2] > 1e-3
    nearer = evaluate(network, objective, picture - 1e-3 * found.gradients.sign(), {}, style)
    assert nearer.losses[0, 2] < found.losses[0, 2]
