"""Layers, channels and resolutions of VGG-19, and the least picture that it takes; no torch.

Simonyan and Zisserman, "Very Deep Convolutional Networks" (https://arxiv.org/abs/1409.1556), configuration E. Five
blocks of 3×3 convolutions with a pooling of 2×2 between them. Layers are named as in :data:`pipeline.model.LAYERS`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pipeline.model import LAYERS

#: Channels of the network's input: red, green and blue.
COLORS: Final = 3

#: The convolutions, in the network's order.
CONVOLUTIONS: Final = tuple(layer for layer in LAYERS if layer.startswith("conv"))

#: The first convolution: it pads by replication and is never computed by anything but torch's own algorithm.
FIRST: Final = CONVOLUTIONS[0]

#: Numbers in the kernel of one input channel and one output channel: 3 × 3.
KERNEL_VALUES: Final = 9

_CHANNELS_BY_BLOCK: Final = (64, 128, 256, 512, 512)

#: Blocks of convolutions, with a pooling between them.
BLOCKS: Final = len(_CHANNELS_BY_BLOCK)

#: Sides of what the network takes are multiples of this: each of the four poolings halves them.
GRID: Final = 1 << (BLOCKS - 1)

#: The least side of what the network takes, in pixels: two pixels of the last block.
LEAST_SIDE: Final = 2 * GRID


def block_of(layer: str) -> int:
    """Return the number of the block that a layer belongs to, 1 to 5."""
    return int(layer[4])


def channels_of(layer: str) -> int:
    """Return how many channels a layer has."""
    return _CHANNELS_BY_BLOCK[block_of(layer) - 1]


def input_channels_of(convolution: str) -> int:
    """Return how many channels a convolution reads."""
    index = CONVOLUTIONS.index(convolution)
    return channels_of(CONVOLUTIONS[index - 1]) if index else COLORS


def reduction_of(layer: str) -> int:
    """Return by what a picture's sides are divided at a layer: 1 in the first block, 16 in the last."""
    return 1 << (block_of(layer) - 1)


def rectified(convolution: str) -> str:
    """Return the name of the rectifier that follows a convolution."""
    return convolution.replace("conv", "relu")


def convolutions_through(layers: Collection[str]) -> tuple[str, ...]:
    """Return the convolutions that ``layers`` need, in the network's order; without layers the first one."""
    deepest = max((LAYERS.index(layer) for layer in layers), default=0)
    return tuple(layer for layer in LAYERS[: deepest + 1] if layer in CONVOLUTIONS)
