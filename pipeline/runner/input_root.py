"""Detects that the input folder was unmounted or replaced. Owns what tells a lost share from deleted photos.

An unmounted share leaves its mount point behind: an empty folder under the old name, which looks as if everything
had been deleted. What tells the two apart is the mount that the folder lies on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.intake.mounts import mount_point


class InputRoot:
    """One input folder, from the moment it was first seen; safe to use from any thread."""

    def __init__(self, folder: Path, *, mount_point: Callable[[Path], Path] = mount_point) -> None:
        """Remember what ``folder`` lies on. Raises StorageError if it is not there."""
        self.folder = folder
        self._mount_point = mount_point
        self._mount, self._identity = self._inspect()

    def require(self) -> None:
        """Raise StorageError if the folder is not there, or an empty one shows in its place."""
        mount, _ = self._inspect()
        if mount != self._mount and self._mount.is_relative_to(mount):
            raise self._lost("nothing is mounted there any more")
        self._mount = mount  # a share that was mounted over an empty folder after the start

    def is_there(self) -> bool:
        """Tell whether :meth:`require` would not raise."""
        try:
            self.require()
        except StorageError:
            return False
        return True

    def replaced_since_last_call(self) -> bool:
        """Tell whether it is another folder than at the last call: it must then be watched again.

        Raises StorageError as :meth:`require` does.
        """
        before = self._identity
        _, self._identity = self._inspect()
        return before != self._identity

    def _inspect(self) -> tuple[Path, tuple[int, int]]:
        try:
            status = self.folder.stat()
            with os.scandir(self.folder) as entries:
                next(entries, None)
            return self._mount_point(self.folder), (status.st_dev, status.st_ino)
        except OSError as error:
            raise self._lost(error.strerror or str(error)) from error

    def _lost(self, reason: str) -> StorageError:
        return StorageError(
            f"input.folder: {self.folder} is gone ({reason}); no photo is treated as deleted: "
            f"mount its disk or share, or correct the setting"
        )
