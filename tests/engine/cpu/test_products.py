"""Products of features are those of the plain formulas, in any precision and memory order."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.engine.cpu.products import (
    mean_products,
    multiply_pixels,
    multiply_pixels_of_batch,
    multiply_pixels_of_each,
)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_products_of_channels_are_averaged_over_pixels() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]])
    assert mean_products(features).tolist() == [[[2.5, 0.5], [0.5, 5.0]]]


def test_each_pixel_is_multiplied_in_any_precision() -> None:
    x, matrix = random(1, 4, 3, 5), random(2, 4)
    expected = torch.einsum("kc,bchw->bkhw", matrix, x)
    torch.testing.assert_close(multiply_pixels(x, matrix), expected)
    torch.testing.assert_close(multiply_pixels(x.float(), matrix.float()), expected.float(), rtol=1e-4, atol=1e-4)


def test_a_batch_at_once_is_multiplied_as_its_images_alone() -> None:
    features, matrices = random(3, 4, 5, 6), random(3, 4, 4, seed=1)
    alone = [multiply_pixels(one, matrix) for one, matrix in zip(features.split(1), matrices, strict=True)]
    found = multiply_pixels_of_batch(features, matrices)
    torch.testing.assert_close(found, torch.cat(alone))
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_each_image_of_a_batch_is_multiplied_with_its_bits_alone() -> None:
    features, matrices = random(3, 4, 5, 6).float(), random(3, 4, 4, seed=1).float()
    alone = [multiply_pixels(one, matrix) for one, matrix in zip(features.split(1), matrices, strict=True)]
    assert torch.equal(multiply_pixels_of_each(features, matrices), torch.cat(alone))
    assert torch.equal(multiply_pixels_of_each(features[:1], matrices[:1]), alone[0])
