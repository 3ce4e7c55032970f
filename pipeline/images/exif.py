"""Reads and writes EXIF blocks as directories of raw values. Owns their binary structure; does not interpret values.

A value keeps its type and its bytes in the block's own byte order, so that what this program does not know
(maker notes, UTF-16 comments, types Pillow would have to guess) is carried over bit for bit. The structure is
that of TIFF 6.0, section 2, with the sub-directories of Exif 2.32, section 4.6. IFD1, the thumbnail, is not read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pipeline.images.exif_layout import Room

ByteOrder = Literal["<", ">"]

PREFIX: Final = b"Exif\0\0"
BYTE, ASCII, SHORT, LONG, UNDEFINED, IFD = 1, 2, 3, 4, 7, 13
PHOTO_POINTER, GPS_POINTER, MAKER_NOTE = 0x8769, 0x8825, 0x927C
OFFSET_SCHEMA: Final = 0xEA1D  # Windows' note on how far it has moved the maker note

_HEADERS: Final[dict[bytes, ByteOrder]] = {b"II*\0": "<", b"MM\0*": ">"}
UNIT_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_INTEGER_CODES: Final = {BYTE: "B", SHORT: "H", LONG: "I", IFD: "I"}


@dataclass(frozen=True, slots=True)
class Value:
    """One tag's value: TIFF type, number of units, and their bytes in the block's byte order.

    ``offset``: where the bytes stood in the block they were read from; None if in the directory itself, or if it does
    not matter. Only a maker note is written there again: its own offsets may count from the block's start.
    """

    kind: int
    count: int
    data: bytes
    offset: int | None = field(default=None, compare=False)


Directory = Mapping[int, Value]


@dataclass(frozen=True, slots=True)
class Exif:
    """A block's directories: IFD0 (``image``), the Exif IFD (``photo``) and the GPS IFD (``gps``)."""

    order: ByteOrder = "<"
    image: Directory = field(default_factory=dict)
    photo: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)


def undefined(data: bytes) -> Value:
    """Return ``data`` as a value of type UNDEFINED."""
    return Value(UNDEFINED, len(data), data)


def text(words: str) -> Value:
    """Return an ASCII value, ended by NUL; what is not ASCII becomes a question mark."""
    data = words.encode("ascii", "replace") + b"\0"
    return Value(ASCII, len(data), data)


def integers(order: ByteOrder, kind: int, *numbers: int) -> Value:
    """Return numbers as a SHORT or LONG value."""
    return Value(kind, len(numbers), struct.pack(f"{order}{len(numbers)}{_INTEGER_CODES[kind]}", *numbers))


def first_integer(order: ByteOrder, value: Value | None) -> int | None:
    """Return the first number of a BYTE, SHORT, LONG or IFD value, None for anything else."""
    if value is None or value.kind not in _INTEGER_CODES or not value.count:
        return None
    number: int = struct.unpack_from(order + _INTEGER_CODES[value.kind], value.data)[0]
    return number


def parse(data: bytes) -> Exif | None:
    """Return the directories of a block (or of a whole TIFF file), None if ``data`` is neither.

    Entries that point outside of ``data``, overlap or have an unknown type are left out. BigTIFF is not read.
    """
    data = data.removeprefix(PREFIX)
    order = _HEADERS.get(data[:4])
    if order is None or len(data) < 8:
        return None
    image = _read_directory(data, order, struct.unpack_from(order + "I", data, 4)[0])
    photo = _read_directory(data, order, first_integer(order, image.pop(PHOTO_POINTER, None)))
    gps = _read_directory(data, order, first_integer(order, image.pop(GPS_POINTER, None)))
    return Exif(order, image, photo, gps)


