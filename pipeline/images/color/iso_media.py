"""Reads what an ISO base media file (HEIC, AVIF) says about its colors: the colr properties of its primary image.

Where a grid of tiles has none of its own, its first tile's hold. ISO/IEC 14496-12 and 23008-12 define the boxes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pipeline.images.color.description import CodePoints, ColorDescription, Profile, Statement

#: Boxes of a file or of a box that are looked at; real ones hold a few hundred properties.
_MAX_BOXES: Final = 20_000
_MAX_ITEMS: Final = 100_000
_MAX_PROFILE_BYTES: Final = 1 << 25
_PROFILE_KINDS: Final = frozenset({b"prof", b"rICC"})

Content = memoryview


@dataclass(frozen=True, slots=True)
class _Meta:
    """The boxes in a file's meta box, by name; of two of a name the first."""

    boxes: dict[bytes, Content]

    def primary(self) -> int | None:
        box = self.boxes.get(b"pitm")
        return None if box is None else _number(box, 4, 2 if box[0] == 0 else 4)

    def properties(self, item: int) -> Iterator[tuple[bytes, Content]]:
        """Yield an item's properties as (name, content)."""
        groups = list(_boxes(self.boxes.get(b"iprp", Content(b""))))
        container = next((content for name, content in groups if name == b"ipco"), Content(b""))
        stored = list(_boxes(container))
        for index in (index for name, box in groups if name == b"ipma" for index in _associated(box, item)):
            if 0 < index <= len(stored):
                yield stored[index - 1]

    def first_tile(self, grid: int) -> int | None:
        """Return the first item that another one is derived from."""
        references = self.boxes.get(b"iref")
        if references is None:
            return None
        size = 2 if references[0] == 0 else 4
        for name, box in _boxes(references[4:]):
            if name == b"dimg" and _number(box, 0, size) == grid and _number(box, size, 2) > 0:
                return _number(box, size + 2, size)
        return None


def is_iso_media(data: bytes) -> bool:
    """Whether a file begins as ISO base media files do."""
    return data[4:8] == b"ftyp"


def description_of_iso_media(data: bytes) -> ColorDescription:
    """Return what the primary image of a file says about its colors: its profile first, then its code points."""
    try:
        return ColorDescription(tuple(_statements(data)))
    except (struct.error, IndexError):
        return ColorDescription()


def _statements(data: bytes) -> list[Statement]:
    content = next((content for name, content in _boxes(Content(data)) if name == b"meta"), None)
    if content is None:
        return []
    meta = _Meta(dict(reversed(list(_boxes(content[4:])))))
    item = meta.primary()
    if item is None:
        return []
    colors = list(_colors(meta, item))
    if not colors and (tile := meta.first_tile(item)) is not None:
        colors = list(_colors(meta, tile))
    return sorted(colors, key=lambda statement: not isinstance(statement, Profile))


def _colors(meta: _Meta, item: int) -> Iterator[Statement]:
    for name, content in meta.properties(item):
        kind = bytes(content[:4])
        if name != b"colr":
            continue
        if kind in _PROFILE_KINDS:
            yield Profile(bytes(content[4:]) if 4 < len(content) <= _MAX_PROFILE_BYTES else None)
        elif kind == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", content, 4)
            yield CodePoints(primaries, transfer)


def _associated(box: Content, item: int) -> Iterator[int]:
    """Yield the places of an item's properties in their container, from 1; ``box``: of the kind ipma."""
    wide = box[3] & 1
    id_size, place_size, mask = 2 if box[0] == 0 else 4, 2 if wide else 1, 0x7FFF if wide else 0x7F
    position = 8
    for _ in range(min(_number(box, 4, 4), _MAX_ITEMS)):
        owner, places = _number(box, position, id_size), box[position + id_size]
        position += id_size + 1
        if owner == item:
            yield from (_number(box, position + place_size * place, place_size) & mask for place in range(places))
        position += place_size * places


def _number(box: Content, position: int, size: int) -> int:
    if position + size > len(box):
        raise IndexError(position)
    return int.from_bytes(box[position : position + size], "big")


def _boxes(content: Content) -> Iterator[tuple[bytes, Content]]:
    """Yield the boxes that are whole as (name, content), up to the first that can't be."""
    return islice(_each_box(content), _MAX_BOXES)


def _each_box(content: Content) -> Iterator[tuple[bytes, Content]]:
    position = 0
    while position + 8 <= len(content):
        size, head = _number(content, position, 4), 8
        if size == 1:
            size, head = _number(content, position + 8, 8), 16
        end = position + size if size else len(content)
        if (size and size < head) or end > len(content):
            return
        yield bytes(content[position + 4 : position + 8]), content[position + head : end]
        position = end
