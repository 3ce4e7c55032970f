"""Winograd's convolutions equal plain ones, in every shape, and in their gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.cpu.winograd import (
    Batched,
    Kernel,
    Packed,
    Tiles,
    packing_works,
    tile_weights,
    transposed_kernel,
)

KERNELS: dict[str, Callable[[Tensor, Tensor | None], Kernel]] = {"tiles": Tiles}


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def plain(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    y = nn.conv2d(x.permute(2, 0, 1)[None], weight, bias, padding=1)
    return y[0].permute(1, 2, 0)


@pytest.mark.parametrize("kind", KERNELS)
@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (2, 3), (4, 4), (5, 7), (6, 2), (7, 12), (8, 8), (9, 13), (16, 5), (23, 17)]
)
@pytest.mark.parametrize(("channels", "outputs"), [(1, 1), (3, 5), (8, 4)])
def test_every_shape_equals_the_plain_convolution(
    kind: str, height: int, width: int, channels: int, outputs: int
) -> None:
    x, weight, bias = (
        random(height, width, channels),
        random(outputs, channels, 3, 3, seed=1),
        random(outputs, seed=2),
    )
    expected = plain(x, weight, bias)
    kernel = KERNELS[kind](weight, bias)
    torch.testing.assert_close(kernel(x, rectify=False), expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(kernel(x, rectify=True), expected.clamp(min=0), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KERNELS)
def test_a_picture_worked_on_in_many_blocks_is_the_same_convolution(kind: str) -> None:
    x, weight = random(50, 3000, 8), random(8, 8, 3, 3, seed=1)
    torch.testing.assert_close(
        KERNELS[kind](weight, None)(x, rectify=False), plain(x, weight, None), rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("kind", KERNELS)
def test_single_precision_errs_by_a_millionth(kind: str) -> None:
    x, weight = random(24, 32, 128, dtype=torch.float32), random(128, 128, 3, 3, seed=1, dtype=torch.float32)
    expected = plain(x.double(), weight.double(), None)
    error = KERNELS[kind](weight, None)(x, rectify=False) - expected
    assert float(error.norm() / expected.norm()) < 1e-5


def test_the_turned_kernel_takes_gradients_back() -> None:
    x, weight = random(6, 7, 2).requires_grad_(), random(3, 2, 3, 3, seed=1)
    direction = random(6, 7, 3, seed=2)
    (expected,) = torch.autograd.grad((plain(x, weight, None) * direction).sum(), x)
    torch.testing.assert_close(Tiles(transposed_kernel(weight))(direction, rectify=False), expected)


def test_tile_weights_are_the_filter_at_five_points_and_at_infinity() -> None:
    weight = random(1, 1, 3, 3)
    found = tile_weights(weight).view(6, 6)
    # The first point is 0 and the last infinity, where a polynomial is its first and its last coefficient.
    torch.testing.assert_close(found[0, 0], weight[0, 0, 0, 0] / 16)
    torch.testing.assert_close(found[5, 5], weight[0, 0, 2, 2])
    torch.testing.assert_close(found[1, 1], weight.sum() / 36)


@pytest.mark.skipif(not packing_works(), reason="this torch does not pack matrices")
def test_packed_matrices_multiply_as_torch_does() -> None:
    matrices, bias = random(36, 16, 32, dtype=torch.float32), random(32, dtype=torch.float32)
    parts = random(36, 10, 16, seed=1, dtype=torch.float32)
    for given in (bias, None):
        found, expected = Packed(matrices, given)(parts), Batched(matrices, given)(parts)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not packing_works(), reason="this torch does not pack matrices")
def test_packed_tiles_equal_the_plain_convolution() -> None:
    x, weight, bias = random(9, 14, 32), random(16, 32, 3, 3, seed=1), random(16, seed=2)
    kernel = Tiles(weight.float(), bias.float(), Packed)
    found = kernel(x.float(), rectify=False)
    torch.testing.assert_close(found.double(), plain(x, weight, bias), rtol=1e-3, atol=1e-3)
