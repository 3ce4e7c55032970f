"""Reads tar archives, plain or compressed by gzip, as streams of members. Owns the defense against hostile ones.

tarfile trusts its headers: a large length makes it read gigabytes into memory, a negative one sends it back forever.
So it reads from a stream that only goes forward and gives it little for each header.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, BinaryIO, Final, cast

from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import CHUNK_BYTES, Member, RefusedError, Sink, UnpackBudget
from pipeline.intake.seekable_gzip import GZIP_MAGIC, SeekableGzip

#: A tar header is one block.
HEAD_BYTES: Final = tarfile.BLOCKSIZE

# Long names and extended attributes, even thumbnails, belong to a header; more than this does not.
_LARGEST_HEADER_BYTES: Final = 1 << 20


class _ForwardStream:
    """A stream for tarfile that goes only forward; copying a member may move the underlying stream meanwhile."""

    def __init__(self, stream: BinaryIO | SeekableGzip) -> None:
        self.stream = stream
        self.ended = False
        self._position = 0
        self._furthest = 0
        self._allowance = _LARGEST_HEADER_BYTES

    def begin_header(self) -> None:
        """Allow tarfile to read one more header with everything that belongs to it."""
        self._allowance = _LARGEST_HEADER_BYTES

    def truncated(self, where: str) -> Exception:
        """Return the error for a stream that ends too early.

        Inside gzip that is damage and will never be completed.
        """
        packed = isinstance(self.stream, SeekableGzip)
        return RefusedError(f"the tar in it {where}") if packed else Incomplete(f"it {where}")

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes for a header, fewer at the end. Raises RefusedError if that is too much."""
        if not 0 <= count <= self._allowance:
            raise RefusedError("it is damaged: one of its headers is too large")
        self._allowance -= count
        self.stream.seek(self._position)
        data = b""
        while len(data) < count and (chunk := self.stream.read(count - len(data))):
            data += chunk
        self.ended = self.ended or len(data) < count
        self._position += len(data)
        self._furthest = max(self._furthest, self._position)
        return data

    def seek(self, position: int) -> None:
        """Continue at ``position``. Raises RefusedError if that lies before the last block."""
        if position < self._furthest - HEAD_BYTES:
            raise RefusedError("it is damaged: one of its headers points back to an earlier one")
        self._position = position

    def tell(self) -> int:
        """Return the position in the stream."""
        return self._position


def begins_tar(head: bytes) -> bool:
    """Return whether a file with this first block is a tar archive, plain or compressed by gzip."""
    if head.startswith(GZIP_MAGIC):
        return True
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def members(file: BinaryIO, size: int, budget: UnpackBudget) -> Iterator[Member]:
    """Yield the members of the tar archive in ``file``, of ``size`` bytes, plain or compressed by gzip.

    They can be copied in any order. Raises Incomplete, RefusedError, OSError, and whatever tarfile raises on
    damaged data.
    """
    file.seek(0)
    if file.read(2) != GZIP_MAGIC:
        yield from _read_members(file, budget)
        return
    file.seek(max(0, size - 8))
    if not file.read().strip(b"\0"):  # where gzip's checksum and length belong
        raise Incomplete("its end is still filled with zeros")
    unpacked = SeekableGzip(file, budget.count_bytes)
    yield from _read_members(unpacked, budget)
    while unpacked.read(CHUNK_BYTES):  # so that the checksum at the end is checked
        pass


def _read_members(stream: BinaryIO | SeekableGzip, budget: UnpackBudget) -> Iterator[Member]:
    forward_stream = _ForwardStream(stream)
    last = None
    try:
        archive = tarfile.TarFile(fileobj=cast(IO[bytes], forward_stream), encoding="utf-8", errors="surrogateescape")
        while (info := _next_header(archive, forward_stream)) is not None:
            budget.count_member()
            last = info
            yield _member(info, forward_stream, budget)
    except tarfile.TarError as error:
        if last is not None and _lacks_only_padding(last, stream):
            return
        if forward_stream.ended:
            raise forward_stream.truncated("ends in the middle of a file") from error
        raise RefusedError(f"it is no tar archive, or damaged ({error})") from error
    _check_end(archive, forward_stream)


def _next_header(archive: tarfile.TarFile, forward_stream: _ForwardStream) -> tarfile.TarInfo | None:
    forward_stream.begin_header()
    info = archive.next()
    archive.members.clear()  # type: ignore[attr-defined]  # or it keeps every header in memory
    return info


def _check_end(archive: tarfile.TarFile, forward_stream: _ForwardStream) -> None:
    """Require zeros at the end, or nothing: tarfile also takes half a header, or a damaged one, for the end."""
    forward_stream.begin_header()
    forward_stream.seek(archive.offset)
    block = forward_stream.read(HEAD_BYTES)
    if block.strip(b"\0"):
        if len(block) < HEAD_BYTES:
            raise forward_stream.truncated("ends in the middle of a header")
        raise RefusedError("it is damaged: there is data between its files that belongs to none")


def _lacks_only_padding(last: tarfile.TarInfo, stream: BinaryIO | SeekableGzip) -> bool:
    """Return whether a stream ends between the last byte of its last file and the end of that file's last block."""
    end = last.offset_data + last.size
    padded_end = end + -end % HEAD_BYTES
    return _has_byte(stream, end - 1) and not _has_byte(stream, padded_end - 1)


def _has_byte(stream: BinaryIO | SeekableGzip, position: int) -> bool:
    stream.seek(position)
    return bool(stream.read(1))


def _member(info: tarfile.TarInfo, forward_stream: _ForwardStream, budget: UnpackBudget) -> Member:
    def copy(sink: Sink) -> None:
        forward_stream.stream.seek(info.offset_data)
        left = info.size
        while left > 0:
            data = forward_stream.stream.read(min(left, CHUNK_BYTES))
            if not data:
                raise forward_stream.truncated("ends in the middle of a file")
            if not isinstance(forward_stream.stream, SeekableGzip):  # which calls the budget itself
                budget.count_bytes(len(data))
            sink.write(data)
            left -= len(data)

    packed = isinstance(forward_stream.stream, SeekableGzip)
    return Member(
        info.name, info.size, copy, is_folder=info.isdir(), special_kind=_special_kind(info), is_sequential=packed
    )


def _special_kind(info: tarfile.TarInfo) -> str:
    if info.sparse is not None or info.type == tarfile.GNUTYPE_SPARSE:
        return "a sparse file"
    if info.isreg() or info.isdir():
        return ""
    return "a link" if info.issym() or info.islnk() else "a device or pipe"
