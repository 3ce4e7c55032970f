"""Predicts a picture's memory; does not import torch, so that every process can predict it.

What one evaluation needs grows with its pixels; what a pixel needs follows from the layers. What the forward pass
saves for the backward pass is counted from the shapes. What is in flight besides was measured: with
``python -m tests.benchmarks.evaluation_bytes``, as the most resident memory of one evaluation of 512 × 512 pixels
above what was resident before, on a 2-core x86-64 with torch 2.15, glibc giving everything back at once:

==========================  =======  =======
layers                      plainly  targets
==========================  =======  =======
the default recipe's          1,662      704
all                           3,060      960
relu1_1, relu1_2              1,036      512
conv1_1, relu1_1, conv1_2     2,060      768
relu1_1, relu2_2              1,404      704
==========================  =======  =======

An evaluation in blocks takes what one of a block takes, and besides what is kept of the whole picture between the
network's stages: with the default recipe's layers 505 MB and 150 bytes a pixel. 40 of these are freed, but stay with
the program between allocations of different sizes: measured at 6000 × 4000 pixels, a worker had 8.9 GB at most.
"""

from __future__ import annotations

import bisect
import contextlib
import math
from collections.abc import Collection
from functools import partial
from itertools import groupby
from typing import Final

from pipeline.engine.memory.plan import BLOCK_PIXELS, FIRST_STAGE_SEGMENTS, LEAST, PLAIN, MemoryPlan, plan_within
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

# Bytes a pixel: above what is saved at the end of the forward pass; in the backward pass through the first block of
# a shallow network, where most is in flight, more if another block follows and for every convolution that is read
# before it is rectified; and in a forward pass that saves nothing, whole and in blocks.
_IN_FLIGHT: Final = 260
_FIRST_BLOCK: Final = 1050
_POOLED: Final = 380
_READ_BEFORE_RECTIFIED: Final = 512
_TARGETS: Final = 960
_TARGETS_IN_BLOCKS: Final = 100

# Between two evaluations there are the photo, the pixels and the best ones; of L-BFGS the last accepted point and its
# gradient. While pixels are moved there are, as measured, nine more at most: the new gradient, as it is and scaled, a
# pair of the history as it is and as it is kept, the direction and its spectrum.
_KEPT_IMAGES: Final = 3
_ACCEPTED_IMAGES: Final = 2
_IMAGES_IN_MOVE: Final = 9
_ADAM_IMAGES: Final = 2
_BFLOAT16: Final = 2

# What is evaluated at once of a picture in blocks, and of the whole: picture, gradient, and their sum; and what the
# allocator keeps of what was freed, in bytes a pixel.
_PIXELS_OF_BLOCK: Final = (BLOCK_PIXELS + 2 * 8) ** 2
_IMAGES_IN_BLOCKS: Final = 3
_FREED_BUT_KEPT: Final = 40
# Of losses that need a layer's features whole: these, their gradient and, for quantiles, levels.
_WHOLE: Final = 2.5

# Of a layer at most so many positions are compared by self-similarity, each with each: the target is a matrix, and
# about so many more of its size are in flight.
_MOST_POSITIONS: Final = 1024
_MATRICES_IN_FLIGHT: Final = 6

# No picture file has more.
_MOST_PIXELS: Final = 65_535**2

# Each kernel is kept as it is and transformed for both passes: 36 values of 9, see pipeline.engine.cpu.winograd.
_COPIES_OF_A_KERNEL: Final = 1 + 4 + 4
#: What a worker holds besides its pictures and the weights.
PROGRAM_BYTES: Final = 600_000_000


def need_of(recipe: Recipe, height: int, width: int, style_scale: float = 1.0, plan: MemoryPlan = PLAIN) -> int:
    """Return the most bytes that a photo of ``height`` × ``width`` pixels needs at the recipe's size.

    ``style_scale`` is the painting's size relative to the picture's. Layers that VGG-19 does not have need nothing.
    """
    # Paintings are never enlarged.
    painting = target_bytes(round((recipe.size * style_scale) ** 2), in_blocks=plan.in_blocks)
    return max(need_at(recipe, picture_pixels(recipe, height, width), plan), painting)


def picture_pixels(recipe: Recipe, height: int, width: int) -> int:
    """Return how many pixels the picture of a photo of ``height`` × ``width`` has at the recipe's size."""
    factor = recipe.size / max(height, width)
    return math.ceil(height * factor) * math.ceil(width * factor)


def need_at(recipe: Recipe, pixels: int, plan: MemoryPlan = PLAIN) -> int:
    """Return what evaluating a picture of ``pixels`` and keeping its state takes."""
    kept = state_bytes(pixels, recipe, plan) + _MATRICES_IN_FLIGHT * _similarity_bytes(pixels, recipe)
    if plan.in_blocks:
        evaluation = bytes_in_blocks(pixels, recipe)
    else:
        evaluation = evaluation_bytes(pixels, _layers(recipe)) + _levels_bytes(pixels, recipe)
    return kept + max(evaluation, move_bytes(pixels))


