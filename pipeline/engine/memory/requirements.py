"""Predicts a picture's memory; does not import torch, so that every process can predict it.

What one evaluation needs grows with its pixels; what a pixel needs follows from the layers. What the forward pass
saves for the backward pass is counted from the shapes. What is in flight besides was measured: with
``python -m tests.benchmarks.evaluation_bytes``, as the most resident memory of one evaluation of 512 × 512 pixels
above what was resident before, on a 2-core x86-64 with torch 2.15, glibc giving everything back at once:

==========================  =======  ==========  =======
layers                      plainly  low memory  targets
==========================  =======  ==========  =======
the default recipe's          1,662       1,348      704
all                           3,060       2,060      960
relu1_1, relu1_2              1,036       1,036      512
conv1_1, relu1_1, conv1_2     2,060       2,060      768
relu1_1, relu2_2              1,404                  704
==========================  =======  ==========  =======
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from pipeline.engine.network.architecture import (
    COLORS,
    KERNEL_VALUES,
    block_of,
    channels_of,
    convolutions_through,
    input_channels_of,
    reduction_of,
)
from pipeline.model import LayerWeights, Recipe, canonical_layer

_FLOAT: Final = 4
_LEVEL: Final = 2  # of a quantile
_INDEX: Final = 8  # max pooling remembers which pixel was the largest

# Bytes a pixel: above what is saved at the end of the forward pass; in the backward pass through the first block,
# where most of what low memory needs is in flight, more if another block follows and for every convolution that is
# read before it is rectified; and in a forward pass that saves nothing.
_IN_FLIGHT: Final = 260
_FIRST_BLOCK: Final = 1050
_POOLED: Final = 380
_READ_BEFORE_RECTIFIED: Final = 512
_TARGETS: Final = 960

# L-BFGS keeps 20 pairs of steps and changes. Besides the optimizer's, there are the pixels, the best ones, the last
# accepted ones and their gradient, the new gradient, and as much again while they are exchanged.
_LBFGS_IMAGES: Final = 20 * 2
_OTHER_IMAGES: Final = 10
_ADAM_IMAGES: Final = 2

# Of a layer at most so many positions are compared by self-similarity, each with each: the target is a matrix, and
# about so many more of its size are in flight.
_MOST_POSITIONS: Final = 1024
_MATRICES_IN_FLIGHT: Final = 6

# Each kernel is kept as it is and transformed for both passes: 36 values of 9, see pipeline.engine.cpu.winograd.
_COPIES_OF_A_KERNEL: Final = 1 + 4 + 4
_PROGRAM: Final = 600_000_000


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """The most bytes that a picture in progress takes: evaluated plainly, or with blocks that are computed twice."""

    plain: int
    low_memory: int


def need_of(recipe: Recipe, height: int, width: int, style_scale: float = 1.0) -> MemoryNeed:
    """Return what a photo of ``height`` × ``width`` pixels needs at the recipe's size, from first to last scale.

    ``style_scale`` is the painting's size relative to the picture's. Layers that VGG-19 does not have need nothing.
    """
    need = need_at(recipe, picture_pixels(recipe, height, width))
    painting = target_bytes(round((recipe.size * style_scale) ** 2))
    return MemoryNeed(max(need.plain, painting), max(need.low_memory, painting))


def picture_pixels(recipe: Recipe, height: int, width: int) -> int:
    """Return how many pixels the picture of a photo of ``height`` × ``width`` has at the recipe's size."""
    factor = recipe.size / max(height, width)
    return math.ceil(height * factor) * math.ceil(width * factor)


def need_at(recipe: Recipe, pixels: int) -> MemoryNeed:
    """Return what evaluating a picture of ``pixels`` and keeping its state takes."""
    layers, kept = _layers(recipe), state_bytes(pixels, recipe)
    plain, low_memory = (evaluation_bytes(pixels, layers, low_memory=low_memory) for low_memory in (False, True))
    plain += _levels_bytes(pixels, recipe)
    kept += _MATRICES_IN_FLIGHT * _similarity_bytes(pixels, recipe)
    return MemoryNeed(plain + kept, min(plain, low_memory) + kept)


