"""Folders in folders in folders, deeper than a path may be long, and out of the way again."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def nested(folder: Path, name: str, depth: int, photos: dict[int, bytes]) -> Iterator[None]:
    """Make ``name/name/...`` in ``folder``, with a photo.png at some depths (from 1); take all away afterwards."""
    here = os.open(folder, os.O_RDONLY)
    for level in range(1, depth + 1):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
        if level in photos:
            file = os.open("photo.png", os.O_CREAT | os.O_WRONLY, dir_fd=here)
            os.write(file, photos[level])
            os.close(file)
    os.close(here)
    try:
        yield
    finally:
        # rmtree() takes a step of recursion for each level.
        top = folder / name
        while (top / name).exists():
            (top / name).rename(folder / "inner")
            shutil.rmtree(top)
            (folder / "inner").rename(top)
        shutil.rmtree(top)
