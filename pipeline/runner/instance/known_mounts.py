"""Stores where a folder's disk was mounted when it was last used. Owns a small file in the user's cache.

With the state in the pictures' folder, as it is by default, a disk that is not mounted takes all marks with it: what
is left is an empty folder, or none, as before the first run. This file tells the two apart. Folders of pictures on
the machine's root file system are not in it: that one is always there. Folders of photos are: an empty one on the
mount that it was on before is one that somebody emptied.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import platformdirs

from pipeline.engine.machine import read_measured, store_measurement
from pipeline.errors import StorageError
from pipeline.intake.mounts import mount_point, nearest_existing

_NAME: Final = "mounts.json"

MountPoint = Callable[[Path], Path]


def require_mounted(folder: Path, file: Path | None = None, *, mount_point: MountPoint = mount_point) -> None:
    """Raise StorageError if ``folder`` was on a disk of its own, and nothing is mounted there now."""
    file = file or default_file()
    before = stored_mount(folder, file)
    if before is None:
        return
    with contextlib.suppress(OSError):
        if is_lost(before, mount_point(nearest_existing(folder))):
            raise StorageError(
                f"output.folder: {folder} was on the disk or share mounted at {before}, and nothing is mounted there "
                f"now; mount it, or delete {file} if the folder is to be a new one"
            )


def is_lost(before: Path, now: Path) -> bool:
    """Tell whether what was mounted at ``before`` is not, if a folder on it lies on the mount point ``now``."""
    return now != before and before.is_relative_to(now)


def stored_mount(folder: Path, file: Path | None = None) -> Path | None:
    """Return what ``folder`` was mounted on when it was last used, None if that is unknown."""
    before = _read(file or default_file()).get(str(folder))
    return None if before is None else Path(before)


def stored_mounts_below(folder: Path, file: Path | None = None) -> frozenset[str]:
    """Return where in ``folder`` something was mounted when it was last used, as relative paths."""
    points = [Path(name) for name, point in _read(file or default_file()).items() if name == point]
    return frozenset(
        point.relative_to(folder).as_posix() for point in points if point != folder and point.is_relative_to(folder)
    )


def store_input_mount(folder: Path, mount: Path, file: Path | None = None, *, below: Collection[str] = ()) -> None:
    """Store that ``folder``, which holds photos, is mounted on ``mount``, be it the machine's root file system.

    So an empty folder is known to be one whose photos are gone. ``below``: where in it something else is mounted.
    Does nothing where no cache can be written.
    """
    file = file or default_file()
    with contextlib.suppress(OSError):
        before = _read(file)
        after = before | {str(folder): str(mount)} | {str(folder / name): str(folder / name) for name in below}
        if after != before:
            store_measurement(file, after)


def store_mount(folder: Path, file: Path | None = None, *, mount_point: MountPoint = mount_point) -> None:
    """Store what ``folder``, which exists, is mounted on; does nothing where no cache can be written."""
    file = file or default_file()
    with contextlib.suppress(OSError):
        found, before = mount_point(folder), _read(file)
        if found != Path(found.anchor):
            after = before | {str(folder): str(found)}
        else:
            after = {name: point for name, point in before.items() if name != str(folder)}
        if after != before:
            store_measurement(file, after)


def default_file() -> Path:
    """Return the file in the user's cache."""
    return platformdirs.user_cache_path("stylewatch") / _NAME


def _read(file: Path) -> dict[str, str]:
    found = read_measured(file)
    return {str(name): str(point) for name, point in found.items()} if isinstance(found, dict) else {}
