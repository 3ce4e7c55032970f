"""What a scan leaves out: ignored patterns, the program's own folders, folders too deep. Owns when names are equal.

On a disk of macOS ``Gemälde`` is the same folder whichever way its accent is stored, and in either letter case.
"""

from __future__ import annotations

import contextlib
import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from pathspec import GitIgnoreSpec

from pipeline.errors import ConfigError, ConfigProblem

#: No real photo folder is this deep; creating or watching a folder needs a level of recursion for each one above it.
MAX_FOLDER_DEPTH: Final = 200


class IgnorePatterns:
    """Patterns as in .gitignore; composed and decomposed accents match each other."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Raises ConfigError for an invalid pattern."""
        try:
            self._spec = GitIgnoreSpec.from_lines(_composed(pattern) for pattern in patterns)
        except ValueError as error:
            message = f"{error}; write patterns as in .gitignore, 'raw/' or '*.png'"
            raise ConfigError([ConfigProblem("", None, "input.ignore", message)]) from error

    def matches(self, path: str) -> bool:
        """Return whether a relative path is ignored; the path of a folder ends in ``/``."""
        return self._spec.match_file(_composed(path)) is True


class ExcludedFolders:
    """Folders of the program, such as its output. One that does not exist yet is recognized by its path."""

    def __init__(self, folders: Iterable[Path | str]) -> None:
        """Look the folders up as they are now."""
        self._paths = {os.path.realpath(folder) for folder in folders}
        self._identities = set[tuple[int, int]]()
        for path in self._paths:
            with contextlib.suppress(OSError):
                self._identities.add(_identity(path))

    def contains(self, folder: str) -> bool:
        """Return whether the folder at a path without links is one of them. Raises OSError if it does not exist."""
        return bool(self._paths) and (folder in self._paths or _identity(folder) in self._identities)


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 - a Path for each of 100,000 folders takes a second
    return status.st_dev, status.st_ino


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)
