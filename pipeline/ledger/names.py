"""Output names. Owns which name a picture may have everywhere and which are taken; refuses to look at the disk.

A name given out once is never given to another job, whatever becomes of the first. Two names are the same if they
are equal after Unicode normalization (NFC) and case folding, because some file systems think so. Characters and
names that Windows refuses are replaced on every system, so that an output folder can be copied anywhere; bytes that
are no text (UTF-8), of a name in an archive, only on macOS, which refuses them.
A folder and a picture never share a name either: photos may lie in a folder called ``a--night.jpg``.
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

_LONGEST_PART_BYTES: Final = 255
_REFUSED: Final = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f' + (r"\ud800-\udfff]" if sys.platform == "darwin" else "]"))
_TRAILING: Final = re.compile(r"[. ]+$")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.IGNORECASE)


def folded(name: str) -> str:
    """Return the form in which two names are compared: NFC, then case folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def fitted(part: str, ending: str = "") -> str:
    """Return ``part + ending`` in at most 255 bytes: a longer part is cut and gets 8 digits of its hash."""
    whole = os.fsencode(part)
    room = _LONGEST_PART_BYTES - len(os.fsencode(ending))
    if len(whole) <= room:
        return part + ending
    digits = "~" + hashlib.sha256(whole).hexdigest()[:8]
    while len(os.fsencode(part)) > room - len(digits):
        part = part[:-1]
    return part + digits + ending


@lru_cache(maxsize=4096)
def _portable(part: str) -> str:
    part = _TRAILING.sub(lambda match: "_" * len(match[0]), _REFUSED.sub("_", part))
    return _DEVICE.sub(r"\1_", part, count=1) if _DEVICE.match(part) else (part or "_")


def portable_stem(stem: str) -> tuple[str, str]:
    """Return (folder with a final ``/`` or nothing, last part) of a relative name, each part allowed everywhere.

    ``..`` becomes ``__``: a name never leaves the output folder. The last part is not yet :func:`fitted`.
    """
    *folders, last = stem.split("/")
    return "".join(fitted(_portable(part)) + "/" for part in folders), _portable(last)


class Allocator:
    """Gives out names inside the caller's transaction, noting each in the table ``names``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._last_numbers: dict[str, int] = {}

    def allocate(self, stem: str, suffix: str) -> str:
        """Return the first free one of STEM.jpg, STEM-2.jpg, STEM-3.jpg, ... and take it."""
        folder, last = portable_stem(stem)
        folder = self._folder(folder)
        # Thousands of photos may share one stem; trying all numbers from 2 on for each would be quadratic.
        series = folded(f"{folder}{last}{suffix}")
        number = self._last_numbers.get(series, 0) + 1
        while not self._take(output := folder + fitted(last, f"-{number}{suffix}" if number > 1 else suffix)):
            number += 1
        self._last_numbers[series] = number
        return output

    def _folder(self, folder: str) -> str:
        """Return ``folder``, with a number on each part that is a picture's name, and take it as a folder's name."""
        free = ""
        for part in folder.split("/")[:-1]:
            number = 1
            while self._is_taken(candidate := free + fitted(part, f"-{number}" if number > 1 else "")):
                number += 1
            free = candidate + "/"
            self._connection.execute("INSERT OR IGNORE INTO names (folded) VALUES (?)", _row(free))
        return free

    def _take(self, output: str) -> bool:
        if self._is_taken(output + "/"):
            return False
        return self._connection.execute("INSERT OR IGNORE INTO names (folded) VALUES (?)", _row(output)).rowcount == 1

    def _is_taken(self, name: str) -> bool:
        return self._connection.execute("SELECT 1 FROM names WHERE folded = ?", _row(name)).fetchone() is not None


def _row(name: str) -> tuple[bytes]:
    return (os.fsencode(folded(name)),)
