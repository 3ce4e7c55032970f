"""VGG-19's features, differentiable in the picture alone. Refuses to know what they are compared with.

The network of Simonyan and Zisserman (https://arxiv.org/abs/1409.1556) up to the deepest layer in use. Two
departures: the first convolution pads by replication, since zeros there draw a dark frame, and pooling may take
averages, as Gatys et al. (https://arxiv.org/abs/1508.06576) suggest.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.weights import Weights
from pipeline.model import LAYERS, PoolingKind


class Network:
    """The part of VGG-19 that ``layers`` need, frozen. Every layer is named as in :data:`pipeline.model.LAYERS`.

    With ``autocast`` the convolutions compute in bfloat16; the features then come out as bfloat16 too.
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
    ) -> None:
        self.layers = frozenset(layers)
        self._device = torch.device(device)
        self._autocast = autocast
        self._pool = nn.max_pool2d if pooling == "max" else nn.avg_pool2d
        depth = max(LAYERS.index(layer) for layer in self.layers) + 1
        placed = place(weights, self._device, dtype).convolutions
        self._convolutions = [(name, *placed[name]) for name in placed if LAYERS.index(name) < depth]
        self._mean = _color(weights.mean, self._device, dtype)
        self._deviation = _color(weights.deviation, self._device, dtype)

    def features(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the features (B, C, h, w) of each layer in use for pictures (B, 3, H, W), RGB 0..1."""
        x = ((pictures - self._mean) / self._deviation).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            return self._convolve(x)

    def _convolve(self, x: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name, weight, bias in self._convolutions:
            if name == "conv1_1":
                x = nn.conv2d(nn.pad(x, (1, 1, 1, 1), mode="replicate"), weight, bias)
            else:
                x = nn.conv2d(self._pool(x, 2) if name.endswith("_1") else x, weight, bias, padding=1)
            if name in self.layers:
                found[name] = x
                x = nn.relu(x)
            else:
                # Nobody reads the convolution's own output, so its memory may be reused.
                x = nn.relu_(x)
            rectified = name.replace("conv", "relu")
            if rectified in self.layers:
                found[rectified] = x
        return found


def place(weights: Weights, device: torch.device, dtype: torch.dtype = torch.float32) -> Weights:
    """Return ``weights`` on ``device`` as convolutions want them there, so that several networks can share them."""
    convolutions = {
        name: (_placed(weight, device, dtype), _placed(bias, device, dtype))
        for name, (weight, bias) in weights.convolutions.items()
    }
    return replace(weights, convolutions=convolutions)


def _placed(part: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    moved = part.detach().to(device, dtype)
    return moved.contiguous(memory_format=torch.channels_last) if moved.dim() == 4 else moved


def _color(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, device=device, dtype=dtype).view(1, 3, 1, 1)
