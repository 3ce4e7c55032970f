"""Reads what an ISO base media file (HEIC, AVIF) says about its colors: the colr properties of its primary image.

Where a grid of tiles has none of its own, its first tile's hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from pipeline.images.color.description import MAX_PROFILE_BYTES, CodePoints, ColorDescription, Profile, Statement
from pipeline.images.item_properties import Property, primary_properties

_PROFILE_KINDS: Final = frozenset({b"prof", b"rICC"})


def description_of_iso_media(data: bytes) -> ColorDescription:
    """Return what the primary image of a file says about its colors: its profile first, then its code points.

    HEIF lets both be there; the code points then tell how to decode, as libavif and libheif have it.
    """
    image, tile = primary_properties(data)
    colors = list(_colors(image)) or list(_colors(tile))
    return ColorDescription(tuple(sorted(colors, key=lambda statement: not isinstance(statement, Profile))))


def _colors(properties: list[Property]) -> Iterator[Statement]:
    for name, content in properties:
        kind = bytes(content[:4])
        if name != b"colr":
            continue
        if kind in _PROFILE_KINDS:
            yield Profile(bytes(content[4:]) if 4 < len(content) <= MAX_PROFILE_BYTES else None)
        elif kind == b"nclx" and len(content) >= 8:
            primaries, transfer = struct.unpack_from(">HH", content, 4)
            yield CodePoints(primaries, transfer)
