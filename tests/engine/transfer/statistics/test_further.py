"""A further statistic is one small class: what is written here, and an entry in STATISTICS, would be all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.distance import exact, squared_distance
from pipeline.engine.transfer.evaluation import evaluate
from pipeline.engine.transfer.losses import Objective
from pipeline.engine.transfer.statistics import DEFAULT, STATISTICS, Statistic
from pipeline.engine.transfer.statistics.moments import Moments, moments_of
from pipeline.model import LossKind, WeightsChoice


@dataclass(frozen=True, slots=True)
class MeanAndDeviation:
    """How strongly each channel responds and how much that varies: a matrix (2, C), as in adaptive normalization."""

    def of(self, features: Tensor) -> Tensor:
        features = exact(features).flatten(2)
        return torch.stack([features.mean(2), features.var(2, correction=0).clamp_min(1e-8).sqrt()], dim=1)

    def target(self, moments: Moments) -> Tensor:
        variance = moments.second.diagonal() - moments.mean.square()
        return torch.stack([moments.mean, variance.clamp_min(1e-8).sqrt()])

    def loss(self, found: Tensor, target: Tensor, kind: LossKind) -> Tensor:
        return squared_distance(found, target, kind, gatys_divisor=4 * found.shape[2])


LAYERS = ("relu1_1", "relu2_1")


@pytest.mark.parametrize("statistic", [*STATISTICS.values(), MeanAndDeviation()])
def test_a_statistic_is_evaluated_by_itself_and_met_by_its_own_painting(statistic: Statistic) -> None:
    network = Network(load_weights(WeightsChoice()), LAYERS, dtype=torch.float64)
    weights = tuple((layer, 1.0) for layer in LAYERS)
    objective = Objective((), weights, 1.0, 1.0, 0.0, "relative", statistic)
    generator = torch.Generator().manual_seed(0)
    picture, painting = torch.rand(2, 1, 3, 32, 48, dtype=torch.float64, generator=generator)

    def targets(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {layer: statistic.target(moments_of(features[layer]))[None] for layer in features}

    style = targets(network.features(painting))
    assert evaluate(network, objective, painting, {}, style).losses[0, 2] < 1e-9
    found = evaluate(network, objective, picture, {}, style)
    assert found.losses[0, 2] > 1e-3
    nearer = evaluate(network, objective, picture - 1e-3 * found.gradients.sign(), {}, style)
    assert nearer.losses[0, 2] < found.losses[0, 2]


def test_recipes_mean_a_statistic_that_there_is() -> None:
    assert Objective((), (), 1.0, 1.0, 0.0, "relative").statistic is STATISTICS[DEFAULT]
