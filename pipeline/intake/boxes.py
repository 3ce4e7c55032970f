"""Parses image files of boxes: AVIF, HEIC, CR3, JPEG XL, JPEG 2000. Owns when the data of their picture is there.

Boxes are ISO/IEC 14496-12, 4.2; which of them hold a picture's data says ``iloc`` (8.11.3), those of JPEG XL are
ISO/IEC 18181-2.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.intake.format_parsers import Incomplete, SizedFile

_BOX_TYPE: Final = re.compile(rb"[ -~\xa9]{4}")
_LARGEST_META_BYTES: Final = 1 << 26
#: ``iloc`` of an item: in the file, in the box ``idat``, or made of other items.
_IN_FILE: Final = 0


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    content: int
    end: int


def check_boxes(source: SizedFile) -> None:
    """Check the top-level boxes of AVIF, HEIC and CR3.

    There must be ``meta`` or ``moov``, and ``mdat``, unless ``meta`` holds all data itself. The box ``mini`` of a
    small picture stands for both (ISO/IEC 23008-12, brand ``mif3``).
    """
    seen: set[bytes] = set()
    holds_all = False
    for box in _boxes(source):
        source.require(box.end)
        if box.kind == b"mdat":
            source.require_written(box.content, box.end)
        elif box.kind == b"meta":
            holds_all = _holds_all_data(source, box)
        elif box.kind == b"mini":
            holds_all = True
        seen.add(box.kind)
    if not seen & {b"meta", b"moov", b"mini"} or not (b"mdat" in seen or holds_all):
        raise Incomplete("its picture data is missing")


def check_jpeg_2000(source: SizedFile) -> None:
    """Find the codestream of a JPEG 2000, in the box ``jp2c`` (ISO/IEC 15444-1, annex I)."""
    for box in _boxes(source):
        source.require(box.end)
        if box.kind == b"jp2c":
            source.require_written(box.content, box.end)
            return
    raise Incomplete("its picture data is missing")


def check_jpeg_2000_codestream(source: SizedFile) -> None:
    """Find the end of a bare codestream (ISO/IEC 15444-1, A.4.4)."""
    if not source.ends_with(b"\xff\xd9"):
        raise Incomplete("its end marker is missing")


def check_jpeg_xl_boxes(source: SizedFile) -> None:
    """Find the codestream of a JPEG XL: whole in ``jxlc``, or the last of its parts in ``jxlp``."""
    for box in _boxes(source):
        source.require(box.end)
        is_last = box.kind == b"jxlc" or (box.kind == b"jxlp" and source.read(box.content, 1)[0] & 0x80)
        if is_last:
            source.require_written(box.content, box.end)
            return
    raise Incomplete("its picture data is missing")


def check_jpeg_xl_codestream(source: SizedFile) -> None:
    """Check what can be checked of a bare codestream, which has no length and no end: decoding it finds the rest."""
    source.require(3)
    source.require_written(0, source.size)


def _boxes(source: SizedFile, position: int = 0) -> Iterator[_Box]:
    """Yield boxes up to the end, or to appended data; the last one may end beyond the file."""
    while position + 8 <= source.size:
        box = _box(source, position)
        if box.end < position + 8 or not _BOX_TYPE.fullmatch(box.kind):
            return
        yield box
        position = box.end


def _box(source: SizedFile, position: int) -> _Box:
    """Return the box at ``position``. Size 1 = 64 bits follow, 0 = to the end of the file."""
    length, kind = struct.unpack(">I4s", source.read(position, 8))
    content = position + 8
    if length == 1:
        (length,) = source.numbers(">Q", content)
        content += 8
    return _Box(kind, content, position + length if length else source.size)


def _holds_all_data(source: SizedFile, meta: _Box) -> bool:
    """Return whether a complete ``meta`` box with ``idat`` leaves no data for ``mdat``."""
    size = meta.end - meta.content
    if size > _LARGEST_META_BYTES:
        return False
    inner = SizedFile(io.BytesIO(source.read(meta.content, size)), size)
    boxes = {box.kind: box for box in _boxes(inner, 4)}  # after version and flags
    if b"idat" not in boxes or b"iloc" not in boxes:
        return False
    inner.require_written(boxes[b"idat"].content, size)
    return _IN_FILE not in _places(inner, boxes[b"iloc"].content)


def _places(meta: SizedFile, position: int) -> set[int]:
    """Return where the items of an ``iloc`` box have their data, as its ``construction_method`` says."""
    version, sizes = meta.numbers(">B3xH", position)
    if version == 0:
        return {_IN_FILE}
    position += 6
    offset_bytes, length_bytes, base_bytes, index_bytes = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    layout = ">H" if version == 1 else ">I"
    (count,) = meta.numbers(layout, position)
    position += struct.calcsize(layout)
    places = set()
    for _ in range(count):
        (method,) = meta.numbers(">H", position + struct.calcsize(layout))
        places.add(method & 15)
        position += struct.calcsize(layout) + 4 + base_bytes
        (extents,) = meta.numbers(">H", position)
        position += 2 + extents * (offset_bytes + length_bytes + index_bytes)
    return places
