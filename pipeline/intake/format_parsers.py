"""Parses image containers to their end, format by format. Owns these checks; decodes no pixels, decides nothing.

Each ``check_*`` takes a :class:`SizedFile`, returns if the container is complete and raises :class:`Incomplete` with
what is missing. They read headers and skip over payloads; only a JPEG's scans have to be read through.
"""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import add
from typing import BinaryIO, Final

_CHUNK_BYTES: Final = 1 << 16
_ZEROS: Final = bytes(4096)

# 0x00 after 0xFF is a stuffed byte of entropy-coded data, 0xFF a fill byte; 0x01 and 0xD0..0xD7 have no segment.
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA

_SAMSUNG_TRAILER_END: Final = b"SEFT"

_FOUR_LETTERS: Final = re.compile(rb"[A-Za-z]{4}")


class Incomplete(Exception):  # noqa: N818 - a finding about a file, not an error of this program
    """The container does not end where it should; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class SizedFile:
    """An open file and its size in bytes when it was opened."""

    file: BinaryIO
    size: int

    def read(self, position: int, count: int) -> bytes:
        """Return exactly ``count`` bytes. Raises Incomplete if the file ends before."""
        self.require(position + count)
        self.file.seek(position)
        data = self.file.read(count)
        if len(data) < count:
            raise Incomplete("the file shrank while it was read")
        return data

    def numbers(self, layout: str, position: int) -> tuple[int, ...]:
        """Return the integers that :mod:`struct` finds by ``layout`` at ``position``."""
        return struct.unpack(layout, self.read(position, struct.calcsize(layout)))

    def require(self, end: int) -> None:
        """Raise Incomplete if the file has fewer than ``end`` bytes."""
        if end > self.size:
            raise Incomplete(f"it should have at least {end:,} bytes, but has {self.size:,}")

    def ends_with(self, end: bytes) -> bool:
        """Return whether these are the file's last bytes."""
        return self.size >= len(end) and self.read(self.size - len(end), len(end)) == end

    def require_written(self, start: int, end: int) -> None:
        """Raise Incomplete if compressed data at ``start`` ...

        ``end`` ends in a page of zeros: preallocated space.
        """
        if end - start >= 2 * len(_ZEROS) and self.read(end - len(_ZEROS), len(_ZEROS)) == _ZEROS:
            raise Incomplete("its end is still filled with zeros")


def check_jpeg(source: SizedFile) -> None:
    """Find the end-of-image marker of the primary image (ITU-T T.81, annex B); anything may follow it.

    A thumbnail's own markers lie inside an APP1 segment, which is skipped by its length. Samsung's panoramas have
    a trailer in place of the marker: what ends with the end of a trailer is not half a file.
    """
    position, scanned = 2, False
    while (found := _next_marker(source, position)) is not None:
        marker, position = found
        if marker == _END_OF_IMAGE:
            if scanned:
                return
            raise Incomplete("it ends before any picture data")
        if marker == _START_OF_IMAGE:
            continue
        scanned = scanned or marker == _START_OF_SCAN
        if scanned and source.ends_with(_SAMSUNG_TRAILER_END):
            return
        position += source.numbers(">H", position)[0]
    raise Incomplete("its end-of-image marker is missing")


def _next_marker(source: SizedFile, position: int) -> tuple[int, int] | None:
    """Return the next marker at or after ``position`` and where its segment's length stands."""
    source.require(position)
    source.file.seek(position)
    window, count = b"", 64  # between segments the marker comes next; only scans need long reads
    while chunk := source.file.read(count):
        window, count = window[-1:] + chunk, _CHUNK_BYTES
        if match := _JPEG_MARKER.search(window):
            return window[match.end() - 1], source.file.tell() - len(window) + match.end()
    return None


def check_png(source: SizedFile) -> None:
    """Find the IEND chunk (PNG specification, 5.3)."""
    position = 8
    while True:
        length, kind = struct.unpack(">I4s", source.read(position, 8))
        if not _FOUR_LETTERS.fullmatch(kind):
            raise Incomplete(f"at byte {position:,} there is no chunk")
        position += 12 + length
        source.require(position)
        if kind == b"IEND":
            return


def check_webp(source: SizedFile) -> None:
    """Compare the RIFF length with the file's (RFC 9649, 2.4)."""
    (length,) = source.numbers("<I", 4)
    if length <= 4:
        raise Incomplete("its length is not filled in yet")
    source.require(8 + length)
    source.require_written(12, 8 + length)


def check_gif(source: SizedFile) -> None:
    """Walk the blocks (GIF89a specification) to the trailer, or to what is no block after an image.

    Decoders need no trailer, and skip zeros between blocks.
    """
    position, has_image = 13 + _color_table_bytes(source.read(10, 1)[0]), False
    while (kind := _gif_block(source, position)) != b";":
        if kind == b"!":
            position += 2
        elif kind == b",":
            position += 11 + _color_table_bytes(source.read(position + 9, 1)[0])
            has_image = True
        elif kind == b"\0" and has_image:
            position = _after_zeros(source, position)
            continue
        elif has_image:
            return
        else:
            raise Incomplete(f"at byte {position:,} there is no block")
        while length := source.read(position, 1)[0]:
            position += 1 + length
        position += 1


def _gif_block(source: SizedFile, position: int) -> bytes:
    """Return the first byte of a block, nothing at the end of the file."""
    return b"" if position == source.size else source.read(position, 1)


