"""Computes Winograd's convolutions tile by tile in the processor's cache, by code that LLVM makes for it.

The mathematics is that of :class:`pipeline.engine.cpu.winograd.Tiles`. What is different: transforming patches,
multiplying, transforming back, bias and rectifier are done for a few tiles before the next ones, so that nothing
between them leaves the processor, where torch's operators write and read all of it in memory, one after the other.

A tile's sums are the same whatever tiles are beside it: so are the bits on any number of threads.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.cpu.threads import for_each, on_threads
from pipeline.engine.cpu.tile_sizes import LANES, PANEL, STRIDE, WINDOW
from pipeline.engine.cpu.winograd import tile_weights

# Few, so that transformed patches and products stay near the processor; more where kernels are so large that they do
# not, and are read once for more tiles. Measured from 12 to 144: what is between the best and these is a few percent.
_TILES_AT_ONCE: Final = (18, 96)
_MANY_CHANNELS: Final = 512

# Parts of a picture that threads take one after another; more would cost more calls, fewer leave threads waiting.
_PARTS: Final = 16

# Where the tiles are too few for all threads, the outputs are divided, too; each part transforms its patches itself.
_FEWEST_PANELS: Final = 4


class Fused:
    """F(4×4, 3×3) of images (H, W, C) with ``padding`` zeros around them.

    ``weight`` (K, C, 3, 3), ``bias`` (K,) or None, float32. Fastest where C is a multiple of 8 and K one of 16.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, *, padding: int = 1) -> None:
        outputs, channels = weight.shape[:2]
        missing = -outputs % PANEL
        kernels = nn.pad(weight, (0, 0, 0, 0, 0, 0, 0, missing)).view(-1, PANEL, channels, 3, 3)
        self._outputs, self._padding = outputs, padding
        self._panels = weight.new_empty(WINDOW**2, len(kernels), channels, PANEL)

        def work(number: int) -> None:
            with on_threads(1):  # for the same bits with any number of them
                self._panels[:, number] = tile_weights(kernels[number])

        for_each(work, range(len(kernels)))
        self._bias = nn.pad(weight.new_zeros(outputs) if bias is None else bias, (0, missing))

    def __call__(
        self, x: Tensor, *, rectify: bool, rectified: Tensor | None = None, added: Tensor | None = None
    ) -> Tensor:
        """Return the convolution (H - 2 + 2 padding, W - 2 + 2 padding, K) of ``x`` (H, W, C).

        Without its negative values if ``rectify``. ``x``, and what is ``added`` to it (H, W, C), count only where
        what was ``rectified`` (H, W, C) is above 0; None = everywhere, and nothing can be added.
        """
        height, width, channels = x.shape
        y = x.new_empty(height - 2 + 2 * self._padding, width - 2 + 2 * self._padding, self._outputs)
        at_once, of_each = _tiles_at_once(channels + self._outputs), self._panels.shape[1]
        rounded = -(-channels // LANES) * LANES
        convolve = _functions()["plain" if rectified is None else "rectified" if added is None else "sum"]
        addresses = {
            "x": _address(x),
            "added": _address(x if added is None else added),
            "outputs": _address(x if rectified is None else rectified),
            "y": _address(y),
            "panels": _address(self._panels),
            "bias": _address(self._bias),
        }
        numbers = {
            **dict(zip(("height", "width", "channels"), x.shape, strict=True)),
            **dict(zip(("rows", "columns", "depth"), y.shape, strict=True)),
            "rounded": rounded,
            "padding": self._padding,
            "of_each": of_each,
            "at_once": at_once,
        }

        def work(part: tuple[range, range]) -> None:
            tiles, panels = part
            outputs = len(panels) * PANEL
            sizes = {"patches": at_once * rounded, "products": at_once * outputs, "room": max(rounded, outputs)}
            between = {name: torch.empty(WINDOW**2, size) for name, size in sizes.items()}
            edges = {"first": tiles.start, "last": tiles.stop, "begin": panels.start, "end": panels.stop}
            room = {name: _address(tensor) for name, tensor in between.items()}
            convolve(0.0 if rectify else -math.inf, **addresses, **numbers, **edges, **room)

        for_each(work, _parts(-(-y.shape[0] // STRIDE) * -(-y.shape[1] // STRIDE), at_once, of_each))
        return y


@lru_cache(maxsize=1)
def fusing_works(folder: Path | None = None) -> bool:
    """Tell whether LLVM makes code for this machine that convolves as it should; it is kept in ``folder``."""
    try:
        _functions(folder)
        x = torch.rand(5, 7, 16, generator=torch.Generator().manual_seed(0))
        weight = torch.zeros(16, 16, 3, 3)
        weight[:, :, 1, 1] = torch.eye(16)
        return torch.allclose(Fused(weight, None)(x, rectify=False), x, atol=1e-5)
    except Exception:  # LLVM's errors are of many kinds, and torch's convolutions are there in any case
        return False


_FUNCTIONS: Final[dict[str, Callable[..., None]]] = {}
_FUNCTIONS_LOCK: Final = threading.Lock()


def _functions(folder: Path | None = None) -> dict[str, Callable[..., None]]:
    """Return the compiled functions by their input's kind; their code is kept in ``folder``."""
    with _FUNCTIONS_LOCK:
        if not _FUNCTIONS:
            # Whoever works on a GPU never needs LLVM.
            from pipeline.engine.cpu.tile_loops import load_loops

            _FUNCTIONS.update(load_loops(folder))
    return _FUNCTIONS


def _address(tensor: Tensor) -> int:
    if tensor.dtype != torch.float32 or not tensor.is_contiguous():
        raise TypeError("compiled convolutions take contiguous tensors of float32")
    return tensor.data_ptr()


def _tiles_at_once(channels: int) -> int:
    return _TILES_AT_ONCE[channels >= _MANY_CHANNELS]


def _parts(tiles: int, at_once: int, panels: int) -> list[tuple[range, range]]:
    """Return the ranges of tiles and panels that a thread computes at a time."""
    groups = _divided(tiles, min(_PARTS, -(-tiles // at_once)))
    divisions = -(-torch.get_num_threads() // len(groups))
    columns = _divided(panels, max(1, min(divisions, panels // _FEWEST_PANELS)))
    return [(group, column) for group in groups for column in columns]


def _divided(count: int, parts: int) -> list[range]:
    edges = [round(count * number / parts) for number in range(parts + 1)]
    return [range(begin, end) for begin, end in pairwise(edges)]
