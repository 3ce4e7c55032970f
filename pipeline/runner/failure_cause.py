"""Is the disk to blame, or that one photo or picture? Owns the answer when a file can't be read or written.

A disk that is gone, full or read-only stops a run and makes a daemon wait, and costs no picture an attempt. But one
photo with a bad sector, or one picture whose name a disk refuses, is its own trouble: it fails, the others go on. The
two are told apart by trying: others of the folder's files are read, a small file is written into the output folder.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from pipeline.durable_files import new_file
from pipeline.errors import StorageError
from pipeline.images.publish import storage_error
from pipeline.intake.archives import containing_file
from pipeline.intake.safe_open import open_below
from pipeline.ledger import Claim
from pipeline.model import Failure, FailureKind
from pipeline.runner.input_root import Root

#: One name for all times: what a killed process leaves behind is gone after the next test, or recovery.
TEST_FILE: Final = ".stylewatch-test.part"

_OTHERS: Final = 64
_PATIENCE_SECONDS: Final = 10.0
_FOLDERS: Final = 20
_LOOKED_AT: Final = 200
_READ_BYTES: Final = 4096


def can_be_read(folder: Path, path: str) -> bool:
    """Tell whether the file at ``path`` below ``folder`` can be read, if not from memory."""
    try:
        with open_below(folder, path) as file:
            if hasattr(os, "posix_fadvise"):  # what is in memory can be read without a disk
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return bool(file.read(_READ_BYTES))
    except OSError:
        return False


def require_readable(
    root: Root,
    folder: Path,
    path: str,
    *,
    can_read: Callable[[Path, str], bool] = can_be_read,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Raise StorageError if the input ``folder`` is gone, or none of its other files can be read either.

    ``path``, relative to it, can't be read. Where there is no other file the folder's own word has to do.
    """
    root.require()
    others = _other_files(folder, path)
    give_up_at = clock() + _PATIENCE_SECONDS
    for other in random.sample(others, min(_OTHERS, len(others))):
        if can_read(folder, other):
            return
        if clock() > give_up_at:  # a dying disk may try for long before it gives up a sector
            break
    if others:
        raise StorageError(
            f"input.folder: {folder}: neither {path} nor other files in it can be read; check its disk or share"
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


def attribute_failure(
    failure: Failure, claim: Claim, root: Root | None, input_folder: Path, output_folder: Path
) -> Failure:
    """Blame a disk or a lost share, where it explains a photo's or a picture's failure, instead of that one."""
    try:
        if failure.kind in (FailureKind.GONE, FailureKind.STORAGE) and root is not None:
            root.require()
        if failure.kind is FailureKind.UNREADABLE and root is not None:
            require_readable(root, input_folder, containing_file(input_folder, claim.job.photo))
        if failure.kind is FailureKind.UNWRITABLE:
            require_writable(output_folder)
    except StorageError as error:
        return replace(failure, kind=FailureKind.STORAGE, reason=str(error))
    if failure.kind is FailureKind.UNWRITABLE:
        return replace(failure, reason=unplaceable(claim.output, failure.reason))
    return failure


def unplaceable(output: str, why: str) -> str:
    """Return the sentence about a picture that can't be put under its name though the disk can be written."""
    return f"the picture {output} can't be put there: {why}"


def remove_test_file(folder: Path) -> None:
    """Remove what a killed process may have left of a test."""
    with contextlib.suppress(OSError):
        (folder / TEST_FILE).unlink(missing_ok=True)


def _other_files(folder: Path, path: str) -> list[str]:
    """Return some of the files that hold anything: beside ``path``, and elsewhere in ``folder``."""
    places = dict.fromkeys([(folder / path).parent, folder, *_entries(folder, os.DirEntry.is_dir)])
    found = (file for place in islice(places, _FOLDERS) for file in _entries(place, _holds_anything))
    return [other for file in found if (other := file.relative_to(folder).as_posix()) != path]


def _entries(folder: Path, wanted: Callable[..., bool]) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [Path(entry.path) for entry in islice(entries, _LOOKED_AT) if wanted(entry, follow_symlinks=False)]
    return []


def _holds_anything(entry: os.DirEntry[str], *, follow_symlinks: bool) -> bool:
    return entry.is_file(follow_symlinks=follow_symlinks) and entry.stat(follow_symlinks=follow_symlinks).st_size > 0