def least_need_at(recipe: Recipe, pixels: int) -> int:
    """Return the least memory in which a picture of ``pixels`` can be made."""
    return min(need_at(recipe, pixels), need_at(recipe, pixels, LEAST))


def largest_possible(recipe: Recipe, limit_bytes: float) -> int:
    """Return the most pixels of a picture that can be made in ``limit_bytes``; 1 at least."""
    return max(1, bisect.bisect_right(range(_MOST_PIXELS), limit_bytes, key=partial(least_need_at, recipe)) - 1)


def plan_at(recipe: Recipe, pixels: int, limit_bytes: float) -> MemoryPlan:
    """Return how a picture of ``pixels`` is to be worked on where it may take ``limit_bytes``."""
    return plan_within(limit_bytes, lambda plan: need_at(recipe, pixels, plan))


def evaluation_bytes(pixels: int, layers: Collection[str]) -> int:
    """Return the most bytes that evaluating a whole picture takes, losses at ``layers`` and gradient included."""
    blocks = _blocks(layers)
    read = len({"conv1_1", "conv1_2"} & set(layers))
    first = _FIRST_BLOCK + _READ_BEFORE_RECTIFIED * read + (_POOLED if len(blocks) > 1 else 0)
    saved = sum(_saved_for_backward(block, layers) for block in blocks)
    return round(pixels * max(first, saved + _IN_FLIGHT))


def bytes_in_blocks(pixels: int, recipe: Recipe) -> int:
    """Return the most bytes that one evaluation of a picture in blocks takes."""
    layers = _layers(recipe)
    between = _FREED_BUT_KEPT + _IMAGES_IN_BLOCKS * COLORS * _FLOAT + _between_stages(layers)
    if "sliced_wasserstein" in dict(recipe.style_losses):
        between += _WHOLE * sum(map(_bytes_of_layer, _known(recipe.style_layers)))
    return evaluation_bytes(min(pixels, _PIXELS_OF_BLOCK), layers) + round(pixels * between)


def _between_stages(layers: Collection[str]) -> float:
    """Return the bytes a pixel of what stages return and of the gradients by it, at most at once."""
    returned = [_bytes_of_layer(block[-1]) / 4 for block in _blocks(layers)[:-1]][FIRST_STAGE_SEGMENTS - 1 :]
    gradients = [0.0, *reversed(returned)]
    kept = [sum(returned[: len(returned) - number]) for number in range(len(returned))]
    return max(
        (now + before + after for now, before, after in zip(kept, gradients, gradients[1:], strict=False)),
        default=0.0,
    )


def target_bytes(pixels: int, *, in_blocks: bool = False) -> int:
    """Return the most bytes that it takes to compute a painting's targets."""
    if in_blocks:
        return min(pixels, _PIXELS_OF_BLOCK) * _TARGETS + pixels * _TARGETS_IN_BLOCKS
    return pixels * _TARGETS


def state_bytes(pixels: int, recipe: Recipe, plan: MemoryPlan = PLAIN) -> int:
    """Return what is kept of a picture between evaluations: optimizer state, pixels, the photo's features."""
    lbfgs = _ACCEPTED_IMAGES + _history_images(recipe, plan)
    images = {"lbfgs": lbfgs, "adam": _ADAM_IMAGES, "sgd": 1.0}[recipe.optimizer]
    images += _KEPT_IMAGES + (1 if recipe.ema_decay else 0)
    features = sum(map(_bytes_of_layer, _known(recipe.content_layers)))
    return round(pixels * (images * COLORS * _FLOAT + features)) + _similarity_bytes(pixels, recipe)


def move_bytes(pixels: int) -> int:
    """Return the most bytes that an optimizer takes while it moves a picture's pixels, besides what is kept of it."""
    return pixels * _IMAGES_IN_MOVE * COLORS * _FLOAT


def _history_images(recipe: Recipe, plan: MemoryPlan) -> float:
    """Return how many pictures the pairs of L-BFGS are at the last size; there are fewer than evaluations."""
    pairs = min(plan.history, max(1, recipe.iterations_by_scale()[-1] - 1))
    return 2 * pairs * (_BFLOAT16 / _FLOAT if plan.bfloat16_history else 1)


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
    return _program_bytes(_layers(recipe))


def usual_program_bytes() -> int:
    """Return what a worker holds without any picture, whatever layers of Gatys' paper the recipes have."""
    return _program_bytes({"conv5_2"})


def _program_bytes(layers: Collection[str]) -> int:
    weights = sum(_weights(convolution) for block in _blocks(layers) for convolution in block)
    return PROGRAM_BYTES + weights * _FLOAT * _COPIES_OF_A_KERNEL


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
