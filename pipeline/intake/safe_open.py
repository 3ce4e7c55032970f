"""Opens files below the input folder without following links. Owns which files may be read as photos.

Between a scan and the reading of a photo, anybody who may write into its folder can replace the photo, or a folder
above it, by a link to another user's private picture, of which a picture would then be made. So each part of the path
is opened relative to the folder opened before it, never through a link, and the result has to be a regular file.
Opening a FIFO or a device does not block. The input folder itself may be a link.

Windows has no such calls. There each part is checked first, and the open file compared with what was seen.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Final

from pipeline.model import Assignment, Photo

_USE_DIR_FD: Final = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
# O_PATH, where the system has it, also opens folders that may be entered but not listed.
_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_FILE: Final = os.O_RDONLY | _NO_LINK | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)

#: Errors of systems for a link where none is allowed, for a file used as a folder, and for a socket.
_NOT_A_FILE_ERRNOS: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOTDIR, errno.ENXIO, errno.EOPNOTSUPP})

#: The tag of a Windows junction, which is a link to a folder.
_MOUNT_POINT_TAG: Final = 0xA0000003


class FileReplacedError(OSError):
    """The file with a photo's name is not the one that was seen: it changed, or is a link, a folder or a device."""

    def __init__(self, path: str, reason: str = "") -> None:
        self.change = f"changed after it was found{reason}"
        self.reason = f"the photo {self.change}"
        super().__init__(errno.EINVAL, self.reason, path)


def unreadable(path: str, error: OSError) -> str:
    """Return the sentence about a photo that can't be read."""
    reason = error.strerror or str(error)
    return f"the photo {path} can't be read ({reason}): check its permissions, or copy it there again"


def open_assigned(assignment: Assignment) -> BufferedReader:
    """Open an assignment's photo to read its bytes. Raises FileReplacedError, OSError."""
    folder = assignment.photo_folder or assignment.photo_path.parent
    return open_below(folder, assignment.photo_path.relative_to(folder).as_posix())


def open_below(root: Path, path: str, seen: Photo | None = None, *, use_dir_fd: bool = _USE_DIR_FD) -> BufferedReader:
    """Open the file at ``path``, relative to ``root`` with ``/`` between its parts, to read its bytes.

    It has to have the size and the time of ``seen``, but not its inode number: on FAT that changes from time to time,
    and the content is hashed anyway. ``use_dir_fd``: on all systems but Windows. Raises FileReplacedError, OSError.
    """
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise FileReplacedError(path)
    descriptor = _open_in_folders(root, parts) if use_dir_fd else _open_checked(root, parts)
    try:
        _check(os.fstat(descriptor), path, seen)
        return open(descriptor, "rb")  # noqa: PTH123 - the path could lead elsewhere by now
    except BaseException:
        os.close(descriptor)
        raise


def _check(status: os.stat_result, path: str, seen: Photo | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _not_a_file(path)
    if seen is not None and (status.st_size, status.st_mtime_ns) != (seen.size_bytes, seen.mtime_ns):
        raise FileReplacedError(path)


def lies_below(root: Path, path: str, *, use_dir_fd: bool = _USE_DIR_FD) -> bool:
    """Return whether no folder between ``root`` and ``path`` is a link. Raises OSError."""
    folders = path.split("/")[:-1]
    try:
        if not use_dir_fd:
            return stat.S_ISDIR(_lstat_parts(root, folders).st_mode)
        os.close(_open_folder(root, folders))
    except FileNotFoundError:
        return True
    except FileReplacedError:
        return False
    return True


def _open_in_folders(root: Path, parts: list[str]) -> int:
    folder = _open_folder(root, parts[:-1])
    try:
        with _special_files_named("/".join(parts)):
            return _open_file(parts[-1], folder)
    finally:
        os.close(folder)


def _open_folder(root: Path, folders: list[str]) -> int:
    folder = os.open(root, _FOLDER)
    try:
        for name in folders:
            with _special_files_named("/".join(folders)):
                below = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = below
    except BaseException:
        os.close(folder)
        raise
    return folder


def _open_file(name: str, folder: int) -> int:
    try:
        return os.open(name, _FILE | _NO_WAIT, dir_fd=folder)
    except BlockingIOError:
        # Another client of the file server holds a lease on it, which only regular files can have: wait for its end.
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise
        return os.open(name, _FILE, dir_fd=folder)


@contextlib.contextmanager
def _special_files_named(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_A_FILE_ERRNOS:
            raise _not_a_file(path) from error
        raise


def _open_checked(root: Path, parts: list[str]) -> int:
    """Open a file after a check of each part of its path, where folders can't be opened."""
    seen = _lstat_parts(root, parts)
    if not stat.S_ISREG(seen.st_mode):
        raise _not_a_file("/".join(parts))
    descriptor = os.open(root.joinpath(*parts), _FILE | _NO_WAIT)
    if os.path.samestat(seen, os.fstat(descriptor)):
        return descriptor
    os.close(descriptor)
    raise FileReplacedError("/".join(parts))


def _lstat_parts(root: Path, parts: list[str]) -> os.stat_result:
    """Return the status of the last part of a path if none of its parts is a link."""
    place, found = root, root.stat()
    for part in parts:
        place = place / part
        with _special_files_named("/".join(parts)):
            found = os.lstat(place)
        if stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _MOUNT_POINT_TAG:
            raise _not_a_file("/".join(parts))
    return found


def _not_a_file(path: str) -> FileReplacedError:
    return FileReplacedError(
        path, ": a link or something else than a file has its name now, and links are not followed"
    )
