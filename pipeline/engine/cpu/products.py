"""Multiplies matrices of features, with the same bits on any number of threads."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads

#: Of fewer pixels torch's convolutions and matrix products have other bits with another number of threads.
FEW_PIXELS: Final = 64


def mean_products(features: Tensor) -> Tensor:
    """Return the products of channels, averaged over pixels: F F' / (h w), (B, C, C), of features F (B, C, h, w)."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def multiply_pixels(x: Tensor, matrix: Tensor) -> Tensor:
    """Return ``matrix`` (K, C) times each pixel of ``x`` (1, C, H, W) as (1, K, H, W), channels last.

    Not a convolution of a single pixel: oneDNN's has other bits with another number of threads.
    """
    _, channels, height, width = x.shape
    flat = x[0].permute(1, 2, 0).reshape(height * width, channels)
    # So has a product of very few rows.
    with on_threads(1) if height * width < FEW_PIXELS else nullcontext():
        y = flat @ matrix.T
    return y.view(1, height, width, -1).permute(0, 3, 1, 2)


def multiply_pixels_of_each(features: Tensor, matrices: Tensor) -> Tensor:
    """Return features (B, C, h, w) with each image's pixels multiplied by its own of ``matrices`` (B, C, C).

    On the CPU each image has the same bits alone and in any batch.
    """
    if features.device.type != "cpu":
        return multiply_pixels_of_batch(features, matrices)
    parts = [multiply_pixels(one, matrix) for one, matrix in zip(features[:, None], matrices, strict=True)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def multiply_pixels_of_batch(features: Tensor, matrices: Tensor) -> Tensor:
    """Return features (B, C, h, w) with each image's pixels multiplied by its own of ``matrices`` (B, C, C).

    One call for a batch, which is what a GPU asks for; channels last.
    """
    batch, channels, height, width = features.shape
    rows = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    multiplied = rows @ matrices.transpose(1, 2)
    return multiplied.view(batch, height, width, channels).permute(0, 3, 1, 2)
