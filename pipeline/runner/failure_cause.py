"""Decides whether a disk caused a failure, or the one photo or picture itself. Owns that rule for the whole pass.

A disk that is gone, full or read-only stops a run and makes a daemon wait, and costs no picture an attempt. But one
photo with a bad sector, or one picture whose name a disk refuses, fails alone, and the others are made. The two are
told apart by trying: others of the folder's files are read, a small file is written into the output folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from pipeline.durable_files import new_file
from pipeline.errors import StorageError, UnwritableError
from pipeline.images.publish import storage_error
from pipeline.intake.archives import containing_file
from pipeline.intake.safe_open import open_below, unreadable
from pipeline.ledger import Claim
from pipeline.model import Failure, FailureKind
from pipeline.runner.input_root import InputRoot

#: Always the same name: what a killed process leaves behind is removed by the next test, or recovery.
TEST_FILE: Final = ".stylewatch-test.part"

MEMORY_SHORT: Final = "not enough memory to read the photo just now"

_MAX_FILES_READ: Final = 64
_TIMEOUT_SECONDS: Final = 10.0
_MAX_FOLDERS: Final = 20
_MAX_ENTRIES: Final = 200
_READ_BYTES: Final = 4096


def can_be_read(folder: Path, path: str) -> bool:
    """Tell whether the file at ``path`` below ``folder`` can be read: from the disk, not the page cache."""
    try:
        with open_below(folder, path) as file:
            if hasattr(os, "posix_fadvise"):  # what is in the page cache can be read without a disk
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return bool(file.read(_READ_BYTES))
    except OSError:
        return False


def require_readable(
    root: InputRoot,
    path: str,
    *,
    can_read: Callable[[Path, str], bool] = can_be_read,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Raise StorageError if the input folder is gone, or none of its other files can be read either.

    ``path``, relative to it, can't be read. Where there is no other file, a successful listing is enough.
    """
    root.require()
    others = _other_files(root.folder, path)
    give_up_at = clock() + _TIMEOUT_SECONDS
    for other in random.sample(others, min(_MAX_FILES_READ, len(others))):
        if can_read(root.folder, other):
            return
        if clock() > give_up_at:  # a failing disk may try for long before it gives up a sector
            break
    if others:
        raise StorageError(
            f"input.folder: {root.folder}: neither {path} nor other files in it can be read; check its disk or share"
        )


def require_writable(folder: Path) -> None:
    """Raise StorageError unless a small file can be written into the output ``folder``."""
    test = folder / TEST_FILE
    try:
        with contextlib.suppress(FileExistsError), new_file(test) as file:  # another process tries it as well
            file.write(b"Can this folder be written?")
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        remove_test_file(folder)


class FailureCause:
    """Tells failures of a photo or a picture from those of the disk that the input or the output folder is on."""

    def __init__(self, root: InputRoot, output_folder: Path) -> None:
        self._root = root
        self._output_folder = output_folder

    def of_photo(self, claim: Claim, error: OSError) -> Failure:
        """Return the failure of a photo that can't be read. Raises StorageError if the disk or share is to blame."""
        photo = claim.job.photo
        if isinstance(error, FileNotFoundError):
            lost = [why for place, why in self._root.missing_below().items() if photo.startswith(f"{place}/")]
            failure = Failure(claim.token, FailureKind.GONE, next(iter(lost), "the photo is gone"))
        elif error.errno == errno.ENOMEM:
            failure = Failure(claim.token, FailureKind.MEMORY, MEMORY_SHORT)
        else:
            failure = Failure(claim.token, FailureKind.UNREADABLE, unreadable(photo, error))
        self._root.require()
        if not isinstance(error, PermissionError):  # not an error of the disk, whatever else can be read
            self._require_disk(failure.kind, photo)
        return failure

    def of_picture(self, claim: Claim, error: UnwritableError) -> Failure:
        """Return the failure of a picture that can't be saved. Raises StorageError if the disk is to blame."""
        self._require_disk(FailureKind.UNWRITABLE, claim.job.photo)
        return Failure(claim.token, FailureKind.UNWRITABLE, _cannot_be_saved(claim.output, str(error)))

    def with_disk_checked(self, failure: Failure, claim: Claim) -> Failure:
        """Return a worker's failure, as one of the disk where that is to blame."""
        try:
            self._require_disk(failure.kind, claim.job.photo)
        except StorageError as error:
            return replace(failure, kind=FailureKind.STORAGE, reason=str(error))
        if failure.kind is FailureKind.UNWRITABLE:
            return replace(failure, reason=_cannot_be_saved(claim.output, failure.reason))
        return failure

    def _require_disk(self, kind: FailureKind, photo: str) -> None:
        """Raise StorageError if the disk or share that a failure of this ``kind`` may come from can't be used."""
        match kind:
            case FailureKind.GONE | FailureKind.STORAGE:
                self._root.require()
            case FailureKind.UNREADABLE:
                require_readable(self._root, containing_file(self._root.folder, photo))
            case FailureKind.UNWRITABLE:
                require_writable(self._output_folder)


def _cannot_be_saved(output: str, why: str) -> str:
    return f"the picture {output} can't be saved: {why}"


def remove_test_file(folder: Path) -> None:
    """Remove what a killed process may have left of a test."""
    with contextlib.suppress(OSError):
        (folder / TEST_FILE).unlink(missing_ok=True)


def _other_files(folder: Path, path: str) -> list[str]:
    """Return some of the files that are not empty: beside ``path``, and elsewhere in ``folder``."""
    places = dict.fromkeys([(folder / path).parent, folder, *_entries(folder, os.DirEntry.is_dir)])
    found = (file for place in islice(places, _MAX_FOLDERS) for file in _entries(place, _is_not_empty))
    return [other for file in found if (other := file.relative_to(folder).as_posix()) != path]


def _entries(folder: Path, wanted: Callable[..., bool]) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [Path(entry.path) for entry in islice(entries, _MAX_ENTRIES) if wanted(entry, follow_symlinks=False)]
    return []


def _is_not_empty(entry: os.DirEntry[str], *, follow_symlinks: bool) -> bool:
    return entry.is_file(follow_symlinks=follow_symlinks) and entry.stat(follow_symlinks=follow_symlinks).st_size > 0
