"""Reads the names in ZIP archives as they were meant. Owns which bytes are which letters, and what parts folders.

A name is UTF-8 if its flag says so (APPNOTE.TXT, D.1), or if a field beside it repeats it in UTF-8 (4.6.9). Without
either it is meant to be code page 437; but macOS and others write UTF-8 and don't say so. Words in code page 437 are
next to never valid UTF-8, so what is valid is taken for that.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

_NAME_IS_UTF8: Final = 0x800
_UNICODE_PATH: Final = 0x7075
#: MS-DOS, OS/2, Windows NT, VFAT: no file there has a backslash in its name.
_SYSTEMS_WITHOUT_BACKSLASH: Final = frozenset({0, 6, 10, 14})


def names_of(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the names of all members of an archive, ``/`` between their parts, checked for nothing.

    A backslash parts folders where it can't be part of a name: in archives made on Windows, and in those without any
    ``/``, which .NET has written. zipfile's own ``filename`` ends at a zero byte, and knows only the flag.
    """
    names = list(map(_name, infos))
    has_slash = any("/" in name for name in names)
    return [
        name.replace("\\", "/") if info.create_system in _SYSTEMS_WITHOUT_BACKSLASH or not has_slash else name
        for info, name in zip(infos, names, strict=True)
    ]


def _name(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename
    stored = name.encode("utf-8" if info.flag_bits & _NAME_IS_UTF8 else "cp437")
    repeated = next(_repeated_names(info.extra, zlib.crc32(stored)), None)
    return repeated or _as_utf8(stored) or name


def _repeated_names(extra: bytes, crc: int) -> Iterator[str]:
    """Yield the name in UTF-8 that belongs to the stored one of this sum; after a renaming, it does not."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        field = extra[position + 4 : position + 4 + length]
        if kind == _UNICODE_PATH and field[:5] == struct.pack("<BL", 1, crc) and (name := _as_utf8(field[5:])):
            yield name
        position += 4 + length


def _as_utf8(name: bytes) -> str | None:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return None
