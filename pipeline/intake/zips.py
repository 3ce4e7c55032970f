"""Reads ZIP archives as streams of members. Owns the defense against hostile ones.

zipfile reads the whole central directory at once and trusts it, so the directory is checked first. An archive is
complete if its directory ends where the file does and begins where its end record says.
"""

from __future__ import annotations

import contextlib
import errno
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import (
    CHUNK_BYTES,
    Limits,
    Member,
    MemberError,
    RefusedError,
    Sink,
    UnpackBudget,
    is_bomb,
    raise_if_short_of_memory,
    too_many_files,
)

MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

_END_BYTES: Final = 22
_LONGEST_COMMENT_BYTES: Final = (1 << 16) - 1
_END64_BYTES: Final = 56
_LOCATOR_BYTES: Final = 20
_LARGEST_DIRECTORY_BYTES: Final = 1 << 28

_ENCRYPTED: Final = 0x1
_NAME_IS_UTF8: Final = 0x800


def members(file: BinaryIO, size: int, budget: UnpackBudget) -> Iterator[Member]:
    """Yield the members of the ZIP archive in ``file``, of ``size`` bytes; they can be copied in any order.

    Raises Incomplete, RefusedError, OSError, and whatever zipfile raises on damaged data.
    """
    _check_directory(file, size, budget.limits)
    file.seek(0)
    archive = zipfile.ZipFile(file)
    infos = archive.infolist()
    if sum(info.compress_size for info in infos) > size:
        raise RefusedError("its members overlap, as in a decompression bomb")
    for info in infos:
        budget.count_member()
        yield _member(archive, info, budget)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: UnpackBudget) -> Member:
    def copy(sink: Sink) -> None:
        with _damage_explained(), archive.open(info) as content:
            copied = 0
            while chunk := content.read(CHUNK_BYTES):
                budget.count_bytes(len(chunk))
                copied += sink.write(chunk)
        if copied != info.file_size:
            raise MemberError(f"it is damaged: it has {copied:,} bytes instead of {info.file_size:,}")

    return Member(
        _name(info),
        info.file_size,
        copy,
        is_folder=info.is_dir(),
        special_kind=_special_kind(info),
        problem=_problem(info),
    )


@contextlib.contextmanager
def _damage_explained() -> Iterator[None]:
    try:
        yield
    except zlib.error as error:
        raise_if_short_of_memory(error)
        raise MemberError(f"it is damaged ({error})") from error
    except (zipfile.BadZipFile, EOFError, ValueError, struct.error, NotImplementedError) as error:
        raise MemberError(f"it is damaged ({error or type(error).__name__})") from error
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise MemberError("it is damaged: it points outside of the archive") from error


def _name(info: zipfile.ZipInfo) -> str:
    """Return the stored name: zipfile cuts it at a zero byte and reads names not marked as UTF-8 as CP437."""
    name = info.orig_filename
    return name if info.flag_bits & _NAME_IS_UTF8 else name.encode("cp437").decode("utf-8", "surrogateescape")


def _special_kind(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind in (0, stat.S_IFREG, stat.S_IFDIR):
        return ""
    return "a link" if kind == stat.S_IFLNK else "a device or pipe"


def _problem(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is compressed by another method than Deflate; pack the archive again with Deflate"
    if is_bomb(info.file_size, info.compress_size):
        times = info.file_size // max(1, info.compress_size)
        return f"it unpacks to {times:,} times its size, like a decompression bomb"
    return ""


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where the central directory ends, and its size and offset by the end record."""

    end: int
    size: int
    offset: int


def _check_directory(file: BinaryIO, size: int, limits: Limits) -> None:
    """Find the central directory and count its entries before zipfile reads them."""
    directory = _directory(file, size)
    start = directory.end - directory.size
    if start < 0 or start != directory.offset:
        # For example, the end record of an archive stored in this one, which is not copied completely yet.
        raise Incomplete("its table of contents does not lie where it should")
    if directory.size > _LARGEST_DIRECTORY_BYTES:
        raise RefusedError(too_many_files(limits))
    file.seek(start)
    if file.read(directory.size).count(b"PK\x01\x02") > limits.files:
        raise RefusedError(too_many_files(limits))


def _directory(file: BinaryIO, size: int) -> _Directory:
    start = max(0, size - _END_BYTES - _LONGEST_COMMENT_BYTES)
    file.seek(start)
    tail = file.read(size - start)
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) - found < _END_BYTES:
        raise Incomplete("its table of contents is missing")
    disk, first_disk, _, _, length, offset, comment = struct.unpack("<HHHHLLH", tail[found + 4 : found + _END_BYTES])
    if start + found + _END_BYTES + comment != size:
        raise Incomplete("its table of contents is not at its end")
    if {disk, first_disk} - {0, 0xFFFF}:
        raise RefusedError("it is one of several parts of an archive; join or unpack them")
    return _directory64(file, start + found) or _Directory(start + found, length, offset)


def _directory64(file: BinaryIO, end: int) -> _Directory | None:
    """Return the directory by the ZIP64 records before ``end``, None if there are none."""
    start = end - _LOCATOR_BYTES - _END64_BYTES
    if start < 0:
        return None
    file.seek(start)
    record = file.read(_END64_BYTES + _LOCATOR_BYTES)
    if record[_END64_BYTES : _END64_BYTES + 4] != b"PK\x06\x07":
        return None
    if record[:4] != b"PK\x06\x06":
        raise RefusedError("its table of contents is damaged")
    length, offset = struct.unpack("<QQ", record[40:_END64_BYTES])
    return _Directory(start, length, offset)