def _after_zeros(source: SizedFile, position: int) -> int:
    """Return where zeros end. Raises Incomplete if that is where the file does, as in preallocated space."""
    while chunk := source.read(position, min(_CHUNK_BYTES, source.size - position)):
        left = chunk.lstrip(b"\0")
        position += len(chunk) - len(left)
        if left:
            return position
    raise Incomplete("its end is still filled with zeros")


def _color_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def check_bmp(source: SizedFile) -> None:
    """Compare the size that the header implies with the file's.

    The header's own size field is often wrong; it counts only for compressed bitmaps, whose size nothing else
    implies.
    """
    declared, _, offset, header = source.numbers("<IIII", 2)
    if header == 12:
        width, height, _, bits = source.numbers("<HHHH", 18)
        compression = 0
    else:
        width, height, _, bits, compression = source.numbers("<iiHHI", 18)
    row = (abs(width) * bits + 31) // 32 * 4
    source.require(offset + row * abs(height) if compression in (0, 3, 6) else max(declared, offset + 1))


@dataclass(frozen=True, slots=True)
class _Tiff:
    """Byte order, and the :mod:`struct` codes of what differs between TIFF and BigTIFF."""

    order: str
    count: str
    offset: str


_TIFF_TYPES: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}
_TIFF_TYPE_BYTES: Final = dict(zip(range(1, 19), (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8), strict=True))
_TIFF_PIECES: Final = ((273, 279), (324, 325), (513, 514))  # strips, tiles, old-style JPEG: (offsets, byte counts)
_TIFF_STRIPS: Final = 273
_TIFF_SUB_DIRECTORIES: Final = 330
#: Panasonic's RW2 has this one in place of the strips' offsets, which it then fills with ones.
_PANASONIC_RAW_OFFSET: Final = 280
#: Without these a picture can't be decoded, or has wrong colors: bits per sample, color map, extra samples, sample
#: format, JPEG tables, color profile. Decoders ignore other tags that point beyond the file.
_TIFF_NEEDED: Final = frozenset({258, 320, 338, 339, 347, 34675}).union(*_TIFF_PIECES)


def check_tiff(source: SizedFile) -> None:
    """Check that a TIFF or BigTIFF has its first directory, the values it needs and every strip or tile.

    Of camera raw that is a TIFF, the directories with the raw picture count, too.
    """
    order = "<" if source.read(0, 2) == b"II" else ">"
    if source.numbers(order + "H", 2)[0] == 43:
        kind, position = _Tiff(order, "Q", "Q"), 8
    else:
        kind, position = _Tiff(order, "H", "I"), 4
    first = _tiff_tags(source, kind, source.numbers(order + kind.offset, position)[0])
    others = [offset for offset in first.get(_TIFF_SUB_DIRECTORIES, ()) if offset]
    if source.size > 16 and source.read(8, 2) == b"CR":  # Canon's CR2 says where its raw directory is
        others += source.numbers(order + "I", 12)
    directories = [first, *(_tiff_tags(source, kind, offset) for offset in others)]
    ends = [end for tags in directories for end in _tiff_ends(tags)]
    if not ends:
        raise Incomplete("its directory lists no picture data")
    source.require(max(ends))


def _tiff_ends(tags: dict[int, array[int]]) -> Iterator[int]:
    """Yield where a directory's picture data ends, strips, tiles and old-style JPEG each by themselves."""
    for offsets, counts in _TIFF_PIECES:
        starts, lengths = tags.get(offsets), tags.get(counts)
        if starts and offsets == _TIFF_STRIPS:
            starts = tags.get(_PANASONIC_RAW_OFFSET, starts)
        if starts:
            yield max(map(add, starts, lengths)) if lengths else max(starts) + 1


def _tiff_tags(source: SizedFile, kind: _Tiff, directory: int) -> dict[int, array[int]]:
    """Return the values of the tags that say where picture data lies."""
    (count,) = source.numbers(kind.order + kind.count, directory)
    if directory < 8 or count > 0xFFFF:
        raise Incomplete("its directory is not written yet")
    position = directory + struct.calcsize(kind.count)
    entry_bytes = 4 + 2 * struct.calcsize(kind.offset)
    source.require(position + count * entry_bytes)  # decoders need no pointer to a next directory
    wanted = {_TIFF_SUB_DIRECTORIES, _PANASONIC_RAW_OFFSET}.union(*_TIFF_PIECES)
    tags = {}
    for start in range(position, position + count * entry_bytes, entry_bytes):
        tag, code = source.numbers(kind.order + "HH", start)
        where, size = _tiff_place(source, kind, start + 4, _TIFF_TYPE_BYTES.get(code, 0))
        if tag in _TIFF_NEEDED:
            source.require(where + size)
        if tag in wanted and code in _TIFF_TYPES:
            tags[tag] = _tiff_values(kind, _TIFF_TYPES[code], source.read(where, size))
    return tags


def _tiff_place(source: SizedFile, kind: _Tiff, position: int, value_bytes: int) -> tuple[int, int]:
    """Return where the values of a directory entry lie and how many bytes they take; short ones lie in the entry."""
    (count,) = source.numbers(kind.order + kind.offset, position)
    size, room = count * value_bytes, struct.calcsize(kind.offset)
    if size <= room:
        return position + room, size
    return source.numbers(kind.order + kind.offset, position + room)[0], size


def _tiff_values(kind: _Tiff, code: str, data: bytes) -> array[int]:
    values = array(code, data)
    if struct.pack("=H", 1) != struct.pack(kind.order + "H", 1):
        values.byteswap()
    return values


FormatCheck = Callable[[SizedFile], None]
