"""Writes a file whole or not at all. Owns part files, fsync, renames, links and their fallbacks.

Every file that must not be found half written is written by one sequence: a part file beside it, its content, fsync,
the final name, fsync of the folder. What is guaranteed, ``path`` being the final name:

- The process is killed at any moment: ``path`` is the old file or the new one, whole; a part file may stay, which the
  next attempt replaces. This holds with and without ``durable``.
- The power is cut after a ``durable`` call has returned: ``path`` is the new file.
- The power is cut during a ``durable`` call: ``path`` is the old file or the new one, whole.
- The power is cut without ``durable``: ``path`` may also be empty or cut short, even minutes later. So this is only
  for what is out of date after a power cut anyway, and whose readers expect a damaged file.

File systems that can't fsync a folder (some network shares, and Windows, which opens none) write directory
entries later: there ``path`` may be the old file again after a power cut, but complete. What was to be exclusive is
checked and renamed where there are no hard links: in that moment another program's file of the same name is replaced.

All functions raise OSError, which names the file. Sentences for the user are the callers'.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.failpoints import failpoint

_NO_FOLDER_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF})


def write_file(
    path: Path,
    content: bytes | Callable[[Path], object],
    *,
    durable: bool = True,
    exclusive: bool = False,
    part: Path | None = None,
    written: str = "",
) -> bool:
    """Write ``content`` to ``path`` in place of what is there; the guarantees are the module's.

    ``content`` that is too large for bytes is a function that writes a new file at the path it is given.
    ``exclusive``: a file that is there stays, and False is returned. ``part``: the part file, if not ``.NAME.part``.
    ``written``: the failpoint between the part file and the final name. After an error no part file is left.
    """
    if exclusive and os.path.lexists(path):
        return False
    part = path.with_name(f".{path.name}.part") if part is None else part
    try:
        _write_part(part, content, durable=durable)
        if written:
            failpoint(written)
        if not exclusive:
            replace_file(part, path, durable=durable)
        elif not publish_file(part, path):
            part.unlink()
            return False
        elif durable:
            sync_folder(path.parent)
    except Exception:
        _remove(part)
        raise
    return True


@contextmanager
def new_file(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Yield a new file at ``path``, open for writing, that is synced in the end and removed after an error.

    What is there is removed first, so that nothing is written through a link. This is the first half of the sequence,
    for a part file that gets its final name later.
    """
    path.unlink(missing_ok=True)
    opened = path.open("xb")
    try:
        with opened as file:
            yield file
            with _naming(path):
                file.flush()
                if durable:
                    sync_file(file.fileno())
    except Exception:
        _remove(path)
        raise


def replace_file(part: Path, path: Path, *, durable: bool = True) -> None:
    """Put the finished file ``part`` in the place of ``path`` in one step, whatever is there."""
    part.replace(path)
    if durable:
        sync_folder(path.parent)


def publish_file(part: Path, path: Path, *, link: Callable[[Path, Path], None] = os.link) -> bool:
    """Give the finished file ``part`` the name ``path`` and drop its old name; return False if ``path`` exists.

    A ``path`` that is ``part`` itself (a crash came between the two steps) counts as published. The names last once
    :func:`sync_folder` was called. File systems without hard links get a check and a rename.
    """
    try:
        link(part, path)
    except FileExistsError:
        if not part.samefile(path):
            return False
    except FileNotFoundError:
        raise  # the part or the folder is gone: not a matter of hard links, and no answer about ``path``
    except OSError:
        return _rename_if_free(part, path)
    failpoint("picture-linked")
    part.unlink()
    return True


def make_folder(path: Path) -> None:
    """Make a folder with all above it, so that a power cut can't take it away with what is in it."""
    missing = list(takewhile(lambda folder: not folder.is_dir(), (path, *path.parents)))
    for folder in reversed(missing):  # Path.mkdir(parents=True) calls itself for each, which ends at some hundreds
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_file(descriptor: int) -> None:
    """Make what was written to an open file survive a power cut."""
    if sys.platform == "darwin":
        import fcntl

        # There fsync() leaves it in the drive's cache.
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(
    path: Path,
    *,
    fsync: Callable[[int], None] = sync_file,
    open_folder: Callable[[Path, int], int] = os.open,
) -> None:
    """Make the names in a folder survive a power cut, where the system can do that."""
    try:
        descriptor = open_folder(path, os.O_RDONLY)
    except PermissionError:
        return  # Windows opens no folders
    try:
        with _naming(path):
            fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def _write_part(part: Path, content: bytes | Callable[[Path], object], *, durable: bool) -> None:
    if isinstance(content, bytes):
        with new_file(part, durable=durable) as file, _naming(part):
            file.write(content)
        return
    part.unlink(missing_ok=True)
    content(part)
    if durable:
        with part.open("rb+") as file, _naming(part):  # Windows syncs only what may be written
            sync_file(file.fileno())


def _rename_if_free(part: Path, path: Path) -> bool:
    if os.path.lexists(path):
        return False
    part.rename(path)
    return True


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's name into errors of calls that know only its number."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or os.fspath(path)
        raise
