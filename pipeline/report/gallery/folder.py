"""Writes files in the gallery's folder. Owns replacing them whole, and whose the folder is.

A reader finds the old file or the new one, never a half. Nothing is synced: all of it can be made again. The folder
may hold pictures of photos that lie in a folder of the same name; they are never touched.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pipeline.durable_files import write_file
from pipeline.errors import StorageError
from pipeline.report.gallery.page import GENERATOR

PAGE_NAME: Final = "index.html"
_HEAD_BYTES: Final = 4000

_ATTEMPTS: Final = 4
_READING_SECONDS: Final = 0.05


def _replace(file: Path, data: bytes, part: Path) -> None:
    write_file(file, data, durable=False, part=part)


class GalleryFolder:
    """The folder at ``path``; names in it have ``/`` between their parts. Methods raise OSError."""

    def __init__(
        self,
        path: Path,
        *,
        replace: Callable[[Path, bytes, Path], object] = _replace,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """``replace`` writes a file by way of a part file; ``sleep`` waits for those who read the file."""
        self.path = path
        self._replace = replace
        self._sleep = sleep
        self._prefix = os.path.join(path, "")  # noqa: PTH118 - a Path for each of a thousand copies takes 20 ms

    def require_own(self) -> None:
        """Raise StorageError if there is a page that this program did not write; it is the user's."""
        head = (self.read(PAGE_NAME) or b"")[:_HEAD_BYTES]
        if head and GENERATOR.encode("ascii") not in head:
            raise StorageError(
                f"{self.path / PAGE_NAME} is not stylewatch's and stays as it is; move it away, or set "
                f"gallery.enabled: false"
            )

    def read(self, name: str) -> bytes | None:
        """Return what a file holds, None if it is not there."""
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, name: str, data: bytes) -> None:
        """Replace a file, making its folder if need be."""
        file = self.path / name
        part = file.with_name(f".{file.name}.{os.getpid()}.part")  # another process may write the same file
        for left in reversed(range(_ATTEMPTS)):
            try:
                self._replace(file, data, part)
            except FileNotFoundError:
                if not left:
                    raise
                file.parent.mkdir(parents=True, exist_ok=True)
            except PermissionError:  # on Windows also while a browser reads the file, which takes a moment
                if not left:
                    raise
                self._sleep(_READING_SECONDS)
            else:
                return

    def write_if_changed(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Replace those of these files that hold something else."""
        for name, data in files:
            if self.read(name) != data:
                self.write(name, data)

    def names_in(self, folder: str) -> set[str]:
        """Return the names of what is in a folder, none if it is not there."""
        try:
            return set(os.listdir(self.path / folder))
        except (FileNotFoundError, NotADirectoryError):
            return set()

    def exists(self, name: str) -> bool:
        """Tell whether a file is there."""
        return os.path.lexists(self._prefix + name)

    def remove(self, name: str) -> None:
        """Delete a file if it is there."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (self.path / name).unlink()
