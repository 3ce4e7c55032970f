"""Features of blocks are those of the whole picture."""

from __future__ import annotations

import pytest
import torch

from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.blocks.partition import Block, Box, Divide, Stage
from pipeline.engine.transfer.blocks.passing import features_in_blocks, pass_network
from pipeline.model import WeightsChoice

LAYERS = ("conv1_1", "relu1_2", "relu2_2", "relu3_1", "relu4_4", "conv5_1")


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(load_weights(WeightsChoice()), LAYERS, dtype=torch.float64)


@pytest.mark.parametrize(
    "divide",
    [
        lambda side, stage: [0, side // 2 // stage.grid * stage.grid, side],
        lambda side, stage: [*range(0, side, max(stage.grid, 16 // stage.reduction)), side],
        lambda side, _: [0, side],
    ],
)
def test_blocks_have_the_whole_pictures_features(network: Network, divide: Divide) -> None:
    pictures = torch.rand(2, 3, 80, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = network.features(pictures)
    counts = {layer: torch.zeros(whole[layer].shape[2:]) for layer in LAYERS}

    def take(layer: str, features: torch.Tensor, box: Box) -> None:
        torch.testing.assert_close(features, whole[layer][box.slices], rtol=1e-12, atol=1e-12)
        counts[layer][box.slices[2:]] += 1

    pass_network(network, pictures, take, divide)
    assert all(bool((count == 1).all()) for count in counts.values())


def test_whole_features_are_put_together_of_blocks(network: Network) -> None:
    picture = torch.rand(1, 3, 528, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        whole = network.features(picture)
    found = features_in_blocks(network, picture, {"relu1_2", "conv5_1"})
    assert found.keys() == {"relu1_2", "conv5_1"}
    for layer, features in found.items():
        torch.testing.assert_close(features, whole[layer], rtol=1e-12, atol=1e-12)
        assert not features.requires_grad


def test_each_block_of_each_stage_is_told(network: Network) -> None:
    told: list[tuple[int, int]] = []

    def passed(stage: Stage, block: Block) -> None:
        told.append((stage.reduction, block.core.positions))

    features_in_blocks(network, torch.zeros(1, 3, 528, 32, dtype=torch.float64), {"relu1_2"}, passed)
    assert told == [(1, 264 * 32), (1, 264 * 32), (4, 132 * 8), (8, 66 * 4), (16, 33 * 2)]
