"""Allocates output names. Owns which names are valid everywhere and which are taken; does not read the disk.

A name that was allocated once is never given to another job. Two names are the same if they are equal after Unicode
normalization (NFC) and case folding, as on some file systems. Characters and names that Windows forbids are replaced
on every system, so that an output folder can be copied anywhere; bytes that are not UTF-8, in a name in an archive,
only on macOS, which forbids them. A folder and a picture never share a name either: photos may be in a folder called
``a--night.jpg``. Nor do pictures get names in the gallery's own folders, though photos may be in a folder called
``gallery``.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import sys
import unicodedata
from functools import lru_cache
from typing import Final

from pipeline.model.gallery_files import RESERVED_NAMES

_MAX_PART_BYTES: Final = 255
_FORBIDDEN: Final = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f' + (r"\ud800-\udfff]" if sys.platform == "darwin" else "]"))
_TRAILING: Final = re.compile(r"[. ]+$")
_DEVICE_NAME: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.IGNORECASE)


def folded(name: str) -> str:
    """Return the form in which two names are compared: NFC, then case folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def shortened(part: str, ending: str = "") -> str:
    """Return ``part + ending`` in at most 255 bytes: a longer part is cut and ends with 8 digits of its hash."""
    whole = os.fsencode(part)
    room = _MAX_PART_BYTES - len(os.fsencode(ending))
    if len(whole) <= room:
        return part + ending
    digits = "~" + hashlib.sha256(whole).hexdigest()[:8]
    while len(os.fsencode(part)) > room - len(digits):
        part = part[:-1]
    return part + digits + ending


@lru_cache(maxsize=4096)
def _portable_part(part: str) -> str:
    part = _TRAILING.sub(lambda match: "_" * len(match[0]), _FORBIDDEN.sub("_", part))
    return _DEVICE_NAME.sub(r"\1_", part, count=1) if _DEVICE_NAME.match(part) else (part or "_")


def portable_stem(stem: str) -> tuple[str, str]:
    """Return (folder with a final ``/`` or "", last part) of a relative name, each part valid on every system.

    ``..`` becomes ``__``: a name never leaves the output folder. The last part is not yet :func:`shortened`.
    """
    *folders, last = stem.split("/")
    return "".join(shortened(_portable_part(part)) + "/" for part in folders), _portable_part(last)


class NameAllocator:
    """Allocates names inside the caller's transaction, recording each in the table ``names``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._last_numbers: dict[str, int] = {}

    def allocate(self, stem: str, suffix: str) -> str:
        """Reserve and return the first free name of STEM.jpg, STEM-2.jpg, STEM-3.jpg, ..."""
        folder, last = portable_stem(stem)
        folder = self._reserve_folder(folder)
        # Thousands of photos may share one stem; trying all numbers from 2 on for each would be quadratic.
        series = folded(f"{folder}{last}{suffix}")
        number = self._last_numbers.get(series, 0) + 1
        while not self._reserve(output := folder + shortened(last, f"-{number}{suffix}" if number > 1 else suffix)):
            number += 1
        self._last_numbers[series] = number
        return output

    def _reserve_folder(self, folder: str) -> str:
        """Reserve and return ``folder``, with a number on each part that is a picture's name."""
        free = ""
        for part in folder.split("/")[:-1]:
            number = 1
            while self._is_refused(candidate := free + shortened(part, f"-{number}" if number > 1 else "")):
                number += 1
            free = candidate + "/"
            self._connection.execute("INSERT OR IGNORE INTO names (folded) VALUES (?)", _key(free))
        return free

    def _reserve(self, output: str) -> bool:
        if self._is_taken(output + "/"):
            return False
        return self._connection.execute("INSERT OR IGNORE INTO names (folded) VALUES (?)", _key(output)).rowcount == 1

    def _is_refused(self, folder: str) -> bool:
        return folded(folder) in RESERVED_NAMES or self._is_taken(folder)

    def _is_taken(self, name: str) -> bool:
        return self._connection.execute("SELECT 1 FROM names WHERE folded = ?", _key(name)).fetchone() is not None


def _key(name: str) -> tuple[bytes]:
    return (os.fsencode(folded(name)),)
