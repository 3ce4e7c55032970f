"""What is said of VGG-19 is true of its weights, and known without torch."""

from __future__ import annotations

import subprocess
import sys

import torch

from pipeline.engine.network.architecture import (
    CONVOLUTIONS,
    GRID,
    LEAST_SIDE,
    block_of,
    channels_of,
    convolutions_through,
    input_channels_of,
    rectified,
    reduction_of,
)
from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.model import LAYERS, WeightsChoice


def test_channels_are_those_of_the_weights() -> None:
    weights = load_weights(WeightsChoice())
    assert tuple(weights.convolutions) == CONVOLUTIONS
    for name, (weight, bias) in weights.convolutions.items():
        assert weight.shape == (channels_of(name), input_channels_of(name), 3, 3)
        assert bias.shape == (channels_of(name),)


def test_reductions_and_the_grid_are_those_of_the_features() -> None:
    features = Network(load_weights(WeightsChoice()), LAYERS).features(
        torch.zeros(1, 3, LEAST_SIDE, LEAST_SIDE + GRID)
    )
    for layer in LAYERS:
        side = reduction_of(layer)
        assert features[layer].shape[1:] == (channels_of(layer), LEAST_SIDE // side, (LEAST_SIDE + GRID) // side)


def test_a_layer_needs_the_convolutions_before_it() -> None:
    assert convolutions_through({"relu2_1", "conv1_1"}) == ("conv1_1", "conv1_2", "conv2_1")
    assert convolutions_through(()) == ("conv1_1",)
    assert convolutions_through(LAYERS) == CONVOLUTIONS
    assert [rectified(name) for name in CONVOLUTIONS] == [layer for layer in LAYERS if layer not in CONVOLUTIONS]
    assert sorted({block_of(layer) for layer in LAYERS}) == [1, 2, 3, 4, 5]


def test_it_is_known_without_torch() -> None:
    script = "import sys, pipeline.engine.network.architecture; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
