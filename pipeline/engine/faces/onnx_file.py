"""Reads the graph of an ONNX file: its operations and their weights; computes nothing, and runs nothing it finds.

ONNX files are protocol buffers (https://protobuf.dev/programming-guides/encoding). Read is what the face detector
has: tensors of float32, whose values are stored as bytes or packed, and attributes that are integers or a number.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

_FLOAT32: Final = 1
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5

Field = int | bytes
Message = Mapping[int, list[Field]]


class _Field(IntEnum):
    """Numbers of fields in onnx.proto: of a model, a graph, a node, an attribute and a tensor."""

    MODEL_GRAPH = 7
    GRAPH_NODE = 1
    GRAPH_TENSOR = 5
    GRAPH_INPUT = 11
    GRAPH_OUTPUT = 12
    NODE_INPUT = 1
    NODE_OUTPUT = 2
    NODE_OPERATION = 4
    NODE_ATTRIBUTE = 5
    ATTRIBUTE_NAME = 1
    ATTRIBUTE_FLOAT = 2
    ATTRIBUTE_INTEGER = 3
    ATTRIBUTE_INTEGERS = 8
    TENSOR_SIZES = 1
    TENSOR_TYPE = 2
    TENSOR_FLOATS = 4
    TENSOR_NAME = 8
    TENSOR_BYTES = 9
    VALUE_NAME = 1


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a graph, such as ``Conv``: what it reads and what it gives, by name."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Graph:
    """Operations in the order in which they can be computed, and the weights among their inputs.

    ``inputs`` are what goes in, ``outputs`` what comes out.
    """

    operations: tuple[Operation, ...]
    weights: Mapping[str, npt.NDArray[np.float32]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_graph(data: bytes) -> Graph:
    """Return the graph of an ONNX file. Raises ValueError for what is none, or has what is not read here."""
    graph = _message(_bytes(_message(data), _Field.MODEL_GRAPH))
    weights = dict(filter(None, map(_weight, map(_message, _each(graph, _Field.GRAPH_TENSOR)))))
    names = [[_name(value) for value in _each(graph, kind)] for kind in (_Field.GRAPH_INPUT, _Field.GRAPH_OUTPUT)]
    return Graph(
        operations=tuple(_operation(_message(node)) for node in _each(graph, _Field.GRAPH_NODE)),
        weights=weights,
        inputs=tuple(name for name in names[0] if name not in weights),
        outputs=tuple(names[1]),
    )


def _operation(node: Message) -> Operation:
    return Operation(
        kind=_bytes(node, _Field.NODE_OPERATION).decode(),
        inputs=tuple(name.decode() for name in _each(node, _Field.NODE_INPUT)),
        outputs=tuple(name.decode() for name in _each(node, _Field.NODE_OUTPUT)),
        attributes=dict(_attribute(_message(found)) for found in _each(node, _Field.NODE_ATTRIBUTE)),
    )


def _attribute(found: Message) -> tuple[str, tuple[float, ...]]:
    name = _bytes(found, _Field.ATTRIBUTE_NAME).decode()
    if _Field.ATTRIBUTE_FLOAT in found:
        return name, struct.unpack("<f", _bytes(found, _Field.ATTRIBUTE_FLOAT))
    whole = found.get(_Field.ATTRIBUTE_INTEGERS) or found.get(_Field.ATTRIBUTE_INTEGER, [])
    return name, tuple(number for number in whole if isinstance(number, int))


def _weight(tensor: Message) -> tuple[str, npt.NDArray[np.float32]] | None:
    """Return a tensor's name and values; None for what is no float32, which no operation of a network needs."""
    if tensor[_Field.TENSOR_TYPE] != [_FLOAT32]:
        return None
    sizes = [size for size in tensor.get(_Field.TENSOR_SIZES, []) if isinstance(size, int)]
    field = _Field.TENSOR_BYTES if _Field.TENSOR_BYTES in tensor else _Field.TENSOR_FLOATS
    values = np.frombuffer(_bytes(tensor, field), dtype="<f4")
    return _bytes(tensor, _Field.TENSOR_NAME).decode(), values.reshape(sizes).astype(np.float32)


def _name(value: bytes) -> str:
    return _bytes(_message(value), _Field.VALUE_NAME).decode()


def _bytes(message: Message, number: int) -> bytes:
    found = message.get(number, [])
    if not found or not isinstance(found[0], bytes):
        raise ValueError(f"an ONNX file without its field {number}")
    return found[0]


def _each(message: Message, number: int) -> Iterator[bytes]:
    return (found for found in message.get(number, []) if isinstance(found, bytes))


def _message(data: bytes) -> Message:
    """Return the fields of a message by their numbers."""
    found: dict[int, list[Field]] = {}
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        value, position = _value(data, position, key & 7)
        found.setdefault(key >> 3, []).append(value)
    return found


def _value(data: bytes, position: int, kind: int) -> tuple[Field, int]:
    if kind == _VARINT:
        return _varint(data, position)
    if kind == _LENGTH:
        length, position = _varint(data, position)
    else:
        length = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(kind, len(data))
    if position + length > len(data):
        raise ValueError("no ONNX file, or one that is cut off")
    return data[position : position + length], position + length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the last of which has no high bit, and where it ends."""
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("no ONNX file, or one that is cut off")
