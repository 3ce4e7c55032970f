"""The network computes what an independent reading of the same weights computes, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import Weights, find_embedded, load_weights
from pipeline.engine.transfer.statistics.second_moment import SecondMoment
from pipeline.model import LAYERS, WeightsChoice

MEAN = torch.tensor([103.939, 116.779, 123.68], dtype=torch.float64)


@pytest.fixture(scope="module")
def oxford() -> Weights:
    return load_weights(WeightsChoice())


def independent_features(pictures: Tensor, pool: str) -> dict[str, Tensor]:
    """VGG-19 as published, from the data file, by plain convolutions in float64: BGR, 0..255, minus the mean."""
    packed = torch.load(find_embedded(), weights_only=True)
    x = pictures.double()[:, [2, 1, 0]] * 255 - MEAN.view(1, 3, 1, 1)
    x = nn.pad(x, (1, 1, 1, 1), mode="replicate")
    found = {}
    for block, count in enumerate((2, 2, 4, 4, 4), start=1):
        for index in range(1, count + 1):
            key = f"block{block}_conv{index}"
            weight = packed[f"{key}_W_table"].double()[packed[f"{key}_W_q"].long()]
            x = nn.conv2d(x, weight, packed[f"{key}_b"].double(), padding=0 if block == index == 1 else 1)
            found[f"conv{block}_{index}"] = x
            x = x.clamp(min=0)
            found[f"relu{block}_{index}"] = x
        x = nn.max_pool2d(x, 2, 2) if pool == "max" else nn.avg_pool2d(x, 2, 2)
    return found


def pictures(count: int = 1, side: int = 32) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_every_layer_equals_an_independent_computation(oxford: Weights, pooling: str) -> None:
    network = Network(oxford, LAYERS, pooling="max" if pooling == "max" else "average", dtype=torch.float64)
    found = network.features(pictures().double())
    expected = independent_features(pictures(), pooling)
    assert list(found) == list(LAYERS)
    for layer in LAYERS:
        torch.testing.assert_close(found[layer], expected[layer], rtol=1e-9, atol=1e-9)


def test_single_precision_stays_close_to_double(oxford: Weights) -> None:
    layers = ("relu1_1", "relu3_1")
    found = Network(oxford, layers).features(pictures())
    expected = independent_features(pictures(), "max")
    for layer in layers:
        torch.testing.assert_close(found[layer].double(), expected[layer], rtol=1e-3, atol=1e-2)


def test_the_network_ends_at_the_deepest_layer_in_use(oxford: Weights) -> None:
    shallow = Weights("x", {"conv1_1": oxford.convolutions["conv1_1"]}, oxford.mean, oxford.deviation)
    found = Network(shallow, {"relu1_1"}).features(pictures())
    assert list(found) == ["relu1_1"]


def test_gradients_reach_the_picture_and_nothing_else(oxford: Weights) -> None:
    network = Network(oxford, ("conv1_2", "relu2_1"), dtype=torch.float64)
    x = pictures(side=32).double().requires_grad_()
    found = network.features(x)
    (gradient,) = torch.autograd.grad(found["conv1_2"].sum() + found["relu2_1"].sum(), x)
    assert gradient.shape == x.shape
    assert not any(part.requires_grad for pair in oxford.convolutions.values() for part in pair)


def test_gradients_agree_with_finite_differences(oxford: Weights) -> None:
    narrow = {
        "conv1_1": (oxford.convolutions["conv1_1"][0][:4], oxford.convolutions["conv1_1"][1][:4]),
        "conv1_2": (oxford.convolutions["conv1_2"][0][:4, :4], oxford.convolutions["conv1_2"][1][:4]),
    }
    network = Network(
        Weights("narrow", narrow, oxford.mean, oxford.deviation),
        ("conv1_1", "relu1_2"),
        pooling="average",
        dtype=torch.float64,
    )
    x = pictures(side=2).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda value: tuple(network.features(value).values()), (x,), eps=1e-6, atol=1e-3)


def test_a_flat_picture_has_flat_first_features_up_to_its_border(oxford: Weights) -> None:
    found = Network(oxford, {"relu1_1"}).features(torch.full((1, 3, 16, 16), 0.8))["relu1_1"]
    torch.testing.assert_close(found[..., 0, 0], found[..., 8, 8], rtol=1e-5, atol=1e-4)


def test_autocast_computes_in_bfloat16(oxford: Weights) -> None:
    exact = Network(oxford, {"relu2_1"}).features(pictures())["relu2_1"]
    coarse = Network(oxford, {"relu2_1"}, autocast=True).features(pictures())["relu2_1"]
    assert coarse.dtype == torch.bfloat16
    assert float((coarse.float() - exact).norm() / exact.norm()) < 0.03


def test_features_are_freed_with_their_block(oxford: Weights) -> None:
    layers = ("relu1_1", "conv2_1", "relu3_1")
    seen: list[list[str]] = []

    def reduce(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        seen.append(list(features))
        return {f"mean of {layer}": features[layer].mean() for layer in features}

    network = Network(oxford, layers)
    found = network.forward(pictures(), reduce)
    assert [names for names in seen if names] == [["relu1_1"], ["conv2_1"], ["relu3_1"]]
    features = network.features(pictures())
    assert found == {f"mean of {layer}": features[layer].mean() for layer in layers}


def test_a_gpus_path_has_the_right_shapes_and_precisions_without_a_gpu() -> None:
    meta = torch.device("meta")
    network = Network(load_weights(WeightsChoice()), {"relu1_1", "relu4_2"}, device=meta, autocast=False)
    found = network.features(torch.empty(2, 3, 64, 96, device=meta))
    assert {name: tuple(features.shape) for name, features in found.items()} == {
        "relu1_1": (2, 64, 64, 96),
        "relu4_2": (2, 512, 8, 12),
    }


def test_with_autocast_features_are_bfloat16_and_gram_matrices_float32() -> None:
    network = Network(load_weights(WeightsChoice()), {"relu2_1"}, autocast=True)
    features = network.features(torch.rand(1, 3, 32, 48))["relu2_1"]
    assert features.dtype == torch.bfloat16
    assert SecondMoment().of(features).dtype == torch.float32
