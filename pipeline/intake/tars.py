"""Tar archives, plain and by gzip, as streams of members read once from the beginning to the end.

Owns how hostile ones are met; refuses names and decisions about photos. tarfile believes its headers: a length in
one makes it read gigabytes into memory, a negative one sends it back for ever. So it reads from a tape that only
goes forward, and of which it gets little for each header.
"""

from __future__ import annotations

import contextlib
import gzip
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO, Final, cast

from pipeline.intake.members import CHUNK_BYTES, Budget, Member, RefusedError
from pipeline.intake.walks import Incomplete

GZIP_MAGIC: Final = b"\x1f\x8b"
#: A tar header is one block.
HEAD_BYTES: Final = tarfile.BLOCKSIZE

_BLOCK: Final = HEAD_BYTES
# Long names and extended attributes come before a header; thumbnails have been seen there, videos have not.
_HEADER_BYTES: Final = 1 << 20


class Tape:
    """A stream as tarfile wants to have it, read forward only; one block back is remembered.

    ``budget`` is charged for what is read of a compressed stream; a plain one is skipped over instead of read.
    """

    def __init__(self, stream: BinaryIO, budget: Budget | None) -> None:
        self._stream = stream
        self._budget = budget
        self._position = 0
        self._read_to = 0
        self._tail = b""
        self._allowance = _HEADER_BYTES
        self.ended = False

    def cut_off(self, where: str) -> Exception:
        """Return the finding that the stream ends too early: what has been packed whole will never be completed."""
        return Incomplete(f"it {where}") if self._budget is None else RefusedError(f"the tar in it {where}")

    def begin_header(self) -> None:
        """Allow tarfile to read one more header with all that belongs to it."""
        self._allowance = _HEADER_BYTES

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes for a header. Raises RefusedError if one wants too much."""
        if not 0 <= count <= self._allowance:
            raise RefusedError("it is damaged: one of its headers is larger than a header can be")
        self._allowance -= count
        data = b""
        while len(data) < count and (chunk := self.take(count - len(data))):
            data += chunk
        return data

    def take(self, count: int) -> bytes:
        """Return at least one and at most ``count`` bytes, none at the end."""
        if self._position < self._read_to:
            start = len(self._tail) - (self._read_to - self._position)
            data = self._tail[start : start + count]
        else:
            data = self._advance(count)
        self._position += len(data)
        return data

    def seek(self, position: int) -> None:
        """Go forward to ``position``, or back by at most a block. Raises RefusedError for more."""
        if position < self._read_to - len(self._tail):
            raise RefusedError("it is damaged: one of its headers leads back to an earlier one")
        if position > self._read_to:
            self._skip_to(position)
        self._position = position

    def tell(self) -> int:
        """Return the position in the unpacked stream."""
        return self._position

    def _skip_to(self, position: int) -> None:
        if self._budget is None:
            self._read_to, self._tail = position, b""
        while self._read_to < position and self._advance(position - self._read_to):
            pass

    def _advance(self, count: int) -> bytes:
        if self._budget is None:
            self._stream.seek(self._read_to)  # whoever copies a member has moved it
        with _explained():
            data = self._stream.read(min(count, CHUNK_BYTES))
        self.ended = self.ended or not data
        if self._budget is not None:
            self._budget.spend(len(data))
        self._read_to += len(data)
        self._tail = (self._tail + data[-_BLOCK:])[-_BLOCK:]
        return data


def members(file: BinaryIO, size: int, budget: Budget) -> Iterator[Member]:
    """Yield the members of the tar archive in ``file``, of ``size`` bytes, plain or by gzip.

    Members of a plain one can be copied at any time, of a compressed one only until the next is asked for. Raises
    Incomplete, RefusedError, OSError, and whatever tarfile raises on damaged data.
    """
    file.seek(0)
    if file.read(2) != GZIP_MAGIC:
        file.seek(0)
        yield from _walk(file, Tape(file, None), budget)
        return
    file.seek(max(0, size - 8))
    if not file.read().strip(b"\0"):  # where the length and the check sum of what was packed belong
        raise Incomplete("its end is still filled with zeros")
    file.seek(0)
    with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
        tape = Tape(cast(BinaryIO, unpacked), budget)
        yield from _walk(None, tape, budget)
        while tape.take(CHUNK_BYTES):  # to the check sum at the end
            pass


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise Incomplete("it ends in the middle of its packed data") from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise RefusedError(f"its compressed data is damaged ({error})") from error


def _walk(plain: BinaryIO | None, tape: Tape, budget: Budget) -> Iterator[Member]:
    with _ends_of(tape):
        archive = tarfile.TarFile(fileobj=cast(IO[bytes], tape), encoding="utf-8", errors="surrogateescape")
        while True:
            tape.begin_header()
            info = archive.next()
            if info is None:
                break
            archive.members.clear()  # type: ignore[attr-defined]  # or it keeps every header it has seen
            budget.count()
            yield _member(info, plain, tape, budget)
    _check_end(tape, archive.offset)


@contextlib.contextmanager
def _ends_of(tape: Tape) -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as error:
        if tape.ended:
            raise tape.cut_off("ends in the middle of a file") from error
        raise RefusedError(f"it is no tar archive, or damaged ({error})") from error


def _check_end(tape: Tape, offset: int) -> None:
    """Find a block of zeros: tarfile takes a damaged header for the end, too."""
    tape.begin_header()
    tape.seek(offset)
    block = tape.read(_BLOCK)
    if len(block) < _BLOCK:
        raise tape.cut_off("lacks its end")
    if block.strip(b"\0"):
        raise RefusedError("it is damaged: between its files there is something that is none")


def _member(info: tarfile.TarInfo, plain: BinaryIO | None, tape: Tape, budget: Budget) -> Member:
    def copy(sink: BinaryIO) -> None:
        source: BinaryIO | Tape = tape if plain is None else plain
        source.seek(info.offset_data)
        left = info.size
        while left > 0:
            data = tape.take(left) if plain is None else plain.read(min(left, CHUNK_BYTES))
            if not data:
                raise tape.cut_off("ends in the middle of a file")
            if plain is not None:
                budget.spend(len(data))
            sink.write(data)
            left -= len(data)

    return Member(info.name, info.size, copy, is_folder=info.isdir(), oddity=_oddity(info))


def _oddity(info: tarfile.TarInfo) -> str:
    if info.sparse is not None or info.type == tarfile.GNUTYPE_SPARSE:
        return "a sparse file"
    if info.isreg() or info.isdir():
        return ""
    return "a link" if info.issym() or info.islnk() else "a device or pipe"
