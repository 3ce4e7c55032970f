"""Finds a folder's mount point and the kind of its file system. Owns reading the tables of mounts; decides nothing.

On systems without ``/proc`` the kinds of file systems are unknown (see :func:`knows_kinds`), so no share is found.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/self/mounts")
_PLANNED: Final = Path("/etc/fstab")

#: Where systems mount disks and shares that come and go.
_PLACES: Final = ("/mnt", "/media", "/run/media", "/net", "/Volumes")
#: Nothing is mounted where only this kind is: it mounts something there as soon as that is looked at, if it can.
_ON_DEMAND: Final = "autofs"

#: File systems that other machines can write to without any file event on this one. "fuseblk" is not among them:
#: those are local disks in a foreign format.
_SHARED: Final = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|ncpfs|afs|9p|virtiofs|vboxsf|vmhgfs|prl_fs|ceph|glusterfs|lustre|gpfs|beegfs|orangefs"
    r"|ocfs2|gfs2|fakeowner|grpcfuse|osxfs|drvfs|fuse|fuse\..+"
)


@dataclass(frozen=True, slots=True)
class Mount:
    """A row of the mount table: where, and which kind of file system."""

    point: str
    kind: str

    @property
    def shared(self) -> bool:
        """Return whether others can change files here without a file event on this machine."""
        return _SHARED.fullmatch(self.kind) is not None


def knows_kinds(table: Path = _TABLE) -> bool:
    """Return whether this system has a table of its mounts."""
    return table.exists()


def mount_point(folder: Path, table: Path = _TABLE) -> Path:
    """Return the mount point that ``folder`` lies on. Raises OSError if the folder does not exist."""
    path = Path(os.path.realpath(folder, strict=True))
    mounts = [mount for mount in _mounts(table) if mount.kind != _ON_DEMAND]
    points = [mount.point for mount in mounts if _lies_on(str(path), mount.point)]
    if points:
        return Path(max(points, key=len))
    # Without a table bind mounts within the same file system are overlooked.
    # Not Path.is_mount(), which Windows has since Python 3.12 only.
    return next((parent for parent in (path, *path.parents) if os.path.ismount(parent)), Path(path.anchor))


def mounts_below(folder: Path, table: Path = _TABLE) -> frozenset[str]:
    """Return where in ``folder`` something is mounted, as relative paths; without a table that is unknown."""
    path = os.path.realpath(folder)
    inside = [
        mount.point
        for mount in _mounts(table)
        if mount.kind != _ON_DEMAND and mount.point != path and _lies_on(mount.point, path)
    ]
    return frozenset(Path(point).relative_to(path).as_posix() for point in inside)


def place_without_mount(folder: Path, mounted: Path, planned: Path = _PLANNED) -> Path | None:
    """Return where a disk seems to be missing that ``folder`` should lie on; None if nothing points to that.

    ``mounted``: the mount point that the folder lies on now. ``planned``: the table of what is to be mounted.
    """
    path = os.path.realpath(folder)
    points = [mount.point for mount in _mounts(planned) if mount.point.startswith("/") and mount.point != "/"]
    above = [place for place in (*points, *_PLACES) if _lies_on(path, place)]
    return next((Path(place) for place in above if not _lies_on(str(mounted), place)), None)


def nearest_existing(folder: Path) -> Path:
    """Return ``folder``, or the first folder above it that exists. Raises OSError without permission to look."""
    return next((path for path in (folder, *folder.parents) if path.exists()), folder)


def shared_mount(folder: Path, table: Path = _TABLE) -> Mount | None:
    """Return a shared file system that ``folder`` lies on or that is mounted inside it; None if all is local."""
    path = os.path.realpath(folder)
    mounts = list(_mounts(table))
    under = [mount for mount in mounts if _lies_on(path, mount.point)]
    # Later rows hide earlier ones at the same point.
    here = max(reversed(under), key=lambda mount: len(mount.point), default=None)
    inside = [mount for mount in mounts if mount.point != path and _lies_on(mount.point, path)]
    return next((mount for mount in (here, *inside) if mount is not None and mount.shared), None)


def _lies_on(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _mounts(table: Path) -> Iterator[Mount]:
    try:
        lines = table.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if len(fields) > 2 and not fields[0].startswith(b"#"):
            # Spaces and the like are octal escapes: /mnt/my\040photos.
            point = fields[1].decode("unicode_escape").encode("latin-1")
            yield Mount(os.fsdecode(point), fields[2].decode("ascii", "replace"))
