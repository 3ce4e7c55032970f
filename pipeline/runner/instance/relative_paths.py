"""Writes folders relative to one another. Owns that form, and the test whether two names mean the same folder.

Such a path stays true when a tree that holds both folders is moved.
"""

from __future__ import annotations

import os
from pathlib import Path


def relative_to_folder(folder: Path, path: Path) -> str:
    """Return ``path`` relative to ``folder``, or as it is if it lies on another drive."""
    try:
        return os.path.relpath(path, folder)
    except ValueError:
        return str(path)


def resolve_from_folder(folder: Path, name: str) -> Path:
    """Return the path that :func:`relative_to_folder` wrote for ``folder``.

    It need not exist, and links are not resolved.
    """
    return Path(os.path.normpath(folder / name))


def are_same(one: Path, other: Path) -> bool:
    """Tell whether both exist and are the same folder."""
    try:
        return one.samefile(other)
    except OSError:
        return False
