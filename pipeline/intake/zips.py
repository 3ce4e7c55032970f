"""Reads ZIP archives as streams of members. Owns the defense against hostile ones.

zipfile reads the whole central directory at once and trusts it, so the directory is checked first. An archive is
complete if its directory is there and begins where its end record says, as far as nothing stands before the archive.
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
from pipeline.intake.zip_names import names_of

MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

_END_BYTES: Final = 22
_LONGEST_COMMENT_BYTES: Final = (1 << 16) - 1
_END64_BYTES: Final = 56
_LOCATOR_BYTES: Final = 20
_LARGEST_DIRECTORY_BYTES: Final = 1 << 28

_ENCRYPTED: Final = 0x1
_DOS_FOLDER: Final = 0x10


def ends_as_zip(file: BinaryIO, size: int) -> bool:
    """Return whether a file that begins otherwise has the end of a ZIP archive: it unpacks itself, for example."""
    return _find_end_record(file, size) is not None


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
    for info, name in zip(infos, names_of(infos), strict=True):
        budget.count_member()
        yield _member(archive, info, name, budget)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, budget: UnpackBudget) -> Member:
    def copy(sink: Sink) -> None:
        with _damage_explained(), archive.open(info) as content:
            copied = 0
            while chunk := content.read(CHUNK_BYTES):
                budget.count_bytes(len(chunk))
                copied += sink.write(chunk)
        if copied != info.file_size:
            raise MemberError(f"it is damaged: it has {copied:,} bytes instead of {info.file_size:,}")

    return Member(
        name,
        info.file_size,
        copy,
        is_folder=name.endswith("/") or (info.external_attr & _DOS_FOLDER != 0 and info.file_size == 0),
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
    if start != directory.offset and not _has_prefix(file, start - directory.offset):
        # For example, the end record of an archive stored in this one, which is not copied completely yet.
        raise Incomplete("its table of contents does not lie where it should")
    if directory.size > _LARGEST_DIRECTORY_BYTES:
        raise RefusedError(too_many_files(limits))
    file.seek(start)
    if file.read(directory.size).count(b"PK\x01\x02") > limits.files:
        raise RefusedError(too_many_files(limits))


def _directory(file: BinaryIO, size: int) -> _Directory:
    end = _find_end_record(file, size)
    if end is None:
        raise Incomplete("its table of contents is missing")
    file.seek(end + 4)
    disk, first_disk, _, _, length, offset = struct.unpack("<HHHHLL", file.read(_END_BYTES - 6))
    if {disk, first_disk} - {0, 0xFFFF}:
        raise RefusedError("it is one of several parts of an archive; join or unpack them")
    return _directory64(file, end) or _Directory(end, length, offset)


def _find_end_record(file: BinaryIO, size: int) -> int | None:
    """Return where the last end record begins; what follows it, a comment or anything else, is of no account."""
    start = max(0, size - _END_BYTES - _LONGEST_COMMENT_BYTES)
    file.seek(start)
    tail = file.read(size - start)
    found = tail.rfind(b"PK\x05\x06")
    return None if found < 0 or len(tail) - found < _END_BYTES else start + found


def _has_prefix(file: BinaryIO, prefix_bytes: int) -> bool:
    """Return whether an archive that lies ``prefix_bytes`` further back than it says has something else before it."""
    file.seek(0)
    return prefix_bytes > 0 and not file.read(4).startswith(MAGICS)


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
