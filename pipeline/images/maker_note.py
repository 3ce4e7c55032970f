"""Keeps a camera maker's note true in a picture, or leaves it out. Owns the makers' headers; interprets no values.

A note is a directory (TIFF 6.0, section 2) after a header of the maker's own. Most makers count its offsets from the
start of the EXIF block, so that the note is true at its old offset only; some count from the note itself, so that it
is true anywhere. Some cameras give the note's length too short; what it leads to farther away is not copied.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pipeline.images.exif import IFD, MAKER_NOTE, OFFSET_SCHEMA, UNIT_BYTES, ByteOrder, Exif, Value

#: Headers of makers who count from the note, as ExifTool's MakerNotes.pm lists them: where the directory begins, and
#: from which byte of the note its offsets count. None: it is no directory.
_MOVABLE: Final[tuple[tuple[bytes, tuple[int, int] | None], ...]] = (
    (rb"Apple iOS\0", (14, 0)),
    (rb"Nikon\0\x02", (18, 10)),
    (rb"FUJIFILM\x0c\0|GENERALE\x0c\0", (12, 0)),
    (rb"OLYMPUS\0", (12, 0)),
    (rb"OM SYSTEM\0", (16, 0)),
    (rb"PENTAX \0", (10, 0)),
    (rb"S1\0{6}\x0c\0{3}", (12, 0)),
    (rb"RICOH\0(?:II|MM)", (8, 0)),
    (rb"LEICA(?:0|\0[\x01\x04-\x07\x10\x1a]\0)", (8, 0)),
    (rb"GE\x0c\0\0\0\x16\0\0\0", (12, 6)),
    (rb"ISLMAKERNOTE000\0", (24, 16)),
    (rb"KYOCERA", (22, 24)),
    (rb"MOT\0", (8, 0)),
    (rb"SEMC MS\0", (20, 12)),
    (rb"MM\0\x2a\0\0\0\x08|II\x2a\0\x08\0\0\0", (8, 0)),
    (rb"KDK|[\t\n\r -~]+\0*\Z", None),
)
#: Counts from the start of the file.
_NEVER_TRUE: Final = b"LEICA\0\x02\xff"
#: Where the directory of the others begins; without a header it begins at once.
_HEADERS: Final[dict[bytes, int]] = {
    **dict.fromkeys(
        (b"SONY DSC ", b"SONY CAM ", b"SONY MOBILE", b"\0\0SONY PIC\0", b"VHAB     \0", b"Panasonic\0"), 12
    ),
    **dict.fromkeys((b"OLYMP\0", b"EPSON\0", b"MINOL\0", b"CAMER\0", b"Nikon\0\x01", b"SANYO\0", b"LEICA\0"), 8),
    **dict.fromkeys((b"SIGMA\0", b"FOVEON\0"), 10),
    **dict.fromkeys((b"QVC\0", b"DCI\0"), 6),
    **dict.fromkeys((b"Ricoh", b"RICOH\0"), 8),
    b"LEICA CAMERA AG\0": 18,
    b"JVC ": 4,
    b"AOC\0": 6,
}
_NIKON_PREVIEW, _MAKE = 0x0011, 0x010F
_PREVIEW_OFFSET, _PREVIEW_BYTES = 0x0201, 0x0202
_MOST_ENTRIES: Final = 400
#: What stands right behind the note and belongs to it is copied with it, up to this.
_LONGEST_TAIL_BYTES: Final = 1024
#: The directories before a note rarely fill more; a file whose note stands behind its pixels would become as large.
_FARTHEST_BYTES: Final = 1 << 17

_Extents = list[tuple[int, int]]


def settled(block: Exif, source: bytes) -> tuple[Exif, tuple[str, ...]]:
    """Return the block with its maker note bound to its offset, free to stand anywhere, or left out with a remark.

    ``source``: the bytes that the block was read from.
    """
    note = block.photo.get(MAKER_NOTE)
    if note is None or note.offset is None:
        return block, ()
    kept, reason = _settled_note(note, note.offset, block, source)
    if kept is None:
        return without(block), (f"EXIF's maker note left out: {reason}",)
    photo = {**block.photo, MAKER_NOTE: kept}
    if kept.offset != note.offset:
        photo.pop(OFFSET_SCHEMA, None)
    return replace(block, photo=photo), ()


def without(block: Exif) -> Exif:
    """Return the block without the camera maker's private data, by far its largest part."""
    others = {tag: value for tag, value in block.photo.items() if tag not in {MAKER_NOTE, OFFSET_SCHEMA}}
    return replace(block, photo=others)


