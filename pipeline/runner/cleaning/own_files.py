"""Recognizes the program's snapshots and tries by their names and metadata. Owns what counts as its own file.

Nothing else in these folders is the program's: what people put or changed there stays.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from pipeline.errors import StorageError
from pipeline.images.contact_sheet import is_own_sheet
from pipeline.images.encode import read_unedited_provenance, suffix_of
from pipeline.images.timelapse import timelapse_key
from pipeline.model import PictureFormat
from pipeline.model.timelapse_files import TIMELAPSE_ENDING
from pipeline.runner.execution.claims import snapshots_of
from pipeline.runner.trial.names import TRIES_FOLDER, is_picture_stem, is_sheet_name, snapshots_folder_name
from pipeline.worker.writing import SNAPSHOT_NAME

_SUFFIXES: Final = "|".join(sorted(re.escape(suffix_of(name)) for name in get_args(PictureFormat)))

#: A part file has its final name a moment after it was written; one of this age is a killed program's.
_PART_NAME: Final = re.compile(r"\.stylewatch-[0-9a-f]+(\.timelapse)?\.part")
_STALE_NS: Final = 3600 * 10**9


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of the program's, as it was when it was recognized."""

    path: Path
    size_bytes: int
    mtime_ns: int  # no inode: some shares give a file another one each time

    def is_unchanged(self) -> bool:
        """Tell whether it is the same file, as far as can be told without reading it. Raises OSError."""
        return _inspect(self.path) == self


def own_file(path: Path) -> OwnFile | None:
    """Return a regular file with what tells it from another version of it; None for a link or anything else."""
    try:
        return _inspect(path)
    except OSError:
        return None


def _inspect(path: Path) -> OwnFile | None:
    found = path.lstat()
    return OwnFile(path, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def find_snapshots(output_folder: Path, ended: Iterable[str], still_open: Iterable[str]) -> Iterator[OwnFile]:
    """Yield the snapshots of pictures whose jobs have ended, unless a picture still to be made has the same folder.

    Pictures are named relative to the output folder. Raises StorageError.
    """
    needed = {snapshots_of(output) for output in still_open}
    for folder in dict.fromkeys(map(snapshots_of, ended)):
        if folder not in needed:
            yield from _snapshots_in(output_folder / folder)


def find_tries(output_folder: Path, now_ns: Callable[[], int] = time.time_ns) -> Iterator[OwnFile]:
    """Yield the pictures that 'try' made in its own folder, with their snapshots, and what a killed one left.

    Raises StorageError.
    """
    written_before_ns = now_ns() - _STALE_NS
    for folder in _entries(output_folder / TRIES_FOLDER):
        if folder.is_symlink() or not folder.is_dir():
            continue
        for path in _entries(folder):
            is_timelapse = path.name.endswith(TIMELAPSE_ENDING) and timelapse_key(path) is not None
            if is_timelapse or _is_tried(path) or _is_contact_sheet(path):
                yield from filter(None, [own_file(path)])
            elif path.name.endswith(snapshots_folder_name("")) and not path.is_symlink():
                yield from _snapshots_in(path)
            elif _PART_NAME.fullmatch(path.name):
                yield from (file for file in filter(None, [own_file(path)]) if file.mtime_ns < written_before_ns)


def _snapshots_in(folder: Path) -> Iterator[OwnFile]:
    for path in _entries(folder):
        if SNAPSHOT_NAME.fullmatch(path.name) and _job_in(path) is not None:
            yield from filter(None, [own_file(path)])


def _is_tried(path: Path) -> bool:
    found = _job_in(path)
    return found is not None and is_picture_stem(path.parent.name, path.stem, *found)


def _is_contact_sheet(path: Path) -> bool:
    return is_sheet_name(path.name) and own_file(path) is not None and is_own_sheet(path)


def _job_in(path: Path) -> tuple[str, str] | None:
    """Return of which style and recipe a picture is by its metadata; None for a file that is not the program's."""
    if own_file(path) is None or not re.search(rf"({_SUFFIXES})$", path.name):
        return None
    try:
        found: dict[str, Any] = read_unedited_provenance(path) or {}
    except StorageError:  # what can't be read stays
        return None
    style, recipe = found.get("style"), found.get("recipe")
    return (style, recipe) if isinstance(style, str) and isinstance(recipe, str) else None


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder / name for name in os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError(
            f"{folder} can't be listed ({error.strerror}); fix that first, nothing was deleted"
        ) from error
