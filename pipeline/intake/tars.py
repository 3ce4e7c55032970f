"""Tar archives, plain and by gzip, as streams of members. Owns how hostile ones are met; refuses names and decisions.

tarfile believes its headers: a length in one makes it read gigabytes into memory, a negative one sends it back for
ever. So it reads from a tape that goes only forward, and of which it gets little for each header.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, BinaryIO, Final, cast

from pipeline.intake import gunzip
from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.gunzip import Gunzip
from pipeline.intake.members import CHUNK_BYTES, Member, RefusedError, Sink, UnpackBudget

#: A tar header is one block.
HEAD_BYTES: Final = tarfile.BLOCKSIZE

# Long names and extended attributes come before a header; thumbnails have been seen there, videos have not.
_LARGEST_HEADER_BYTES: Final = 1 << 20


class _Tape:
    """A stream as tarfile wants to have it; others may move the stream meanwhile."""

    def __init__(self, stream: BinaryIO | Gunzip) -> None:
        self.stream = stream
        self.ended = False
        self._position = 0
        self._furthest = 0
        self._allowance = _LARGEST_HEADER_BYTES

    def begin_header(self) -> None:
        """Allow tarfile to read one more header with all that belongs to it."""
        self._allowance = _LARGEST_HEADER_BYTES

    def cut_off(self, where: str) -> Exception:
        """Return the finding that the stream ends too early: what has been packed so will never be completed."""
        packed = isinstance(self.stream, Gunzip)
        return RefusedError(f"the tar in it {where}") if packed else Incomplete(f"it {where}")

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes for a header, less at the end. Raises RefusedError if it wants too much."""
        if not 0 <= count <= self._allowance:
            raise RefusedError("it is damaged: one of its headers is larger than a header can be")
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
        """Go on at ``position``. Raises RefusedError if that lies before the last block."""
        if position < self._furthest - HEAD_BYTES:
            raise RefusedError("it is damaged: one of its headers leads back to an earlier one")
        self._position = position

    def tell(self) -> int:
        """Return the position in the stream."""
        return self._position


def members(file: BinaryIO, size: int, budget: UnpackBudget) -> Iterator[Member]:
    """Yield the members of the tar archive in ``file``, of ``size`` bytes, plain or by gzip.

    They can be copied in any order. Raises Incomplete, RefusedError, OSError, and whatever tarfile raises on
    damaged data.
    """
    file.seek(0)
    if file.read(2) != gunzip.MAGIC:
        yield from _walk(file, budget)
        return
    file.seek(max(0, size - 8))
    if not file.read().strip(b"\0"):  # where the length and the check sum of what was packed belong
        raise Incomplete("its end is still filled with zeros")
    unpacked = Gunzip(file, budget.spend)
    yield from _walk(unpacked, budget)
    while unpacked.read(CHUNK_BYTES):  # to the check sum at the end
        pass


def _walk(stream: BinaryIO | Gunzip, budget: UnpackBudget) -> Iterator[Member]:
    tape = _Tape(stream)
    try:
        archive = tarfile.TarFile(fileobj=cast(IO[bytes], tape), encoding="utf-8", errors="surrogateescape")
        while (info := _next(archive, tape)) is not None:
            budget.count()
            yield _member(info, tape, budget)
    except tarfile.TarError as error:
        if tape.ended:
            raise tape.cut_off("ends in the middle of a file") from error
        raise RefusedError(f"it is no tar archive, or damaged ({error})") from error
    _check_end(archive, tape)


def _next(archive: tarfile.TarFile, tape: _Tape) -> tarfile.TarInfo | None:
    tape.begin_header()
    info = archive.next()
    archive.members.clear()  # type: ignore[attr-defined]  # or it keeps every header it has seen
    return info


def _check_end(archive: tarfile.TarFile, tape: _Tape) -> None:
    """Find a block of zeros: tarfile takes a damaged header for the end, too."""
    tape.begin_header()
    tape.seek(archive.offset)
    block = tape.read(HEAD_BYTES)
    if len(block) < HEAD_BYTES:
        raise tape.cut_off("lacks its end")
    if block.strip(b"\0"):
        raise RefusedError("it is damaged: between its files there is something that is none")


def _member(info: tarfile.TarInfo, tape: _Tape, budget: UnpackBudget) -> Member:
    def copy(sink: Sink) -> None:
        tape.stream.seek(info.offset_data)
        left = info.size
        while left > 0:
            data = tape.stream.read(min(left, CHUNK_BYTES))
            if not data:
                raise tape.cut_off("ends in the middle of a file")
            if not isinstance(tape.stream, Gunzip):  # which tells the budget itself
                budget.spend(len(data))
            sink.write(data)
            left -= len(data)

    packed = isinstance(tape.stream, Gunzip)
    return Member(info.name, info.size, copy, is_folder=info.isdir(), oddity=_oddity(info), passes_by=packed)


def _oddity(info: tarfile.TarInfo) -> str:
    if info.sparse is not None or info.type == tarfile.GNUTYPE_SPARSE:
        return "a sparse file"
    if info.isreg() or info.isdir():
        return ""
    return "a link" if info.issym() or info.islnk() else "a device or pipe"
