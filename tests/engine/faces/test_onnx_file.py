"""ONNX files are read without running anything of them; what is none is a ValueError."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from pipeline.engine.faces.onnx_file import Operation, read_graph


def varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def field(number: int, value: int | float | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


WEIGHT = field(1, 2) + field(1, 200) + field(2, 1) + field(8, "w") + field(9, np.arange(400, dtype="<f4").tobytes())
PACKED = field(1, 2) + field(2, 1) + field(4, np.array([0.5, 2], dtype="<f4").tobytes()) + field(8, "b")
COUNTER = field(2, 7) + field(8, "batches") + field(9, bytes(8))
STRIDES = field(1, "strides") + field(8, 2) + field(8, 300)
EPSILON = field(1, "epsilon") + field(2, 0.25)
GROUP = field(1, "group") + field(3, 32)
NODE = b"".join(field(1, name) for name in ("x", "w", "b")) + field(2, "y") + field(4, "Conv")
NODE += b"".join(field(5, attribute) for attribute in (STRIDES, EPSILON, GROUP))
GRAPH = field(1, NODE) + b"".join(field(5, tensor) for tensor in (WEIGHT, PACKED, COUNTER))
GRAPH += field(11, field(1, "x")) + field(11, field(1, "w")) + field(12, field(1, "y"))
MODEL = field(1, 4) + field(2, "pytorch") + varint(99 << 3 | 1) + bytes(8) + field(7, GRAPH)


def test_a_graph_has_operations_and_their_weights() -> None:
    graph = read_graph(MODEL)
    attributes = {"strides": (2, 300), "epsilon": (0.25,), "group": (32,)}
    assert graph.operations == (Operation("Conv", ("x", "w", "b"), ("y",), attributes),)
    assert (graph.inputs, graph.outputs) == (("x",), ("y",))
    assert set(graph.weights) == {"w", "b"}
    assert graph.weights["w"].shape == (2, 200)
    assert graph.weights["w"][1, 199] == 399
    assert graph.weights["b"].tolist() == [0.5, 2]


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff" * 20, MODEL[:-1], MODEL[:300], field(1, 4)])
def test_what_is_no_onnx_file_or_is_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="ONNX"):
        read_graph(data)
