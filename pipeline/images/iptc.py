"""Reads and writes IPTC-IIM datasets (headline, keywords, locations). Owns their framing; does not read their texts.

IIM 4.2: each dataset is 0x1C, record, number, length, value. Photoshop keeps the row of datasets in an image resource
block (``8BIM`` 0x0404), which JPEG holds in its APP13 segment; TIFF has a tag for the row itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

RESOURCE: Final = 0x0404

_SEGMENT_START: Final = b"Photoshop 3.0\0"
#: Content location code and name; city, sub-location, province or state, country code and name.
_LOCATION: Final = frozenset({(2, 26), (2, 27), (2, 90), (2, 92), (2, 95), (2, 100), (2, 101)})


def _datasets(row: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    at = 0
    while row[at : at + 1] == b"\x1c" and at + 5 <= len(row):
        record, number, length = struct.unpack_from(">BBH", row, at + 1)
        end = at + 5 + length
        if length & 0x8000 or end > len(row):
            return  # extended lengths belong to embedded objects, which come last
        yield (record, number), row[at:end]
        at = end


def well_formed(row: bytes) -> bytes:
    """Return the leading datasets of ``row`` that are complete; padding and damage after them are left out."""
    return b"".join(dataset for _, dataset in _datasets(row))


def without_location(row: bytes) -> bytes:
    """Return the datasets that don't say where the photo was taken."""
    return b"".join(dataset for name, dataset in _datasets(row) if name not in _LOCATION)


def resource(blocks: bytes) -> bytes:
    """Return the datasets in a row of Photoshop image resource blocks, empty if there are none."""
    at = 0
    while blocks[at : at + 4] == b"8BIM" and at + 12 <= len(blocks):
        (number,) = struct.unpack_from(">H", blocks, at + 4)
        # The block's name is a Pascal string padded to an even length.
        size_at = at + 6 + (blocks[at + 6] + 2) // 2 * 2
        size = int.from_bytes(blocks[size_at : size_at + 4], "big")
        if number == RESOURCE:
            return blocks[size_at + 4 : size_at + 4 + size]
        at = size_at + 4 + size + size % 2
    return b""


def segment(row: bytes) -> bytes:
    """Return what a JPEG's APP13 segment holds for these datasets, without marker and length."""
    block = b"8BIM" + struct.pack(">HHI", RESOURCE, 0, len(row)) + row
    return _SEGMENT_START + block + b"\0" * (len(row) % 2)
