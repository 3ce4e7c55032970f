"""How much arithmetic VGG-19 takes, counted as direct convolution, and how fast this machine multiplies matrices."""

from __future__ import annotations

import time
from statistics import median

import torch

from pipeline.model import LAYERS

_CHANNELS = (64, 128, 256, 512, 512)


def convolution_flops(height: int, width: int, deepest: str = "relu5_1") -> int:
    """Return the operations of a forward pass through ``deepest`` and of its gradient with respect to the picture.

    A 3×3 convolution takes 2·9·in·out operations a position, and its transpose, for the gradient, as many. Weights
    are frozen: no gradients of theirs.
    """
    total, before = 0, 3
    for layer in LAYERS[: LAYERS.index(deepest) + 1]:
        if layer.startswith("conv"):
            block = int(layer[4])
            channels, shrunk = _CHANNELS[block - 1], 2 ** (block - 1)
            total += 2 * 9 * before * channels * (height // shrunk) * (width // shrunk)
            before = channels
    return 2 * total


def matrix_rate(side: int = 2048, repetitions: int = 3) -> float:
    """Return how many float32 operations a second a large matrix product reaches."""
    left, right = torch.rand(side, side), torch.rand(side, side)
    durations = []
    for _ in range(repetitions + 1):
        began = time.perf_counter()
        torch.mm(left, right)
        durations.append(time.perf_counter() - began)
    return 2 * side**3 / median(durations[1:])
