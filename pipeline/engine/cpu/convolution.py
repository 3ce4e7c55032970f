"""Computes a 3×3 convolution with frozen weights by one of several algorithms; does not choose among them.

``direct`` is torch's own, on every device and in every precision. The others are for float32 on the CPU: ``tiles``
and ``packed`` by torch's operators (see :mod:`pipeline.engine.cpu.winograd`), and ``fused`` by code that is compiled
for the purpose (see :mod:`pipeline.engine.cpu.fused`). They compute each image of a batch alone, so that it has the
same bits in any batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

import torch
import torch.nn.functional as nn
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_input

from pipeline.engine.cpu.fused import Fused
from pipeline.engine.cpu.products import FEW_PIXELS
from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.cpu.winograd import Kernel, Packed, Tiles, transposed_kernel

#: Channels of a picture.
COLORS: Final = 3
# What is computed of a band should stay in a processor's cache.
_BAND_PIXELS: Final = 12_000

Algorithm = Literal["direct", "tiles", "packed", "fused"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm)


@dataclass(frozen=True, slots=True)
class LayerShape:
    """What decides a convolution's speed: its channels and its input's height and width."""

    channels: int
    outputs: int
    height: int
    width: int


Choose = Callable[[LayerShape], Algorithm]


def algorithms_for(shape: LayerShape) -> tuple[Algorithm, ...]:
    """Return what can compute a layer of ``shape``: colors are padded before they are convolved, and tiles pad."""
    return ("direct", "fused") if COLORS in (shape.channels, shape.outputs) else ALGORITHMS


def always_direct(_: LayerShape) -> Algorithm:
    """Choose torch's own convolution."""
    return "direct"


class Convolution:
    """A convolution with weight (K, C, 3, 3) and bias (K,); ``choose`` names the algorithm.

    ``padding`` zeros surround its input; ``tiles`` and ``packed`` need one. An algorithm's kernels are prepared when
    they are first needed, and kept.
    """

    def __init__(self, weight: Tensor, bias: Tensor, *, padding: int = 1, choose: Choose = always_direct) -> None:
        self.weight, self.bias = weight, bias
        self._padding = padding
        self._choose = choose
        self._kernels: dict[tuple[Algorithm, bool], Kernel] = {}
        self._lock = threading.Lock()

    def __call__(self, x: Tensor, *, rectify: bool) -> Tensor:
        """Return the convolution (B, K, H, W) of ``x`` (B, C, H, W), without its negative values if ``rectify``."""
        return self.read(x, rectify=rectify)[0]

    def read(self, x: Tensor, *, rectify: bool) -> tuple[Tensor, Tensor]:
        """Return the same twice: for what is computed next and for who reads the features.

        So the two gradients that come back need not be added before the next convolution reads their sum.
        """
        if self._algorithm(x, self.weight.shape[0]) != "direct":
            return cast(tuple[Tensor, Tensor], _FrozenConvolution.apply(x, self, rectify))
        if _depends_on_threads(x):
            y = cast(Tensor, _SingleThreaded.apply(x, self.weight, self.bias, self._padding))
        else:
            y = nn.conv2d(x, self.weight, self.bias, padding=self._padding)
        # Nobody else reads the convolution's own output, so its memory may be reused.
        y = nn.relu_(y) if rectify else y
        return y, y

    def forward(self, x: Tensor, rectify: bool) -> Tensor:
        """Return the convolution of ``x`` by the chosen algorithm, without a graph."""
        kernel = self._kernel(self._algorithm(x, self.weight.shape[0]), transposed=False)
        return _batch([kernel(picture, rectify=rectify) for picture in _images(x)])

    def backward(self, gradients: Sequence[Tensor], rectified: Tensor | None = None) -> Tensor:
        """Return the input's gradient (B, C, H, W) for the sum of one or two ``gradients`` (B, K, H, W).

        With ``rectified`` outputs (B, K, H, W) for the gradients of these.
        """
        kernel = self._kernel(self._algorithm(gradients[0], self.weight.shape[1]), transposed=True)
        if isinstance(kernel, Fused) and rectified is not None:
            images = zip(*map(_images, (rectified, *gradients)), strict=True)
            return _batch([_through(kernel, *one) for one in images])
        total = gradients[0] if len(gradients) == 1 else torch.add(*gradients)
        if rectified is not None:
            total = torch.ops.aten.threshold_backward(total, rectified, 0)
        return _batch([kernel(picture, rectify=False) for picture in _images(total)])

    def _algorithm(self, x: Tensor, outputs: int) -> Algorithm:
        shape = LayerShape(x.shape[1], outputs, x.shape[2], x.shape[3])
        chosen = self._choose(shape)
        return chosen if chosen in algorithms_for(shape) else "direct"

    def _kernel(self, algorithm: Algorithm, *, transposed: bool) -> Kernel:
        key = (algorithm, transposed)
        with self._lock:
            if key not in self._kernels:
                weight, bias = (transposed_kernel(self.weight), None) if transposed else (self.weight, self.bias)
                padding = 2 - self._padding if transposed else self._padding
                self._kernels[key] = make_kernel(algorithm, weight, bias, padding)
            return self._kernels[key]


