"""How much arithmetic VGG-19 takes, counted as direct convolution, and how fast this machine multiplies matrices."""

from __future__ import annotations

import time
from statistics import median

import torch

from pipeline.engine.network.architecture import (
    KERNEL_VALUES,
    channels_of,
    convolutions_through,
    input_channels_of,
    reduction_of,
)


def convolution_flops(height: int, width: int, deepest: str = "relu5_1") -> int:
    """Return the operations of a forward pass through ``deepest`` and of its gradient with respect to the picture.

    A 3×3 convolution takes 2·9·in·out operations a position, and its transpose, for the gradient, as many. Weights
    are frozen: no gradients of theirs.
    """
    total = 0
    for name in convolutions_through({deepest}):
        positions = (height // reduction_of(name)) * (width // reduction_of(name))
        total += 2 * KERNEL_VALUES * input_channels_of(name) * channels_of(name) * positions
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
