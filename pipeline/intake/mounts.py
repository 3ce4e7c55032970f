"""What lies under a folder: its mount point and the kind of its file system. Owns the reading of the mount table.

Decides nothing: that a folder on a network share needs polling, or that a vanished mount is no mass deletion, is
for others to say. Systems without ``/proc`` know no kinds here (see :func:`knows_kinds`): no share is found there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/self/mounts")

#: File systems that others write to as well, from which this machine's kernel then hears nothing. "fuseblk" is not
#: among them: those are local disks in a foreign format.
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
        """Tell whether others can change files here without this machine's kernel knowing."""
        return _SHARED.fullmatch(self.kind) is not None


def knows_kinds(table: Path = _TABLE) -> bool:
    """Tell whether this system says what lies under its folders."""
    return table.exists()


def mount_point(folder: Path, table: Path = _TABLE) -> Path:
    """Return the mount point that ``folder`` lies on. Raises OSError if the folder is not there."""
    path = Path(os.path.realpath(folder, strict=True))
    points = [mount.point for mount in _mounts(table) if _lies_on(str(path), mount.point)]
    if points:
        return Path(max(points, key=len))
    # Without a table: this overlooks what is mounted from another place of the same file system.
    # Not Path.is_mount(), which Windows has since Python 3.12 only.
    return next((parent for parent in (path, *path.parents) if os.path.ismount(parent)), Path(path.anchor))


def nearest_existing(folder: Path) -> Path:
    """Return ``folder``, or the first folder above it that is there. Raises OSError where nobody may look."""
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
        fields = line.split(b" ")
        if len(fields) > 2:
            # Spaces and the like stand as octal escapes: /mnt/my\040photos.
            point = fields[1].decode("unicode_escape").encode("latin-1")
            yield Mount(os.fsdecode(point), fields[2].decode("ascii", "replace"))
