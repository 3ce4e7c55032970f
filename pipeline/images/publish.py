"""Gives a finished picture its final name. Owns the error messages; the steps are in durable_files.

The steps and what they guarantee after a crash are those of :mod:`pipeline.durable_files`: a final name appears at
once with the whole picture under it, and a file that is already there is never overwritten by :func:`publish`.
Crashing between any two calls leaves a state from which calling again succeeds.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from pipeline import durable_files
from pipeline.errors import StorageError, UnwritableError

DISK_IS_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
NAME_IS_REFUSED: Final = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})


def storage_error(folder: Path, error: OSError) -> StorageError:
    """Return the sentence about a failed write into ``folder``; an UnwritableError unless its disk is full."""
    if error.errno in DISK_IS_FULL:
        return StorageError(
            f"the disk of {folder} is full: free some space there; the run then continues where it stopped"
        )
    reason = error.strerror or str(error)
    if error.errno in NAME_IS_REFUSED:
        return UnwritableError(f"{folder} can't hold that name ({reason}): give a shorter or plainer output.name")
    return UnwritableError(f"{folder} can't be written ({reason}): check that the folder exists and is writable")


def publish(part: Path, final: Path) -> bool:
    """Give the file ``part`` the name ``final`` and drop its old name; return False if ``final`` exists.

    A ``final`` that is ``part`` itself (a crash came between the two steps) counts as published. On file systems
    without hard links only the ledger's reservation keeps another program from taking the name between check and
    rename. Raises StorageError.
    """
    try:
        return durable_files.publish_file(part, final)
    except OSError as error:
        raise storage_error(final.parent, error) from error


def replace(part: Path, final: Path) -> bool:
    """Put ``part`` in the place of ``final`` in one step, whatever is there. Raises StorageError.

    Returns False where the picture that is there can't give way: Windows keeps one that is shown, or read-only.
    The new name lasts once :func:`sync_folder` was called.
    """
    try:
        durable_files.replace_file(part, final, durable=False)
    except OSError as error:
        if os.name == "nt" and isinstance(error, PermissionError):
            return False
        raise storage_error(final.parent, error) from error
    return True


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can do that. Raises StorageError."""
    try:
        durable_files.sync_folder(path)
    except OSError as error:
        raise storage_error(path, error) from error
