"""VGG-19's features, differentiable in the picture alone. Refuses to know what they are compared with.

The network of Simonyan and Zisserman (https://arxiv.org/abs/1409.1556) up to the deepest layer in use. Two
departures: the first convolution pads by replication, since zeros there draw a dark frame, and pooling may take
averages, as Gatys et al. (https://arxiv.org/abs/1508.06576) suggest.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from functools import partial
from itertools import groupby

import torch
import torch.nn.functional as nn
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pipeline.engine.convolution import Choose, Convolution, always_direct
from pipeline.engine.weights import Weights
from pipeline.model import LAYERS, PoolingKind


class Network:
    """The part of VGG-19 that ``layers`` need, frozen. Every layer is named as in :data:`pipeline.model.LAYERS`.

    With ``autocast`` the convolutions compute in bfloat16; the features then come out as bfloat16 too.
    ``convolutions`` are those that :func:`place` has made of ``weights``, so that several networks can share them.
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
        self._device = torch.device(device)
        self._autocast = autocast
        self._pool = nn.max_pool2d if pooling == "max" else nn.avg_pool2d
        depth = max(LAYERS.index(layer) for layer in self.layers) + 1
        placed = convolutions or place(weights, self._device, dtype)
        self._convolutions = {name: placed[name] for name in placed if LAYERS.index(name) < depth}
        self._frugal = False
        self._mean = _color(weights.mean, self._device, dtype)
        self._deviation = _color(weights.deviation, self._device, dtype)

    def features(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the features (B, C, h, w) of each layer in use for pictures (B, 3, H, W), RGB 0..1."""
        x = ((pictures - self._mean) / self._deviation).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            return self._convolve(x)

    def frugal(self) -> Network:
        """Return the same network, computing every block twice: less is remembered from forward to backward.

        Chen et al., "Training Deep Nets with Sublinear Memory Cost" (https://arxiv.org/abs/1604.06174).
        """
        other = copy.copy(self)
        other._frugal = True
        return other

    def _convolve(self, x: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for _, names in groupby(self._convolutions, key=lambda name: name.partition("_")[0]):
            block = partial(self._block, tuple(names))
            x, here = checkpoint(block, x, use_reentrant=False) if self._frugal else block(x)
            found |= here
        return found

    def _block(self, names: tuple[str, ...], x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return a block's pooled output, the next one's input, and the features of its layers in use."""
        found: dict[str, Tensor] = {}
        for name in names:
            read = name in self.layers
            if name == "conv1_1":
                x = nn.pad(x, (1, 1, 1, 1), mode="replicate")
            x = self._convolutions[name](x, rectify=not read)
            if read:
                found[name] = x
                x = nn.relu(x)
            rectified = name.replace("conv", "relu")
            if rectified in self.layers:
                found[rectified] = x
        deepest = names[-1] == next(reversed(self._convolutions))
        return x if deepest else self._pool(x, 2), found


def place(
    weights: Weights,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    choose: Choose = always_direct,
) -> dict[str, Convolution]:
    """Return the convolutions of ``weights`` on ``device``; ``choose`` names each one's algorithm."""
    return {
        name: Convolution(
            _placed(weight, device, dtype),
            _placed(bias, device, dtype),
            padding=0 if name == "conv1_1" else 1,
            choose=always_direct if name == "conv1_1" else choose,
        )
        for name, (weight, bias) in weights.convolutions.items()
    }


def _placed(part: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    moved = part.detach().to(device, dtype)
    return moved.contiguous(memory_format=torch.channels_last) if moved.dim() == 4 else moved


def _color(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, device=device, dtype=dtype).view(1, 3, 1, 1)
