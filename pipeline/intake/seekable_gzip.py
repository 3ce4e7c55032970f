"""A gzip stream that can seek backwards. Owns decompression and its access points; knows nothing of the content.

Photos of a compressed tar are not read in the order in which they lie there, and each is read again for each style if
there is no space to keep it. Without access points, each a copy of the decompressor's state of some 50 kB, everything
before a photo would be decompressed again every time.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import CHUNK_BYTES, RefusedError, raise_if_short_of_memory

if TYPE_CHECKING:
    from zlib import _Decompress

GZIP_MAGIC: Final = b"\x1f\x8b"

_PACKED_CHUNK_BYTES: Final = 1 << 16
_GZIP: Final = 31  # makes zlib read gzip's header and check its sums
#: Unpacked bytes kept behind the position, for the small steps back that tarfile makes.
_KEPT_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class _AccessPoint:
    """Where decompression can start: the positions in the packed and the unpacked stream, and the state there."""

    packed: int
    unpacked: int
    state: _Decompress


class SeekableGzip:
    """What is packed in ``file``, as a stream that can go back.

    ``on_unpacked`` is called with the number of bytes that are unpacked for the first time. Access points are
    ``spacing`` unpacked bytes apart. Reading raises Incomplete for a file that ends too early, RefusedError for a
    damaged one.
    """

    def __init__(self, file: BinaryIO, on_unpacked: Callable[[int], None], spacing: int = 64 << 20) -> None:
        self._file = file
        self._on_unpacked = on_unpacked
        self._spacing = spacing
        self._access_points = [_AccessPoint(0, 0, zlib.decompressobj(_GZIP))]
        self._furthest = 0
        self._restore(self._access_points[0])

    def read(self, count: int) -> bytes:
        """Return at least one and at most ``count`` bytes, none at the end."""
        if self._at == len(self._block) and not self._load():
            return b""
        data = self._block[self._at : self._at + count]
        self._at += len(data)
        return data

    def seek(self, position: int) -> None:
        """Go to ``position`` in the unpacked stream, or to its end if that comes before."""
        point = self._access_points[bisect_right(self._access_points, position, key=lambda point: point.unpacked) - 1]
        if position < self._start or point.unpacked > self._end:
            self._restore(point)
        while self._end < position and self._load():
            pass
        self._at = min(position, self._end) - self._start

    @property
    def _end(self) -> int:
        return self._start + len(self._block)

    def _restore(self, point: _AccessPoint) -> None:
        self._packed_at = point.packed
        self._state = point.state.copy()
        self._pending = b""
        self._start, self._block, self._at = point.unpacked, b"", 0

    def _load(self) -> bool:
        """Unpack the next part of the block and drop most of the old one; False at the end."""
        if self._end >= self._access_points[-1].unpacked + self._spacing:
            self._access_points.append(
                _AccessPoint(self._packed_at - len(self._pending), self._end, self._state.copy())
            )
        more = self._unpack()
        kept = self._block[-_KEPT_BYTES:]
        self._start += len(self._block) - len(kept)
        self._block = kept + more
        self._at = len(kept)
        if self._end > self._furthest:
            self._on_unpacked(self._end - self._furthest)
            self._furthest = self._end
        return bool(more)

    def _unpack(self) -> bytes:
        more = b""
        while not more and (not self._state.eof or self._start_next_stream()):
            packed = self._pending or self._read_packed()
            if not packed:
                raise Incomplete("it ends in the middle of its packed data")
            try:
                more = self._state.decompress(packed, CHUNK_BYTES)
            except zlib.error as error:
                raise_if_short_of_memory(error)
                raise RefusedError(f"its packed data is damaged ({error})") from error
            self._pending = self._state.unused_data if self._state.eof else self._state.unconsumed_tail
        return more

    def _start_next_stream(self) -> bool:
        """Start the next of several concatenated gzip streams; False if nothing but zeros follows."""
        packed = self._pending.lstrip(b"\0")
        while not packed:
            read = self._read_packed()
            if not read:
                self._pending = b""
                return False
            packed = read.lstrip(b"\0")
        self._pending = packed
        self._state = zlib.decompressobj(_GZIP)
        return True

    def _read_packed(self) -> bytes:
        self._file.seek(self._packed_at)
        packed = self._file.read(_PACKED_CHUNK_BYTES)
        self._packed_at += len(packed)
        return packed