def make_kernel(algorithm: Algorithm, weight: Tensor, bias: Tensor | None, padding: int = 1) -> Kernel:
    """Prepare the weight (K, C, 3, 3) and the bias (K,) for ``algorithm``."""
    if algorithm == "direct":
        return Direct(weight, bias)
    if algorithm == "fused":
        return Fused(weight, bias, padding=padding)
    with on_threads(1):  # for the same bits with any number of them
        return Tiles(weight, bias, Packed if algorithm == "packed" else None)


class Direct:
    """Torch's own convolution of one image."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight, self._bias = weight.contiguous(memory_format=torch.channels_last), bias

    def __call__(self, x: Tensor, *, rectify: bool) -> Tensor:
        """Return the convolution (H, W, K) of ``x`` (H, W, C), without its negative values if ``rectify``."""
        y = nn.conv2d(x[None].permute(0, 3, 1, 2), self._weight, self._bias, padding=1)
        return (y.relu_() if rectify else y)[0].permute(1, 2, 0)


class _FrozenConvolution(torch.autograd.Function):
    """A :class:`Convolution` and, if wanted, its rectifier in one node: the graph keeps nothing but the output."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, convolution: Convolution, rectify: bool) -> tuple[Tensor, Tensor]:
        y = convolution.forward(x, rectify)
        ctx.convolution = convolution
        ctx.set_materialize_grads(False)
        if rectify:
            ctx.save_for_backward(y)
        return y, y.view_as(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None, None]:
        there = [gradient for gradient in gradients if gradient is not None]
        return ctx.convolution.backward(there, *ctx.saved_tensors) if there else None, None, None


class _SingleThreaded(torch.autograd.Function):
    """Torch's own convolution with a forward and backward pass on a single thread."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
        ctx.shape, ctx.weight, ctx.padding = x.shape, weight, padding
        with on_threads(1):
            return nn.conv2d(x, weight, bias, padding=padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        with on_threads(1):
            if ctx.shape[1] == COLORS and not ctx.padding:
                colors = torch.cat([_gradient_of_colors(one[None], ctx.weight) for one in gradient])
            else:
                colors = conv2d_input(ctx.shape, ctx.weight, gradient, padding=ctx.padding)  # type: ignore[no-untyped-call]
        return colors, None, None, None


def _gradient_of_colors(gradient: Tensor, weight: Tensor) -> Tensor:
    """Return what conv2d_input does for a ``gradient`` (1, K, H, W) and a weight (K, 3, 3, 3), (1, 3, H+2, W+2).

    One matrix product and nine additions, band by band: torch's convolutions take two to three times as long for so
    few channels.
    """
    _, outputs, height, width = gradient.shape
    matrix = weight.permute(2, 3, 1, 0).reshape(9 * COLORS, outputs)
    colors = gradient.new_zeros(1, COLORS, height + 2, width + 2)
    band = max(1, _BAND_PIXELS // width)
    for top in range(0, height, band):
        pixels = gradient[0, :, top : top + band].permute(1, 2, 0)
        shares = (matrix @ pixels.reshape(-1, outputs).T).view(9, COLORS, -1, width)
        for position, share in enumerate(shares):
            down, right = divmod(position, 3)
            colors[0, :, top + down : top + down + share.shape[1], right : right + width] += share
    return colors


def _depends_on_threads(x: Tensor) -> bool:
    """Tell whether torch's own convolution of ``x``, or its gradient, has other bits with other numbers of threads.

    That is so for few pixels, and for the gradient of the three colors.
    """
    exact = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    return exact and (x.shape[1] == COLORS or x.shape[2] * x.shape[3] < FEW_PIXELS)


def _through(kernel: Fused, rectified: Tensor, gradient: Tensor, added: Tensor | None = None) -> Tensor:
    """Return what ``kernel`` makes of the gradient (H, W, C) of what was ``rectified`` (H, W, C)."""
    return kernel(gradient, rectify=False, rectified=rectified, added=added)


def _images(x: Tensor) -> list[Tensor]:
    """Return the images (H, W, C) of a batch (B, C, H, W)."""
    return [picture.permute(1, 2, 0).contiguous() for picture in x]


def _batch(images: Sequence[Tensor]) -> Tensor:
    """Return images (H, W, C) as a batch (B, C, H, W), channels last."""
    return (images[0][None] if len(images) == 1 else torch.stack(list(images))).permute(0, 3, 1, 2)
