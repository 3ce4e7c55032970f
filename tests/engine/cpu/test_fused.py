"""Compiled convolutions equal plain ones, in every shape, with the same bits on any number of threads."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.cpu.fused import Fused, fusing_works
from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.cpu.winograd import Tiles, transposed_kernel

pytestmark = pytest.mark.skipif(not fusing_works(), reason="LLVM is not here")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def plain(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    x, weight = x.double(), weight.double()
    y = nn.conv2d(x.permute(2, 0, 1)[None], weight, None if bias is None else bias.double(), padding=1)
    return y[0].permute(1, 2, 0)


def relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (2, 3), (4, 4), (5, 7), (6, 2), (7, 12), (8, 8), (9, 13), (16, 5), (23, 17), (40, 99)],
)
@pytest.mark.parametrize(("channels", "outputs"), [(16, 16), (16, 48), (64, 32)])
def test_every_shape_equals_the_plain_convolution(height: int, width: int, channels: int, outputs: int) -> None:
    x, weight, bias = (
        random(height, width, channels),
        random(outputs, channels, 3, 3, seed=1),
        random(outputs, seed=2),
    )
    kernel = Fused(weight, bias)
    found = kernel(x, rectify=False)
    assert found.is_contiguous()
    assert relative_error(found, plain(x, weight, bias)) < 3e-6
    assert torch.equal(kernel(x, rectify=True), found.clamp(min=0))
    assert relative_error(Fused(weight, None)(x, rectify=False), plain(x, weight, None)) < 3e-6


def test_many_channels_err_by_some_millionths_as_tiles_do() -> None:
    x, weight = random(24, 32, 512), random(512, 512, 3, 3, seed=1)
    expected = plain(x, weight, None)
    kernels = (Fused(weight, None), Tiles(weight))
    error, usual = (relative_error(kernel(x, rectify=False), expected) for kernel in kernels)
    assert error < 2 * usual < 1e-5


def test_the_turned_kernel_takes_gradients_back() -> None:
    x, weight, direction = random(6, 7, 16).requires_grad_(), random(32, 16, 3, 3, seed=1), random(6, 7, 32, seed=2)
    (expected,) = torch.autograd.grad((plain(x, weight, None) * direction).sum(), x)
    assert relative_error(Fused(transposed_kernel(weight), None)(direction, rectify=False), expected) < 3e-6


@pytest.mark.parametrize("rectify", [False, True])
def test_bits_are_the_same_on_any_threads_and_beside_other_pixels(rectify: bool) -> None:
    x, kernel = random(48, 200, 16), Fused(random(32, 16, 3, 3, seed=1), random(32, seed=2))
    with on_threads(1):
        alone = kernel(x, rectify=rectify)
    for count in (2, 3):
        with on_threads(count):
            assert torch.equal(kernel(x, rectify=rectify), alone)
    part = kernel(x[:24, :104].contiguous(), rectify=rectify)
    assert torch.equal(part[:20, :100], alone[:20, :100])


@pytest.mark.parametrize("rectify", [False, True])
def test_what_is_no_number_stays_so(rectify: bool) -> None:
    x = random(12, 12, 16)
    x[6, 6, 3] = math.nan
    found = Fused(random(16, 16, 3, 3, seed=1), None)(x, rectify=rectify)
    assert found[6, 6].isnan().all()
    assert found[0, 0].isfinite().all()


@pytest.mark.parametrize(("height", "width"), [(5, 7), (16, 24)])
def test_a_gradient_counts_only_where_the_rectifier_let_something_through(height: int, width: int) -> None:
    kernel, x, outputs = (
        Fused(random(32, 16, 3, 3, seed=1), None),
        random(height, width, 16),
        random(height, width, 16, seed=2),
    )
    expected = kernel(torch.where(outputs > 0, x, 0.0), rectify=False)
    assert torch.equal(kernel(x, rectify=False, rectified=outputs), expected)


@pytest.mark.parametrize(("height", "width"), [(5, 7), (16, 24)])
def test_two_gradients_are_summed_on_the_way(height: int, width: int) -> None:
    kernel = Fused(random(32, 16, 3, 3, seed=1), None)
    x, added, outputs = (random(height, width, 16, seed=seed) for seed in range(3))
    expected = kernel(torch.where(outputs > 0, x + added, 0.0), rectify=False)
    assert torch.equal(kernel(x, rectify=False, rectified=outputs, added=added), expected)


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(("channels", "outputs"), [(3, 64), (64, 3), (16, 16), (5, 21)])
def test_any_number_of_channels_and_zeros_around(channels: int, outputs: int, padding: int) -> None:
    x, weight = random(14, 19, channels), random(outputs, channels, 3, 3, seed=1)
    expected = nn.conv2d(x.double().permute(2, 0, 1)[None], weight.double(), padding=padding)[0].permute(1, 2, 0)
    found = Fused(weight, None, padding=padding)(x, rectify=False)
    assert found.shape == expected.shape
    assert relative_error(found, expected) < 3e-6


def test_where_tiles_are_few_threads_divide_the_outputs() -> None:
    x, kernel = random(5, 9, 16), Fused(random(192, 16, 3, 3, seed=1), random(192, seed=2))
    with on_threads(1):
        alone = kernel(x, rectify=True)
    with on_threads(3):
        assert torch.equal(kernel(x, rectify=True), alone)


def test_other_numbers_than_float32_are_refused() -> None:
    kernel = Fused(random(16, 16, 3, 3), None)
    for x in (random(6, 6, 16).double(), random(16, 6, 6).permute(1, 2, 0)):
        with pytest.raises(TypeError):
            kernel(x, rectify=False)


def test_without_llvm_it_is_known_not_to_work() -> None:
    script = "import sys; sys.modules['llvmlite'] = None; from pipeline.engine.cpu.fused import fusing_works as works"
    assert subprocess.run([sys.executable, "-c", f"{script}; sys.exit(works())"], check=False).returncode == 0
