"""Folders as seen from one another. Owns how one is noted beside the other, and when two names mean the same one.

What is noted so stays true when a tree that holds both is moved.
"""

from __future__ import annotations

import os
from pathlib import Path


def seen_from(folder: Path, path: Path) -> str:
    """Return ``path`` relative to ``folder``, or as it is if it lies on another drive."""
    try:
        return os.path.relpath(path, folder)
    except ValueError:
        return str(path)


def place_of(folder: Path, name: str) -> Path:
    """Return what :func:`seen_from` noted for ``folder``; links are not resolved, and nothing need be there."""
    return Path(os.path.normpath(folder / name))


def are_same(one: Path, other: Path) -> bool:
    """Tell whether both are there and are one and the same."""
    try:
        return one.samefile(other)
    except OSError:
        return False