def _settled_note(note: Value, offset: int, block: Exif, source: bytes) -> tuple[Value | None, str]:
    data, behind = note.data, source[offset + len(note.data) :][:_LONGEST_TAIL_BYTES]
    offset = _canon_offset(data) or offset
    make = block.image.get(_MAKE)
    is_nikon = data.startswith(b"Nikon\0") or (make is not None and make.data.upper().startswith(b"NIKON"))
    incomplete = "its values stand elsewhere in the photo, where pictures have other data"
    for header, layout in _MOVABLE:
        if re.match(header, data):
            whole = _whole(data, behind, _extents(data + behind, *layout, block.order, is_nikon) if layout else [])
            return (_as_note(note, whole, None), "") if whole else (None, incomplete)
    start = max((size for known, size in _HEADERS.items() if data.startswith(known)), default=0)
    whole = _whole(data, behind, _extents(data + behind, start, -offset, block.order, is_nikon))
    if data.startswith(_NEVER_TRUE):
        return None, "it counts from the start of the photo's file"
    if whole is None:
        counts_from_note = _whole(data, b"", _extents(data, start, 0, block.order, is_nikon))
        return (_as_note(note, data, None), "") if counts_from_note else (None, incomplete)
    if not 8 <= offset <= _FARTHEST_BYTES:
        return None, f"it is true at its place in the photo only, byte {offset}"
    return _as_note(note, whole, offset), ""


def _canon_offset(note: bytes) -> int | None:
    """Return the offset that a note of Canon ends with: where it stood before another program moved it."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(note[-8:-4])
    return struct.unpack(order + "I", note[-4:])[0] if order else None


def _as_note(note: Value, data: bytes, offset: int | None) -> Value:
    return replace(note, count=len(data) // UNIT_BYTES[note.kind], data=data, offset=offset)


def _whole(data: bytes, behind: bytes, extents: _Extents) -> bytes | None:
    """Return the note with the bytes behind it that its directory leads to; None if that leads farther away."""
    first = min((start for start, _ in extents), default=0)
    last = max((end for _, end in extents), default=0)
    if first < 0 or last > len(data) + len(behind):
        return None
    return data + behind[: max(0, last - len(data))]


def _extents(note: bytes, start: int, base: int, order: ByteOrder, is_nikon: bool) -> _Extents:
    """Return from where to where in the note its directory's values stand; none if it is no directory.

    ``base``: what is added to the directory's offsets to get places in the note.
    """
    other: ByteOrder = ">" if order == "<" else "<"
    orders = (order, other) if note[start : start + 1] != b"\0" else (">", "<")
    return next((found for found in (list(_values(note, start, base, it, is_nikon)) for it in orders) if found), [])


def _values(note: bytes, start: int, base: int, order: ByteOrder, is_nikon: bool) -> Iterator[tuple[int, int]]:
    for tag, kind, count, value in _entries(note, start, order):
        size = UNIT_BYTES.get(kind, 0) * count
        at = base + value
        if size > 4:
            yield at, at + size
        elif kind == IFD or (is_nikon and tag == _NIKON_PREVIEW):
            yield at, at + 2 + 12 * _count(note, at, order)
            yield from _values(note, at, base, order, False)
            yield from _preview({entry[0]: entry[3] for entry in _entries(note, at, order)}, base)


def _preview(entries: dict[int, int], base: int) -> _Extents:
    start, size = entries.get(_PREVIEW_OFFSET, 0), entries.get(_PREVIEW_BYTES, 0)
    return [(base + start, base + start + size)] if start and size else []


def _count(note: bytes, start: int, order: ByteOrder) -> int:
    """Return how many entries a directory has, 0 if it is outside of the note."""
    if not 0 <= start <= len(note) - 2:
        return 0
    count: int = struct.unpack_from(order + "H", note, start)[0]
    return count


def _entries(note: bytes, start: int, order: ByteOrder) -> list[tuple[int, int, int, int]]:
    count = _count(note, start, order)
    table = note[start + 2 : start + 2 + 12 * count]
    if not 0 < count <= _MOST_ENTRIES or len(table) < 12 * count:
        return []
    entries: list[tuple[int, int, int, int]] = list(struct.iter_unpack(order + "HHII", table))
    return entries if all(kind <= IFD for _, kind, _, _ in entries[:2]) else []
