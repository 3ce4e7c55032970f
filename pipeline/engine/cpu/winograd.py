"""Computes 3×3 convolutions with fewer multiplications, for weights that never change.

Does not decide where that is worthwhile. After Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks"
(https://arxiv.org/abs/1509.09308). Four neighboring outputs of a filter g of 3 taps over six inputs d take 12
multiplications; Winograd's F(4, 3) takes 6:

    Y = A' [(G g) * (B' d)]

where * multiplies element by element. It is Toom and Cook's product of polynomials at the points 0, 1, -1, 2, -2 and
infinity: a row of G is the filter's value at a point, B' does the transposed of interpolating, A' the transposed of
evaluating. The matrices are those of the paper's section 4.3. Summed over the input's channels, the six products
become six products of matrices, and G g is made once. :class:`Tiles` nests it in both directions, F(4×4, 3×3):

    Y = A' [(G g G') * (B' d B)] A

36 products of matrices, a quarter of the multiplications, 2.25 times the data.

The gradient for the input is the same convolution of the output's gradient with the kernel transposed and rotated
by 180 degrees (:func:`transposed_kernel`), so these classes serve forward and backward pass.

An image is (H, W, C), contiguous (channels last); beyond its borders everything is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Protocol

import torch
from torch import Tensor

from pipeline.engine.cpu.threads import for_each
from pipeline.engine.cpu.tile_sizes import STRIDE, WINDOW

_G: Final = (
    (1 / 4, 0.0, 0.0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0.0, 0.0, 1.0),
)
# The row of products that A' adds to all four outputs with the factor 1: a bias given to it reaches all of them.
_CONSTANT: Final = 1

# Values of one of the 36 parts of a block that is transformed, multiplied and transformed back before the next: large
# enough for the matrix products' rate, small enough to stay near the processor.
_TILES_AT_ONCE: Final = 30_000

Multiply = Callable[[Tensor], Tensor]


class Kernel(Protocol):
    """A convolution of images (H, W, C) with frozen weights."""

    def __call__(self, x: Tensor, *, rectify: bool) -> Tensor:
        """Return the convolution (H, W, K) of ``x`` (H, W, C), without its negative values if ``rectify``."""


def transposed_kernel(weight: Tensor) -> Tensor:
    """Return the kernel (C, K, 3, 3) for the gradient: from outputs of ``weight`` (K, C, 3, 3) to its inputs."""
    return weight.transpose(0, 1).flip(2, 3)


class Tiles:
    """F(4×4, 3×3). ``weight`` (K, C, 3, 3), ``bias`` (K,) or None.

    ``multiply`` makes of 36 matrices (36, C, K) and a bias (K,), meant for the product ``CONSTANT``, a function that
    multiplies (36, T, C) by them; None is torch's own batched product.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, multiply: type[Packed] | None = None) -> None:
        matrices = tile_weights(weight)
        self._outputs = weight.shape[0]
        self._multiply: Multiply = multiply(matrices, bias) if multiply else Batched(matrices, bias)

    def __call__(self, x: Tensor, *, rectify: bool) -> Tensor:
        """Return the convolution (H, W, K) of ``x`` (H, W, C), without its negative values if ``rectify``."""
        (height, width, channels), outputs = x.shape, self._outputs
        down, across = -(-height // STRIDE), -(-width // STRIDE)
        y = x.new_empty(down, STRIDE, across, STRIDE, outputs)

        def convolve(block: range) -> None:
            parts = _transform_columns(_padded_rows(x, block, across))
            products = self._multiply(parts.view(WINDOW**2, -1, channels))
            done = y[block.start : block.stop]
            _interpolate_tiles(products.view(WINDOW, WINDOW, len(block), across, outputs), done)
            if rectify:
                done.clamp_min_(0)

        for_each(convolve, _blocks(down, _TILES_AT_ONCE // (across * max(channels, outputs))))
        return y.flatten(2, 3).flatten(0, 1)[:height, :width].contiguous()


class Batched:
    """Multiplies (36, T, C) by ``matrices`` (36, C, K) and adds ``bias`` to all outputs of each tile."""

    def __init__(self, matrices: Tensor, bias: Tensor | None) -> None:
        self._matrices, self._bias = matrices, bias

    def __call__(self, parts: Tensor) -> Tensor:
        """Return the products (36, T, K)."""
        products = torch.bmm(parts, self._matrices)
        if self._bias is not None:
            products[_CONSTANT * (WINDOW + 1)] += self._bias
        return products


class Packed:
    """As :class:`Batched`, by oneDNN on matrices laid out for it once: on some processors twice as fast.

    These operators are what torch's own compiler uses, but not documented: see :func:`packing_works`.
    """

    def __init__(self, matrices: Tensor, bias: Tensor | None) -> None:
        operators = torch.ops.mkldnn
        self._matrices = [operators._reorder_linear_weight(matrix.t().contiguous(), 256) for matrix in matrices]
        constant = _CONSTANT * (WINDOW + 1)
        self._biases = [bias if index == constant else None for index in range(len(matrices))]

    def __call__(self, parts: Tensor) -> Tensor:
        """Return the products (36, T, K)."""
        linear = torch.ops.mkldnn._linear_pointwise
        return torch.stack(
            [
                linear(part, matrix, bias, "none", [], "")
                for part, matrix, bias in zip(parts, self._matrices, self._biases, strict=True)
            ]
        )


def packing_works() -> bool:
    """Tell whether this torch has the operators of :class:`Packed` and they multiply."""
    # A generator of its own: the caller's random numbers stay as they are.
    parts = torch.rand(WINDOW**2, 8, 16, generator=torch.Generator().manual_seed(0))
    matrices = torch.eye(16).repeat(WINDOW**2, 1, 1)
    try:
        return torch.allclose(Packed(matrices, None)(parts), parts)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False


def tile_weights(weight: Tensor) -> Tensor:
    """Return G g G' for kernels (K, C, 3, 3) as matrices (36, C, K)."""
    outputs, channels = weight.shape[:2]
    matrix = _matrix(_G, weight)
    both = torch.einsum("ui,vj->uvij", matrix, matrix).reshape(WINDOW**2, 9)
    return (both @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(WINDOW**2, channels, outputs)


def _matrix(rows: Sequence[Sequence[float]], like: Tensor) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64).to(like)


def _blocks(count: int, at_once: int) -> list[range]:
    """Split ``count`` windows into equal blocks of at most ``at_once``."""
    parts = -(-count // max(1, at_once))
    edges = [count * index // parts for index in range(parts + 1)]
    return [range(first, last) for first, last in pairwise(edges)]


def _transform_rows(x: Tensor, block: range, parts: Tensor) -> None:
    """Write B' d into ``parts`` (6, len(block), W, C), d being the rows 4t-1 ... 4t+4 of ``x`` for t of ``block``.

    ``parts`` may be a slice of wider rows. Windows that lie inside of ``x`` are read where they are, overlapping;
    those at the borders lack the rows that would be zero.
    """
    height, width, channels = x.shape
    row = width * channels
    inner = range(max(block.start, 1), min(block.stop, (height - WINDOW + 1) // STRIDE + 1))
    if inner:
        first = x.storage_offset() + (STRIDE * inner.start - 1) * row
        windows = [x.as_strided((len(inner), row), (STRIDE * row, 1), first + tap * row) for tap in range(WINDOW)]
        target = parts[:, inner.start - block.start : inner.stop - block.start].flatten(2)
        _transform(windows, target.unbind(0))
    for index in (index for index in block if index not in inner):
        top = STRIDE * index - 1
        first, last = max(top, 0), min(top + WINDOW, height)
        window = x.new_zeros(WINDOW, row)
        window[first - top : last - top] = x[first:last].view(last - first, row)
        _transform(window.unbind(0), parts[:, index - block.start].flatten(1).unbind(0))


def _padded_rows(x: Tensor, block: range, across: int) -> Tensor:
    """Return B' d down the rows (6, len(block), 4 across + 2, C), with the columns beyond the borders."""
    _, width, channels = x.shape
    rows = x.new_empty(WINDOW, len(block), STRIDE * across + 2, channels)
    rows[:, :, 0] = 0
    rows[:, :, width + 1 :] = 0
    _transform_rows(x, block, rows[:, :, 1 : width + 1])
    return rows


def _transform_columns(rows: Tensor) -> Tensor:
    """Return B' d along the columns of ``rows`` (6, t, 4n + 2, C) as (6, 6, t, n, C)."""
    count = (rows.shape[2] - 2) // STRIDE
    d = [rows[:, :, first : first + STRIDE * (count - 1) + 1 : STRIDE] for first in range(WINDOW)]
    parts = rows.new_empty(WINDOW, WINDOW, rows.shape[1], count, rows.shape[3])
    _transform(d, parts.unbind(1))
    return parts


def _transform(d: Sequence[Tensor], parts: Sequence[Tensor]) -> None:
    """Write B' d into six ``parts`` for six ``d``.

    B' is
    4  0 -5  0  1  0
    0 -4 -4  1  1  0
    0  4 -4 -1  1  0
    0 -2 -1  2  1  0
    0  2 -1 -2  1  0
    0  4  0 -5  0  1

    Element by element, as in :func:`_interpolate`: a product of such small matrices has other bits with another
    number of threads.
    """
    even, odd = torch.add(d[4], d[2], alpha=-4), torch.add(d[3], d[1], alpha=-4)
    torch.add(even, odd, out=parts[1])
    torch.sub(even, odd, out=parts[2])
    torch.sub(d[4], d[2], out=even)
    torch.sub(d[3], d[1], out=odd)
    torch.add(even, odd, alpha=2, out=parts[3])
    torch.add(even, odd, alpha=-2, out=parts[4])
    torch.add(d[4], d[2], alpha=-5, out=parts[0]).add_(d[0], alpha=4)
    torch.add(d[5], d[3], alpha=-5, out=parts[5]).add_(d[1], alpha=4)


def _interpolate_tiles(products: Tensor, y: Tensor) -> None:
    """Write A' m A into ``y`` (t, 4, n, 4, K) for ``products`` m (6, 6, t, n, K)."""
    rows = products.new_empty(STRIDE, *products.shape[1:])
    _interpolate(products.unbind(0), rows.unbind(0))
    _interpolate(rows.unbind(1), y.permute(3, 1, 0, 2, 4).unbind(0))


def _interpolate(products: Sequence[Tensor], y: Sequence[Tensor]) -> None:
    """Write A' m into four ``y`` for six ``products`` m.

    A' is
    1  1  1  1  1  0
    0  1 -1  2 -2  0
    0  1  1  4  4  0
    0  1 -1  8 -8  1
    """
    near, far = products[1] + products[2], products[3] + products[4]
    torch.add(near, far, out=y[0]).add_(products[0])
    torch.add(near, far, alpha=4, out=y[2])
    torch.sub(products[1], products[2], out=near)
    torch.sub(products[3], products[4], out=far)
    torch.add(near, far, alpha=2, out=y[1])
    torch.add(near, far, alpha=8, out=y[3]).add_(products[5])
