"""Detects that the input folder was unmounted or replaced. Owns what tells a lost share from deleted photos.

An unmounted share leaves its mount point behind: an empty folder under the old name, which looks as if everything
had been deleted. What tells the two apart is the mount that the folder lies on, and the one that it lay on before. An
empty folder on the mount where photos were before is one that somebody emptied.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pipeline.errors import StorageError
from pipeline.intake.archives import containing_file
from pipeline.intake.mounts import mount_point, mounts_below, nearest_existing, place_without_mount
from pipeline.ledger import Ledger
from pipeline.report.formatting import counted
from pipeline.runner.instance import known_mounts

#: So many of the photos on record are looked for.
_SAMPLE: Final = 1000


class InputRoot:
    """One input folder, from the moment it was first seen; safe to use from any thread."""

    def __init__(
        self,
        folder: Path,
        *,
        mount_point: Callable[[Path], Path] = mount_point,
        mounts_below: Callable[[Path], frozenset[str]] = mounts_below,
    ) -> None:
        """Remember what ``folder`` lies on. Raises StorageError if it is not there."""
        self.folder = folder
        self._mount_point = mount_point
        self._mounts_below = mounts_below
        self._known_below = mounts_below(folder)
        self._mount, self._identity = self._inspect()

    @property
    def mount(self) -> Path:
        """The mount point that the folder lies on."""
        return self._mount

    @property
    def known_below(self) -> frozenset[str]:
        """Where in the folder something else is, or was, mounted, as relative paths."""
        return self._known_below

    def expect_below(self, mounts: frozenset[str]) -> None:
        """Take it for a loss if nothing is mounted there."""
        self._known_below |= mounts

    def missing_below(self) -> Mapping[str, str]:
        """Return where in the folder a disk or share is missing, each with a sentence for the user."""
        mounted = self._mounts_below(self.folder)
        self._known_below |= mounted
        return {
            name: f"the disk or share that was mounted at {self.folder / name} is not there; no photo in it is "
            f"treated as deleted: mount it, or delete {known_mounts.default_file()} if it is gone for good"
            for name in sorted(self._known_below - mounted)
        }

    def require(self) -> None:
        """Raise StorageError if the folder is not there, or an empty one shows in its place."""
        mount, _ = self._inspect()
        if known_mounts.is_lost(self._mount, mount):
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


def open_input(
    folder: Path,
    ledger: Ledger,
    *,
    open_root: Callable[[Path], InputRoot] = InputRoot,
    place_without_mount: Callable[[Path, Path], Path | None] = place_without_mount,
    file: Path | None = None,
) -> InputRoot:
    """Return the input folder as it is now. Raises StorageError if it is not there, or is only its mount point.

    Where it lay before is known from ``file``, see :mod:`pipeline.runner.instance.known_mounts`. A folder that holds
    the photos on record is the right one, wherever it lies: they were moved, or a service sees other mounts. If it is
    unknown, an empty folder is taken for a mount point only where disks are mounted, and if it had photos before.
    """
    if _is_missing(folder) and not ledger.queries.photo_count():
        raise StorageError(
            f"input.folder: {folder} does not exist; make it, mount its disk or share, or correct the setting"
        )
    root = open_root(folder)
    root.expect_below(known_mounts.stored_mounts_below(folder, file))
    before = known_mounts.stored_mount(folder, file)
    if before is not None and known_mounts.is_lost(before, root.mount) and not _holds_known_photos(folder, ledger):
        raise StorageError(
            f"input.folder: {folder} was on the disk or share mounted at {before}, and nothing is mounted there now; "
            f"no photo is treated as deleted: mount it, or delete {file or known_mounts.default_file()} if the "
            f"photos are in this folder now"
        )
    place = None if before else place_without_mount(folder, root.mount)
    if place and (photos := ledger.queries.photo_count()) and not holds_files(folder):
        raise StorageError(
            f"input.folder: {folder} is empty, {counted(photos, 'photo')} lay there when it was last seen, and "
            f"nothing is mounted at {place}; no photo is treated as deleted: mount its disk or share, or put a photo "
            f"into it"
        )
    return root


def make_input_folder(
    folder: Path,
    ledger: Ledger,
    *,
    mount_point: Callable[[Path], Path] = mount_point,
    place_without_mount: Callable[[Path, Path], Path | None] = place_without_mount,
    file: Path | None = None,
) -> str:
    """Make an input folder that never was. Returns a sentence if it was made, else "". Raises StorageError.

    It is not made where photos were before, where a disk seems not to be mounted, or beside the machine's own folders
    in ``/``.
    """
    try:
        if not _is_missing(folder) or ledger.queries.photo_count():
            return ""
        existing = nearest_existing(folder)
        mount, before = mount_point(existing), known_mounts.stored_mount(folder, file)
        is_missing = before is not None and known_mounts.is_lost(before, mount)
        if is_missing or place_without_mount(folder, mount) or existing == Path(existing.anchor):
            return ""
        folder.mkdir(parents=True)
    except OSError as error:
        raise StorageError(
            f"input.folder: {folder} does not exist and can't be made ({error.strerror}); make it, or correct the "
            f"setting"
        ) from error
    return f"made the folder {folder}: it did not exist"


def _holds_known_photos(folder: Path, ledger: Ledger) -> bool:
    paths = dict.fromkeys(containing_file(folder, path) for path in ledger.queries.photo_paths(_SAMPLE))
    return any(os.path.lexists(folder / path) for path in paths)


def holds_files(folder: Path) -> bool:
    """Tell whether there is any file in it or below; hidden ones and empty folders count for nothing."""
    for _, folders, files in os.walk(folder):
        if any(not name.startswith(".") for name in files):
            return True
        folders[:] = [name for name in folders if not name.startswith(".")]
    return False


def _is_missing(folder: Path) -> bool:
    try:
        folder.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
