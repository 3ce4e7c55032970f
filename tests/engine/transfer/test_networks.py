"""Recipes with the same layers and pooling share a network, and all networks share their convolutions."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pipeline.engine.network.vgg import build_convolutions
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.networks import Networks
from pipeline.errors import StylizeError
from pipeline.model import Recipe, WeightsChoice

RECIPE = Recipe(content_layers=(("relu2_1", 1.0),), style_layers=(("relu1_1", 1.0),))


@pytest.fixture(scope="module")
def networks() -> Networks:
    weights, cpu = load_weights(WeightsChoice()), torch.device("cpu")
    return Networks(weights, build_convolutions(weights, cpu), cpu, autocast=False)


def test_a_network_is_shared_by_all_recipes_that_need_the_same(networks: Networks) -> None:
    network = networks.of(RECIPE)
    assert network.layers == {"relu1_1", "relu2_1"}
    assert networks.of(replace(RECIPE, style_layers=(("block1_conv1", 0.5),), content_weight=9.0)) is network
    assert networks.of(replace(RECIPE, pooling="average")) is not network
    assert networks.of(replace(RECIPE, content_layers=())).layers == {"relu1_1"}


def test_a_wrong_layer_is_named(networks: Networks) -> None:
    with pytest.raises(StylizeError, match="relu9_1"):
        networks.of(replace(RECIPE, content_layers=(("relu9_1", 1.0),)))
