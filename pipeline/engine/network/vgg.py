"""Computes VGG-19's features of pictures, differentiable in the picture alone.

The network of Simonyan and Zisserman (https://arxiv.org/abs/1409.1556) up to the deepest layer in use. Two
departures: the first convolution pads by replication, since zeros there draw a dark frame, and pooling may take
averages, as Gatys et al. (https://arxiv.org/abs/1508.06576) suggest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from itertools import groupby
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
from pipeline.engine.network.weights import Weights
from pipeline.model import PoolingKind

#: Computes from some layers' features (B, C, h, w) what is wanted of them.
Reduce = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]

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
        #: The convolutions in use, by VGG-19's blocks; between two of them is a pooling.
        self.segments: tuple[tuple[str, ...], ...] = tuple(
            tuple(block) for _, block in groupby(self._convolutions, block_of)
        )
        self._mean = _color(weights.mean, self._device, dtype)
        self._deviation = _color(weights.deviation, self._device, dtype)

    def features(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the features (B, C, h, w) of each layer in use for pictures (B, 3, H, W), RGB 0..1."""
        return self.forward(pictures, dict)

    def forward(self, pictures: Tensor, reduce: Reduce) -> dict[str, Tensor]:
        """Return what ``reduce`` computes from the features of pictures (B, 3, H, W), RGB 0..1, block by block.

        Features that ``reduce`` does not return are freed with their block, unless a gradient needs them.
        """
        x = self.normalized(pictures)
        found: dict[str, Tensor] = {}
        for names in self.segments:
            x, features = self.segment(names, x)
            found |= reduce(features)
            del features
        return found

    def normalized(self, pictures: Tensor) -> Tensor:
        """Return pictures (B, 3, H, W), RGB 0..1, as the first of :attr:`segments` takes them."""
        return ((pictures - self._mean) / self._deviation).contiguous(memory_format=torch.channels_last)

    def segment(self, names: tuple[str, ...], x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the input of the segment that follows ``names``, and the features of the layers in use among these.

        ``x`` (B, C, h, w) is what the segment before ``names`` has returned, or a part of it: the border of ``x`` is
        padded as the picture's is.
        """
        with torch.autocast(self._device.type, torch.bfloat16) if self._autocast else nullcontext():
            x, features = self._convolve(names, x)
            if names != self.segments[-1]:
                x = self._pool(x, 2)
        return x, features

    def _convolve(self, names: tuple[str, ...], x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the last output of the convolutions ``names`` and the features of their layers in use."""
        found: dict[str, Tensor] = {}
        for name in names:
            read = name in self.layers
            if name == FIRST:
                x = nn.pad(x, (1, 1, 1, 1), mode="replicate")
            x, features = self._convolutions[name].read(x, rectify=not read)
            if read:
                found[name] = features
                x = features = nn.relu(x)
            if rectified(name) in self.layers:
                found[rectified(name)] = features
        return x, found


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
            choose=choose,
        )
        for name, (weight, bias) in weights.convolutions.items()
    }


def layer_shapes() -> tuple[LayerShape, ...]:
    """Return the shapes of the convolutions, at the size at which their algorithms are compared."""
    height, width = _TIMED_AT
    shapes = (
        LayerShape(
            input_channels_of(name), channels_of(name), height // reduction_of(name), width // reduction_of(name)
        )
        for name in CONVOLUTIONS
    )
    return tuple(dict.fromkeys(shapes))


def _on_device(part: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    moved = part.detach().to(device, dtype)
    return moved.contiguous(memory_format=torch.channels_last) if moved.dim() == 4 else moved


def _color(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, device=device, dtype=dtype).view(1, 3, 1, 1)