def evaluation_bytes(pixels: int, layers: Collection[str], *, low_memory: bool = False) -> int:
    """Return the most bytes that one evaluation of a picture takes, losses at ``layers`` and gradient included."""
    blocks = _blocks(layers)
    read = len({"conv1_1", "conv1_2"} & set(layers))
    first = _FIRST_BLOCK + _READ_BEFORE_RECTIFIED * read + (_POOLED if len(blocks) > 1 else 0)
    saved = sum(_saved_for_backward(block, layers) for block in blocks)
    return round(pixels * (first if low_memory else max(first, saved + _IN_FLIGHT)))


def target_bytes(pixels: int) -> int:
    """Return the most bytes that it takes to compute a painting's targets."""
    return pixels * _TARGETS


def state_bytes(pixels: int, recipe: Recipe) -> int:
    """Return what is kept of a picture between evaluations: optimizer state, pixels, the photo's features."""
    images = {"lbfgs": _LBFGS_IMAGES, "adam": _ADAM_IMAGES, "sgd": 1}[recipe.optimizer] + _OTHER_IMAGES
    images += 1 if recipe.ema_decay else 0
    features = sum(map(_bytes_of_layer, _known(recipe.content_layers)))
    return round(pixels * (images * COLORS * _FLOAT + features)) + _similarity_bytes(pixels, recipe)


def _similarity_bytes(pixels: int, recipe: Recipe) -> int:
    """Return what it takes to keep how alike a photo's positions are, at all layers where that is compared."""
    if "self_similarity" not in dict(recipe.content_loss):
        return 0
    positions = (min(_MOST_POSITIONS, pixels / reduction_of(name) ** 2) for name in _known(recipe.content_layers))
    return round(sum(count**2 * _FLOAT for count in positions))


def _levels_bytes(pixels: int, recipe: Recipe) -> int:
    """Return what is saved for the gradient of quantiles: each value's level, of as many as there are features.

    What else their sorting takes is in flight when less is in flight than elsewhere.
    """
    if "sliced_wasserstein" not in dict(recipe.style_losses):
        return 0
    return round(pixels * sum(map(_bytes_of_layer, _known(recipe.style_layers))) * _LEVEL / _FLOAT)


def program_bytes(recipe: Recipe) -> int:
    """Return what a worker holds without any picture: the program and the weights down to the deepest layer."""
    weights = sum(_weights(convolution) for block in _blocks(_layers(recipe)) for convolution in block)
    return _PROGRAM + weights * _FLOAT * _COPIES_OF_A_KERNEL


def _layers(recipe: Recipe) -> set[str]:
    return _known((*recipe.content_layers, *recipe.style_layers))


def _known(layers: LayerWeights) -> set[str]:
    found = set()
    for name, _ in layers:
        with contextlib.suppress(ValueError):  # a wrong name is reported when the picture is begun
            found.add(canonical_layer(name))
    return found


def _blocks(layers: Collection[str]) -> list[list[str]]:
    """Return the convolutions that ``layers`` need, by blocks."""
    return [list(block) for _, block in groupby(convolutions_through(layers), block_of)]


def _saved_for_backward(block: Collection[str], layers: Collection[str]) -> float:
    """Return the bytes a pixel that a block's convolutions save for the backward pass, with their pooled output."""
    outputs = sum(_bytes_of_layer(name) * (2 if name in layers else 1) for name in block)
    first = next(iter(block))
    return outputs + channels_of(first) * (_FLOAT + _INDEX) / (4 * reduction_of(first) ** 2)


def _bytes_of_layer(layer: str) -> float:
    return channels_of(layer) * _FLOAT / reduction_of(layer) ** 2


def _weights(convolution: str) -> int:
    return KERNEL_VALUES * input_channels_of(convolution) * channels_of(convolution)
