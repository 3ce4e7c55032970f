"""Finds faces with the CenterFace network; does not read its file and draws no map.

CenterFace (Xu et al. 2019, https://arxiv.org/abs/1911.03599) gives for each cell of 4 × 4 pixels how surely it is the
center of a face, and that face's size and offset. It is computed on one thread, so that the same photo has the same
faces whatever else runs; that takes about a second of a processor for each photo.

Found are faces from the front and in profile, leaning or upside down, in paintings too, that are at least 1/75 of the
photo's long side wide. Missed are smaller ones, backs of heads, and what is turned away, masked or cut off by half.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as nn
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.devices import is_out_of_memory
from pipeline.engine.faces.face_map import Face
from pipeline.engine.faces.onnx_file import Graph, Operation

# Long sides, in pixels, at which faces are looked for: photos are reduced to them, or enlarged. In the larger one
# faces of a group are found that are too small for the first, but large faces are not seen as a whole any more.
_FIRST_LOOK: Final = 640
_SECOND_LOOK: Final = 960
_SMALL: Final = _SECOND_LOOK / 8

_SUREST_ENOUGH: Final = 0.5
_CELL: Final = 4
_GRID: Final = 32
_SAME_FACE: Final = 0.3

# Boxes are rows of center (x, y), width, height and score, in pixels.
Boxes = npt.NDArray[np.float64]


class CenterFace:
    """The network of ``graph``, ready to find faces."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._weights = {name: torch.from_numpy(np.array(values)) for name, values in graph.weights.items()}
        readers = {name: number for number, each in enumerate(graph.operations) for name in each.inputs}
        kept = {*graph.weights, *graph.outputs}
        # What no later operation reads, for each operation: all of it together would take a gigabyte.
        self._read_last = [
            [name for name in each.inputs if readers[name] == number and name not in kept]
            for number, each in enumerate(graph.operations)
        ]

    def faces(self, photo: npt.NDArray[Any]) -> tuple[Face, ...]:
        """Return the faces in a photo, sRGB (H, W, 3), uint8 or float32 in 0..1, large and sure ones first.

        Raises MemoryError.
        """
        values = torch.from_numpy(np.array(photo, dtype=np.float32)).permute(2, 0, 1)[None]
        if photo.dtype != np.uint8:
            values = values * 255
        try:
            with torch.inference_mode(), on_threads(1):
                first, second = (self._look(values, long_side) for long_side in (_FIRST_LOOK, _SECOND_LOOK))
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise MemoryError from error
            raise
        small = second[second[:, 2] * _SECOND_LOOK / max(photo.shape[:2]) < _SMALL]
        return tuple(_face(box) for box in _distinct(np.concatenate([first, small])))

    def _look(self, photo: Tensor, long_side: int) -> Boxes:
        """Return what may be a face in a photo (1, 3, H, W), 0..255, seen with this long side; the surest first."""
        height, width = photo.shape[2:]
        factor = long_side / max(height, width)
        shape = _on_grid(height * factor), _on_grid(width * factor)
        seen = nn.interpolate(photo, shape, mode="bilinear", antialias=True, align_corners=False)
        scores, sizes, offsets, *_ = self._run(seen)
        boxes = _boxes(scores[0, 0].numpy(), sizes[0].numpy(), offsets[0].numpy())
        return boxes * [width / shape[1], height / shape[0], width / shape[1], height / shape[0], 1]

    def _run(self, picture: Tensor) -> list[Tensor]:
        found: dict[str, Tensor] = {self._graph.inputs[0]: picture}
        for operation, read_last in zip(self._graph.operations, self._read_last, strict=True):
            inputs = [found[name] if name in found else self._weights[name] for name in operation.inputs]
            found[operation.outputs[0]] = _OPERATIONS[operation.kind](operation, *inputs)
            for name in read_last:
                del found[name]
        return [found[name] for name in self._graph.outputs]


def _on_grid(side: float) -> int:
    return max(_GRID, _GRID * round(side / _GRID))


def _boxes(
    scores: npt.NDArray[np.float32], sizes: npt.NDArray[np.float32], offsets: npt.NDArray[np.float32]
) -> Boxes:
    """Return the boxes of what is sure enough, the surest first."""
    rows, columns = np.nonzero(scores > _SUREST_ENOUGH)
    heights, widths = np.exp(sizes[:, rows, columns].astype(np.float64)) * _CELL
    down, right = offsets[:, rows, columns].astype(np.float64)
    x, y = (columns + right + 0.5) * _CELL, (rows + down + 0.5) * _CELL
    sure = scores[rows, columns]
    return np.stack([x, y, widths, heights, sure], axis=1)[np.argsort(-sure, kind="stable")]


def _distinct(boxes: Boxes) -> list[Boxes]:
    """Leave out boxes that share much of their area with an earlier one: the same face once more."""
    kept: list[Boxes] = []
    for box in boxes:
        if all(_overlap(box, earlier) < _SAME_FACE for earlier in kept):
            kept.append(box)
    return kept


def _overlap(one: Boxes, other: Boxes) -> float:
    """Return the shared area of two boxes as a share of what they cover together."""
    ends = np.minimum(one[:2] + one[2:4] / 2, other[:2] + other[2:4] / 2)
    begins = np.maximum(one[:2] - one[2:4] / 2, other[:2] - other[2:4] / 2)
    shared = float(np.prod(np.clip(ends - begins, 0, None)))
    return shared / float(np.prod(one[2:4]) + np.prod(other[2:4]) - shared)


def _face(box: Boxes) -> Face:
    x, y, width, height = np.rint(box[:4]).astype(int).tolist()
    return Face(x, y, width, height, float(box[4]))


def _convolve(operation: Operation, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    stride, padding, groups = _layout(operation)
    return nn.conv2d(x, weight, bias, stride, padding, groups=groups)


def _convolve_transposed(operation: Operation, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    stride, padding, groups = _layout(operation)
    return nn.conv_transpose2d(x, weight, bias, stride, padding, groups=groups)


def _layout(operation: Operation) -> tuple[int, int, int]:
    """Return stride, padding and groups of a convolution, which are the same in both directions."""
    (stride, *_), (padding, *_), (groups,) = (
        operation.attributes.get(name, default)
        for name, default in (("strides", (1,)), ("pads", (0,)), ("group", (1,)))
    )
    return int(stride), int(padding), int(groups)


def _normalize(operation: Operation, x: Tensor, *parts: Tensor) -> Tensor:
    scale, bias, mean, variance = parts
    (epsilon,) = operation.attributes["epsilon"]
    return nn.batch_norm(x, mean, variance, scale, bias, eps=epsilon)


_OPERATIONS: Final[Mapping[str, Callable[..., Tensor]]] = {
    "Add": lambda _, a, b: a + b,
    "BatchNormalization": _normalize,
    "Conv": _convolve,
    "ConvTranspose": _convolve_transposed,
    "Relu": lambda _, x: nn.relu(x),
    "Sigmoid": lambda _, x: torch.sigmoid(x),
}
