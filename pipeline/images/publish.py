"""From a finished part file to its final name. Owns links, renames and folder syncs; refuses to choose names.

A final name appears at once with the whole picture under it, and a file that is already there is never
overwritten by :func:`publish`. Crashing between any two calls leaves a state from which calling again succeeds.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline.errors import StorageError, UnwritableError
from pipeline.failpoints import failpoint

DISK_IS_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
NAME_IS_REFUSED: Final = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})

_NO_FOLDER_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF})


def storage_error(folder: Path, error: OSError) -> StorageError:
    """Return the sentence about a failed write into ``folder``; an UnwritableError unless its disk is full."""
    if error.errno in DISK_IS_FULL:
        return StorageError(f"the disk of {folder} is full: free some space there, the run goes on where it stopped")
    reason = error.strerror or str(error)
    if error.errno in NAME_IS_REFUSED:
        return UnwritableError(f"{folder} can't hold that name ({reason}): give a shorter or plainer output.name")
    return UnwritableError(f"{folder} can't be written ({reason}): check that the folder exists and is writable")


def publish(part: Path, final: Path, *, link: Callable[[Path, Path], None] = os.link) -> bool:
    """Give the file ``part`` the name ``final`` and drop its old name; return False if ``final`` exists.

    A ``final`` that is ``part`` itself (a crash came between the two steps) counts as published. File systems
    without hard links get a check and a rename, which is atomic too, but for whom only the ledger's reservation
    keeps a stranger from taking the name between the two. Raises StorageError.
    """
    try:
        try:
            link(part, final)
        except FileExistsError:
            if not part.samefile(final):
                return False
        except FileNotFoundError:
            raise  # the part or the folder is gone: not a matter of hard links, and no answer about ``final``
        except OSError:
            return _rename_if_free(part, final)
        failpoint("picture-linked")
        part.unlink()
    except OSError as error:
        raise storage_error(final.parent, error) from error
    return True


def _rename_if_free(part: Path, final: Path) -> bool:
    if os.path.lexists(final):
        return False
    part.rename(final)
    return True


def replace(part: Path, final: Path) -> bool:
    """Put ``part`` in the place of ``final`` in one step, whatever is there. Raises StorageError.

    Returns False where the picture that is there can't give way: Windows keeps one that is shown, or read-only.
    """
    try:
        part.replace(final)
    except OSError as error:
        if os.name == "nt" and isinstance(error, PermissionError):
            return False
        raise storage_error(final.parent, error) from error
    return True


def sync_file(descriptor: int) -> None:
    """Make what was written to an open file survive a power cut. Raises OSError."""
    if sys.platform == "darwin":
        import fcntl

        # There fsync() leaves it in the disk's own memory.
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
    """Make the names in a folder survive a power cut, where the system can do that. Raises StorageError."""
    try:
        descriptor = open_folder(path, os.O_RDONLY)
    except PermissionError:
        return  # Windows opens no folders
    except OSError as error:
        raise storage_error(path, error) from error
    try:
        fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise storage_error(path, error) from error
    finally:
        os.close(descriptor)
