"""A convolution gives the same features and gradients whatever algorithm computes it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.grad import conv2d_input

from pipeline.engine.cpu.convolution import ALGORITHMS, Algorithm, Convolution, LayerShape, algorithms_for
from pipeline.engine.cpu.fused import fusing_works
from pipeline.engine.cpu.winograd import packing_works
from pipeline.engine.network.vgg import Network, build_convolutions
from pipeline.engine.network.weights import Weights, load_weights
from pipeline.engine.transfer.statistics.second_moment import SecondMoment
from pipeline.model import WeightsChoice

EXACT: tuple[Algorithm, ...] = ("direct", "tiles")
WORKS = {"packed": packing_works, "fused": fusing_works}
USABLE = [name for name in ALGORITHMS if name not in WORKS or WORKS[name]()]
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def convolution(algorithm: Algorithm, channels: int = 2, outputs: int = 4, *, single: bool = False) -> Convolution:
    weight, bias = random(outputs, channels, 3, 3, seed=1), random(outputs, seed=2)
    if single:
        weight, bias = weight.float(), bias.float()
    return Convolution(weight, bias, choose=lambda shape: algorithm)


def oxford(algorithm: Algorithm, weights: Weights, dtype: torch.dtype = torch.float32) -> Network:
    placed = build_convolutions(
        weights,
        torch.device("cpu"),
        dtype,
        choose=lambda shape: algorithm if shape.channels >= 64 else "direct",
    )
    return Network(weights, STYLE, dtype=dtype, convolutions=placed)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return load_weights(WeightsChoice())


@pytest.mark.parametrize("rectify", [False, True])
@pytest.mark.parametrize("algorithm", EXACT)
def test_gradients_agree_with_finite_differences(algorithm: Algorithm, rectify: bool) -> None:
    x = random(2, 2, 5, 6).requires_grad_()
    work = convolution(algorithm)
    assert torch.autograd.gradcheck(lambda value: work(value, rectify=rectify), (x,))


@pytest.mark.parametrize("algorithm", USABLE)
def test_a_picture_comes_out_the_same_bits_alone_and_in_a_batch(algorithm: Algorithm) -> None:
    work = convolution(algorithm, 32, 32, single=True)
    batch = random(3, 32, 12, 20).float()
    together = work(batch, rectify=True)
    if algorithm != "direct":  # torch's own promises this for pictures given one by one only
        for index in range(3):
            assert torch.equal(together[index : index + 1], work(batch[index : index + 1], rectify=True))
    assert torch.equal(together, work(batch, rectify=True))


def test_an_algorithm_may_change_with_the_shape() -> None:
    seen: list[LayerShape] = []

    def choose(shape: LayerShape) -> Algorithm:
        seen.append(shape)
        return "tiles" if shape.height > 4 else "direct"

    work = Convolution(random(4, 2, 3, 3), random(4), choose=choose)
    small, large = random(1, 2, 4, 6), random(1, 2, 8, 6).requires_grad_()
    assert work(small, rectify=True).shape == (1, 4, 4, 6)
    torch.autograd.grad(work(large, rectify=True).sum(), large)
    assert seen[0] == LayerShape(2, 4, 4, 6)
    assert seen[-1] == LayerShape(4, 2, 8, 6)


def test_the_way_back_may_be_direct() -> None:
    x = random(1, 2, 6, 6).requires_grad_()
    work = Convolution(
        random(4, 2, 3, 3), random(4), choose=lambda shape: "tiles" if shape.channels == 2 else "direct"
    )
    assert torch.autograd.gradcheck(lambda value: work(value, rectify=True), (x,))


@pytest.mark.parametrize("shape", [(1, 3, 5, 6), (2, 3, 16, 9)])
def test_the_way_back_to_the_colors_is_exact(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.engine.cpu.convolution._BAND_PIXELS", 50)
    x = random(*shape).requires_grad_()
    weight, bias = random(4, 3, 3, 3), random(4)
    work = Convolution(weight, bias, padding=0)
    assert torch.autograd.gradcheck(lambda value: work(value, rectify=False), (x,))
    gradient = random(shape[0], 4, shape[2] - 2, shape[3] - 2)
    (found,) = torch.autograd.grad(work(x, rectify=False), x, gradient)
    torch.testing.assert_close(found, conv2d_input(list(shape), weight, gradient))


def test_who_reads_features_gets_a_gradient_of_their_own() -> None:
    x, work = random(1, 4, 6, 6).requires_grad_(), convolution("tiles", 4, 4)
    further, features = work.read(x, rectify=True)
    assert torch.equal(further, features)
    both, one, other = (
        torch.autograd.grad(total, x, retain_graph=True)[0]
        for total in (further.sum() + 2 * features.sum(), further.sum(), features.sum())
    )
    torch.testing.assert_close(both, one + 2 * other)


@pytest.mark.skipif("fused" not in USABLE, reason="LLVM is not here")
def test_colors_are_fused_there_and_back(weights: Weights) -> None:
    weight, bias = weights.convolutions["conv1_1"]
    fused, plain = (
        Convolution(weight, bias, padding=0, choose=lambda _, name=name: name) for name in ("fused", "direct")
    )
    x = torch.rand(2, 3, 13, 18, generator=torch.Generator().manual_seed(1)).requires_grad_()
    found, expected = (work(x, rectify=True) for work in (fused, plain))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    direction = random(2, 64, 11, 16).float()
    ways_back = [torch.autograd.grad(y, x, direction)[0] for y in (found, expected)]
    torch.testing.assert_close(*ways_back, rtol=1e-4, atol=1e-4)


def test_tiles_are_not_taken_for_colors() -> None:
    assert algorithms_for(LayerShape(3, 64, 8, 8)) == algorithms_for(LayerShape(64, 3, 8, 8)) == ("direct", "fused")
    x = random(1, 3, 7, 7)
    assert convolution("tiles", 3, 4)(x, rectify=False).shape == (1, 4, 7, 7)


def test_a_convolution_of_few_pixels_differentiates_as_any_other() -> None:
    x = random(2, 5, 4, 3).requires_grad_()
    work = Convolution(random(2, 5, 3, 3), random(2))
    assert torch.autograd.gradcheck(lambda value: work(value, rectify=True), (x,))


def style_gradient(network: Network, pictures: Tensor) -> Tensor:
    pictures = pictures.clone().requires_grad_()
    found = network.features(pictures)
    total = sum(
        (SecondMoment().of(found[layer]).square().sum().sqrt() for layer in STYLE), start=pictures.new_zeros(())
    )
    (gradient,) = torch.autograd.grad(total, pictures)
    return gradient


@pytest.mark.parametrize("algorithm", USABLE)
def test_an_evaluation_of_the_whole_network_stays_close_to_double_precision(
    algorithm: Algorithm, weights: Weights
) -> None:
    pictures = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = style_gradient(oxford("direct", weights, torch.float64), pictures)
    found = style_gradient(oxford(algorithm, weights), pictures.float())
    error = (found.double() - expected).abs() / expected.square().mean().sqrt()
    # A rectifier or a pooling whose decision hangs on the last bit moves a few pixels' gradients by more, in torch's
    # own convolutions too; all others are as exact as the arithmetic.
    assert float(error.median()) < 1e-5
    assert float(error.flatten().quantile(0.9)) < 1e-4


@pytest.mark.parametrize("algorithm", USABLE)
def test_the_same_evaluation_twice_gives_the_same_bits(algorithm: Algorithm, weights: Weights) -> None:
    pictures = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(4))
    network = oxford(algorithm, weights)
    assert torch.equal(style_gradient(network, pictures), style_gradient(network, pictures))
