"""Members of archives of every kind, and the limits for them. Owns safe names, limits and the reasons for refusal.

Members are read as streams and never unpacked under their own names, so a name can't overwrite a file. But it becomes
the photo's path and part of its picture's name, which is why :func:`unsafe_name_reason` refuses
anything but a plain relative path.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from pipeline.intake.filters import MAX_FOLDER_DEPTH

#: Bytes read at once; a single step of a hostile stream unpacks to about this much at most.
CHUNK_BYTES: Final = 1 << 20

# With the picture's name and the folders around it, this stays below the systems' limit for a whole path.
_LONGEST_NAME_BYTES: Final = 1000
_DRIVE: Final = re.compile(r"[A-Za-z]:")

# Flat pictures (a white scan as BMP) shrink to a thousandth; a small result is no bomb, whatever its ratio.
_HIGHEST_RATIO: Final = 200
_HARMLESS_BYTES: Final = 100_000_000


class RefusedError(Exception):
    """The whole archive is refused; the text says why."""


class MemberError(Exception):
    """One member can't be read, others can; the text says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most an archive may hold: ``files`` (folders count), ``bytes`` unpacked, ``photo_bytes`` in one photo."""

    files: int
    bytes: int
    photo_bytes: int


#: For an archive that was inspected before; without its size no ratio counts as a bomb's.
UNLIMITED: Final = Limits(files=sys.maxsize, bytes=sys.maxsize, photo_bytes=sys.maxsize)


class Sink(Protocol):
    """What a file's content is written to."""

    def write(self, data: bytes, /) -> int:
        """Write all of ``data``; returns its number of bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive.

    ``name`` is as stored, bytes that are not UTF-8 as surrogates. ``special_kind`` says what it is if neither file
    nor folder ("a link"), ``problem`` why a file can't be read ("it is encrypted"). ``copy`` writes its content and
    raises MemberError, or RefusedError and Incomplete if that is the end of the whole archive. ``is_sequential``
    means that copying it now costs less than later.
    """

    name: str
    size_bytes: int
    copy: Callable[[Sink], None]
    is_folder: bool = False
    special_kind: str = ""
    problem: str = ""
    is_sequential: bool = False


class UnpackBudget:
    """Counts the members and unpacked bytes of an archive of ``archive_bytes``.

    Raises RefusedError over the limits.
    """

    def __init__(self, limits: Limits = UNLIMITED, archive_bytes: int = sys.maxsize) -> None:
        self.limits = limits
        self._archive_bytes = archive_bytes
        self._files = 0
        self._bytes = 0

    def count_member(self) -> None:
        """Count one member."""
        self._files += 1
        if self._files > self.limits.files:
            raise RefusedError(too_many_files(self.limits))

    def count_bytes(self, count: int) -> None:
        """Count unpacked bytes."""
        self._bytes += count
        if self._bytes > self.limits.bytes:
            raise RefusedError(too_large_unpacked(self.limits))
        if is_bomb(self._bytes, self._archive_bytes):
            raise RefusedError(
                f"it unpacks to more than {_HIGHEST_RATIO} times its size, like a decompression bomb; "
                f"unpack it yourself if you trust it"
            )


def too_many_files(limits: Limits) -> str:
    """Return the reason to refuse an archive with too many members."""
    return f"it holds more than {limits.files:,} files; unpack it yourself, or raise input.max_archive_files"


def too_large_unpacked(limits: Limits) -> str:
    """Return the reason to refuse an archive that unpacks to too much."""
    return (
        f"it unpacks to more than {in_megabytes(limits.bytes)}; unpack it yourself, or raise input.max_archive_size"
    )


def too_large(photo_bytes: int) -> str:
    """Return the reason to refuse a photo that is larger than the space for photos of archives."""
    return f"it has more than {in_megabytes(photo_bytes)}; unpack the archive yourself, or raise input.archive_space"


def is_bomb(unpacked_bytes: int, packed_bytes: int) -> bool:
    """Return whether the unpacked size is that of a decompression bomb."""
    return unpacked_bytes > max(_HARMLESS_BYTES, _HIGHEST_RATIO * packed_bytes)


def raise_if_short_of_memory(error: zlib.error) -> None:
    """Raise MemoryError if this is zlib's "Error -4" (Z_MEM_ERROR), which says nothing about the data."""
    if str(error).startswith("Error -4 "):
        raise MemoryError(str(error)) from error


def in_megabytes(count: int) -> str:
    """Return a number of bytes as text."""
    return f"{count / 1e6:,.0f} MB"


def normalized(name: str) -> str:
    """Return a name without the ``./`` and doubled ``/`` that some programs write."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def unsafe_name_reason(name: str) -> str:
    """Return why a member's name can't be a path in the input folder, "" if it can."""
    parts = name.split("/")
    problems = (
        ("\0" in name, "its name holds a zero byte"),
        ("\\" in name, "there is a backslash in its name"),
        (name.startswith("/"), "its name is an absolute path"),
        (_DRIVE.match(name) is not None, "its name begins with a drive letter"),
        (".." in parts, "its name points outside of the archive"),
        (_bytes_of(name) > _LONGEST_NAME_BYTES, f"its name has more than {_LONGEST_NAME_BYTES:,} bytes"),
        (len(parts) > MAX_FOLDER_DEPTH, f"it lies more than {MAX_FOLDER_DEPTH} folders deep"),
        (not normalized(name), "it has no name"),
    )
    return next((problem for applies, problem in problems if applies), "")


def _bytes_of(name: str) -> int:
    return len(name.encode("utf-8", "surrogatepass"))