def _read_directory(data: bytes, order: ByteOrder, offset: int | None) -> dict[int, Value]:
    if offset is None or offset + 2 > len(data):
        return {}
    (count,) = struct.unpack_from(order + "H", data, offset)
    table = data[offset + 2 : offset + 2 + 12 * count]
    entries = struct.iter_unpack(order + "HHI4s", table[: len(table) // 12 * 12])
    found: dict[int, Value] = {}
    room = len(data)  # values never overlap, except in files that want to fill the memory
    for tag, kind, units, inline in entries:
        value = _read_value(data, order, kind, units, inline)
        if value is not None and len(value.data) <= room:
            found[tag] = value
            room -= len(value.data)
    return found


def _read_value(data: bytes, order: ByteOrder, kind: int, count: int, inline: bytes) -> Value | None:
    size = UNIT_BYTES.get(kind, 0) * count
    if size == 0:
        return None
    if size <= 4:
        return Value(kind, count, inline[:size])
    (offset,) = struct.unpack(order + "I", inline)
    if offset + size > len(data):
        return None
    return Value(kind, count, data[offset : offset + size], offset)


def header(order: ByteOrder, directories_offset: int) -> bytes:
    """Return the 8 bytes a block or a TIFF file begins with."""
    start = next(start for start, known in _HEADERS.items() if known == order)
    return start + struct.pack(order + "I", directories_offset)


def write_directories(exif: Exif, offset: int) -> bytes:
    """Return IFD0 followed by its sub-directories, to stand at the even ``offset`` of a block or file."""
    order, image = exif.order, dict(exif.image)
    subdirectories = [(PHOTO_POINTER, exif.photo), (GPS_POINTER, exif.gps)]
    used = [(pointer, directory) for pointer, directory in subdirectories if directory]
    for pointer, _ in used:
        image[pointer] = integers(order, LONG, 0)
    end = offset + len(_write_directory(order, image, offset))
    tail = b""
    for pointer, directory in used:
        image[pointer] = integers(order, LONG, end + len(tail))
        tail += _write_directory(order, directory, end + len(tail))
    return _write_directory(order, image, offset) + tail


def _write_directory(order: ByteOrder, directory: Directory, offset: int) -> bytes:
    heap = bytearray()
    heap_offset = offset + _table_bytes(len(directory))

    def put(_tag: int, value: Value) -> int:
        at = heap_offset + len(heap)
        heap.extend(value.data + b"\0" * (len(value.data) % 2))
        return at

    return _table(order, directory, put) + heap


def _table(order: ByteOrder, directory: Directory, put: Callable[[int, Value], int]) -> bytes:
    """Return a directory's table; ``put`` stores the value of a tag that does not fit in, and returns its offset."""
    table = struct.pack(order + "H", len(directory))
    for tag, value in sorted(directory.items()):
        table += struct.pack(order + "HHI", tag, value.kind, value.count)
        is_short = len(value.data) <= 4
        table += value.data.ljust(4, b"\0") if is_short else struct.pack(order + "I", put(tag, value))
    return table + bytes(4)


def serialize(exif: Exif) -> bytes:
    """Return the block as PNG and WebP hold it: without the ``Exif`` prefix that JPEG puts before it."""
    note = fixed_note(exif)
    if note is None:
        return header(exif.order, 8) + write_directories(exif, 8)
    return _serialize_around(exif, note)


def fixed_note(exif: Exif) -> Value | None:
    """Return the maker note if it must be written at the offset it had."""
    note = exif.photo.get(MAKER_NOTE)
    return note if note is not None and note.offset is not None else None


def _serialize_around(exif: Exif, note: Value) -> bytes:
    room = Room(note.offset or 0, len(note.data))
    image = dict(exif.image)
    image_offset = room.take(_table_bytes(len(image) + 1 + bool(exif.gps)))
    for pointer, directory in ((PHOTO_POINTER, exif.photo), (GPS_POINTER, exif.gps)):
        if directory:
            offset = room.take(_table_bytes(len(directory)))
            image[pointer] = integers(exif.order, LONG, offset)
            _put_directory(room, exif.order, directory, offset)
    _put_directory(room, exif.order, image, image_offset)
    room.put(0, header(exif.order, image_offset))
    return bytes(room.data)


def _table_bytes(entries: int) -> int:
    return 2 + 12 * entries + 4


def _put_directory(room: Room, order: ByteOrder, directory: Directory, offset: int) -> None:
    def put(tag: int, value: Value) -> int:
        is_fixed = tag == MAKER_NOTE and value.offset is not None
        at = room.note_offset if is_fixed else room.take(len(value.data))
        room.put(at, value.data)
        return at

    room.put(offset, _table(order, directory, put))
