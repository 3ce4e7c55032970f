"""Reads the properties of the primary image of an ISO base media file (AVIF, HEIC): color, depth, clean aperture.

Bounded, and what is damaged is left out. ISO/IEC 14496-12 and 23008-12 define the boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pipeline.images.boxes import Box, Content, boxes_of

#: Boxes of a file or of a box that are looked at; real ones hold a few hundred properties.
_MAX_BOXES: Final = 20_000
_MAX_ITEMS: Final = 100_000

Property = Box


def primary_properties(data: bytes) -> tuple[list[Property], list[Property]]:
    """Return the properties, as (name, content), of the primary image and of the first tile that it is made of."""
    try:
        meta = _Meta(dict(reversed(list(_boxes(_first(Content(data), b"meta")[4:])))))
        item = meta.primary()
        tile = None if item is None else meta.first_tile(item)
        return list(meta.properties(item)), list(meta.properties(tile))
    except IndexError:
        return [], []


def association_tables(data: bytearray) -> list[Content]:
    """Return the boxes that say which properties an item has (ipma), in a file that may be changed through them."""
    properties = _first(_first(Content(data), b"meta")[4:], b"iprp")
    return [content for name, content in _boxes(properties) if name == b"ipma" and len(content) >= 4]


@dataclass(frozen=True, slots=True)
class _Meta:
    """The boxes in a file's meta box, by name; of two of a name the first."""

    boxes: dict[bytes, Content]

    def primary(self) -> int | None:
        box = self.boxes.get(b"pitm")
        return None if box is None else _number(box, 4, 2 if box[0] == 0 else 4)

    def properties(self, item: int | None) -> Iterator[Property]:
        """Yield an item's properties; none of no item."""
        if item is None:
            return
        groups = list(_boxes(self.boxes.get(b"iprp", Content(b""))))
        stored = list(_boxes(next((box for name, box in groups if name == b"ipco"), Content(b""))))
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


def _first(content: Content, wanted: bytes) -> Content:
    """Return what the first box of a name holds, nothing if there is none."""
    return next((found for name, found in _boxes(content) if name == wanted), Content(b""))


def _boxes(content: Content) -> Iterator[Property]:
    return islice(boxes_of(content), _MAX_BOXES)
