"""Reads and writes IPTC-IIM datasets (headline, keywords, locations). Owns their framing, and which of them
tell a place.

IIM 4.2: each dataset is 0x1C, record, number, length, value. Photoshop keeps the row of datasets in an image resource
block (``8BIM`` 0x0404), which JPEG holds in its APP13 segment; TIFF has a tag for the row itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from pipeline.images import places

RESOURCE: Final = 0x0404

_SEGMENT_START: Final = b"Photoshop 3.0\0"
#: Content location code and name; city, sub-location, province or state, country code and name.
_LOCATION: Final = frozenset({(2, 26), (2, 27), (2, 90), (2, 92), (2, 95), (2, 100), (2, 101)})
#: IIM 4.2's other datasets of the envelope (1) and the application record (2), without embedded audio and previews.
_KNOWN: Final = frozenset(
    {
        *((1, number) for number in (0, 5, 20, 22, 30, 40, 50, 60, 70, 80, 90, 100, 120, 122)),
        *((2, number) for number in (0, 3, 4, 5, 7, 8, 10, 12, 15, 20, 22, 25, 30, 35, 37, 38, 40, 42, 45, 47, 50)),
        *(
            (2, number)
            for number in (55, 60, 62, 63, 65, 70, 75, 80, 85, 103, 105, 110, 115, 116, 118, 120, 121, 122)
        ),
        *((2, number) for number in (130, 131, 135, 184, 185, 186, 187, 188, 221, 225, 228, 230)),
    }
)
_CHARACTER_SET, _KEYWORD = (1, 90), (2, 25)
_LARGEST_SEARCHED_BYTES: Final = 1_000_000
#: Escape sequences (ISO 2022) of UTF-8 and of sets of single bytes, in which digits are ASCII.
_READABLE_SETS: Final = (b"\x1b%G", b"\x1b%/", b"\x1b(", b"\x1b)", b"\x1b,", b"\x1b-", b"\x1b.", b"\x1b/")


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


def without_location(row: bytes, named: frozenset[str] = frozenset()) -> tuple[bytes, tuple[str, ...]]:
    """Return the datasets that don't say where the photo was taken, and notes on what nobody can read.

    ``named``: places (in small letters) named elsewhere in the photo, which don't stay as keywords.
    """
    if len(row) > _LARGEST_SEARCHED_BYTES:
        return b"", ("IPTC left out: it is larger than 1 MB, too much to look for places",)
    datasets = list(_datasets(row))
    declared = [dataset[5:] for name, dataset in datasets if name == _CHARACTER_SET]
    if not all(code.startswith(_READABLE_SETS) for code in declared if code.strip(b"\0 ")):
        return b"", ("IPTC left out: its character set is unknown, and it may tell a place",)
    unknown = [name for name, _ in datasets if name not in _KNOWN and name not in _LOCATION]
    kept = [dataset for name, dataset in datasets if name in _KNOWN and not _tells_place(name, dataset[5:], named)]
    note = f"IPTC: unknown datasets ({len(unknown)}) left out, which may tell a place"
    return b"".join(kept), (note,) if unknown else ()


def _tells_place(name: tuple[int, int], value: bytes, named: frozenset[str]) -> bool:
    text = _text(value)
    is_repeated = name == _KEYWORD and text.strip().casefold() in named
    return is_repeated or places.is_too_long(text) or places.tells_place(text)


def named_places(row: bytes) -> frozenset[str]:
    """Return the places that have datasets of their own, in small letters."""
    texts = (_text(dataset[5:]).strip().casefold() for name, dataset in _datasets(row) if name in _LOCATION)
    return frozenset(text for text in texts if len(text) > 1)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


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
