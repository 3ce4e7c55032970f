"""Computes VGG-19's features of pictures, differentiable in the picture alone.

The network of Simonyan and Zisserman (https://arxiv.org/abs/1409.1556) up to the deepest layer in use. Two
departures: the first convolution pads by replication, since zeros there draw a dark frame, and pooling may take
averages, as Gatys et al. (https://arxiv.org/abs/1508.06576) suggest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from itertools import groupby, pairwise
from typing import Final

import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.cpu.convolution import Choose, Convolution, LayerShape, always_direct
from pipeline.engine.network.architecture import (
    CONVOLUTIONS,
    FIRST,
    block_of,
    channels_of,
    convolutions_through,
    input_channels_of,
    rectified,
    reduction_of,
)
from pipeline.engine.network.gradient_checkpointing import checkpointed
from pipeline.engine.network.weights import Weights
from pipeline.model import PoolingKind

#: Computes from some layers' features (B, C, h, w) what is wanted of them.
Reduce = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]

_OUTPUT: Final = "output"

# Height and width of the picture at whose layers algorithms are timed; other sizes take what is fastest there.
_TIMED_AT: Final = (192, 256)


class Network:
    """The part of VGG-19 that ``layers`` need, frozen. Every layer is named as in :data:`pipeline.model.LAYERS`.

    With ``autocast`` the convolutions compute in bfloat16; the features then come out as bfloat16 too.
    ``convolutions`` are what :func:`build_convolutions` has made of ``weights``, so that several networks can share
    them.
    """

    def __init__(
        self,
        weights: Weights,
        layers: Collection[str],
        *,
        pooling: PoolingKind = "max",
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        autocast: bool = False,
        convolutions: Mapping[str, Convolution] | None = None,
    ) -> None:
        self.layers = frozenset(layers)
        self.pooling = pooling
        self._device = torch.device(device)
        self._autocast = autocast
        self._pool = nn.max_pool2d if pooling == "max" else nn.avg_pool2d
        placed = convolutions or build_convolutions(weights, self._device, dtype)
        self._convolutions = {name: placed[name] for name in convolutions_through(self.layers)}
        self._segments = _segments(self._convolutions)
        self._pooled = {
            last[-1] for last, first in pairwise(self._segments) if block_of(last[0]) != block_of(first[0])
        }
        self._mean = _color(weights.mean, self._device, dtype)
        self._deviation = _color(weights.deviation, self._device, dtype)

    def features(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the features (B, C, h, w) of each layer in use for pictures (B, 3, H, W), RGB 0..1."""
        return self.forward(pictures, dict)

    def forward(self, pictures: Tensor, reduce: Reduce, *, low_memory: bool = False) -> dict[str, Tensor]:
        """Return what ``reduce`` computes from the features of pictures (B, 3, H, W), RGB 0..1, block by block.

        Features that ``reduce`` does not return are freed with their block, unless a gradient needs them; with
        ``low_memory`` even then, and the backward pass computes the block again, with the same bits.
        """
        x = ((pictures - self._mean) / self._deviation).contiguous(memory_format=torch.channels_last)
        found: dict[str, Tensor] = {}
        for names in self._segments:
            segment = partial(self._segment, names, reduce)
            # The backward pass begins with the last segment, whose features are still there.
            again = low_memory and names != self._segments[-1]
            found |= checkpointed(segment, x) if again else segment(x)
            x = found.pop(_OUTPUT)
        return found

    def _segment(self, names: tuple[str, ...], reduce: Reduce, x: Tensor) -> dict[str, Tensor]:
        """Return what ``reduce`` computes from the layers in use among ``names``, and the next segment's input."""
        with torch.autocast(self._device.type, torch.bfloat16) if self._autocast else nullcontext():
            x, features = self._convolve(names, x)
            if names[-1] in self._pooled:
                x = self._pool(x, 2)
        return reduce(features) | {_OUTPUT: x}

    def _convolve(self, names: tuple[str, ...], x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the last output of the convolutions ``names`` and the features of their layers in use."""
        found: dict[str, Tensor] = {}
        for name in names:
            read = name in self.layers
            if name == FIRST:
                x = nn.pad(x, (1, 1, 1, 1), mode="replicate")
            x = self._convolutions[name](x, rectify=not read)
            if read:
                found[name] = x
                x = nn.relu(x)
            if rectified(name) in self.layers:
                found[rectified(name)] = x
        return x, found


def _segments(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Divide convolutions into what is computed again at once: blocks; the first, half of the memory, in two."""
    return [tuple(part) for _, part in groupby(names, lambda name: 0 if name == FIRST else block_of(name))]


def build_convolutions(
    weights: Weights,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    choose: Choose = always_direct,
) -> dict[str, Convolution]:
    """Return the convolutions of ``weights`` on ``device``; ``choose`` names each one's algorithm."""
    return {
        name: Convolution(
            _on_device(weight, device, dtype),
            _on_device(bias, device, dtype),
            padding=0 if name == FIRST else 1,
            choose=always_direct if name == FIRST else choose,
        )
        for name, (weight, bias) in weights.convolutions.items()
    }


def layer_shapes() -> tuple[LayerShape, ...]:
    """Return the shapes of the convolutions for which an algorithm is chosen: all but the first."""
    height, width = _TIMED_AT
    shapes = (
        LayerShape(
            input_channels_of(name), channels_of(name), height // reduction_of(name), width // reduction_of(name)
        )
        for name in CONVOLUTIONS
        if name != FIRST
    )
    return tuple(dict.fromkeys(shapes))


def _on_device(part: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    moved = part.detach().to(device, dtype)
    return moved.contiguous(memory_format=torch.channels_last) if moved.dim() == 4 else moved


def _color(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, device=device, dtype=dtype).view(1, 3, 1, 1)
