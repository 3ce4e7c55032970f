"""Recognizes an input folder that was moved, to another disk or name, by the photos in it.

The ledger knows photos by their input folder, relative to the pictures. If either moves, that is another folder by
name, and every picture would be made once more. So a folder that is new to the ledger is compared with those that it
knows; one that holds the same photos is the same folder, and takes over what is on record of it.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from pipeline.hashing import sha256_of_file
from pipeline.intake.archives import split_path
from pipeline.ledger import KnownContent, Ledger
from pipeline.model import FolderSettings
from pipeline.runner.input_root import holds_files
from pipeline.runner.instance.relative_paths import are_same, resolve_from_folder

#: The contents of so many photos are compared.
_SAMPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many photos of a sample are where they should be, with the content that is on record."""

    size: int
    equal: int


def take_over_moved_source(folders: FolderSettings, ledger: Ledger) -> str:
    """Take over what is on record of the input folder under its name before it was moved.

    Returns a sentence if there was one, else "". Raises LedgerError, StorageError.
    """
    folder = folders.input
    if not ledger.sources.is_new() or not folder.is_dir():
        return ""
    for source in ledger.sources.others():
        before = resolve_from_folder(folders.output, source)
        if are_same(before, folder) or _has_same_photos(folders, ledger, source, before):
            ledger.sources.take_over(source)
            return f"the photos of {before} are in {folder} now; their finished pictures are not made again"
    return ""


def _has_same_photos(folders: FolderSettings, ledger: Ledger, source: str, before: Path) -> bool:
    present = ledger.sources.sample(source, _SAMPLE, moved=False)
    moved = [] if present else ledger.sources.sample(source, _SAMPLE, moved=True)
    found = _compare(folders, present or moved)
    return is_same_source(found, still_in_use=holds_files(before), originals_moved=bool(moved))


def is_same_source(found: Comparison, *, still_in_use: bool, originals_moved: bool) -> bool:
    """Decide from a sample of a known folder's photos whether the input folder is that one, moved.

    ``still_in_use``: the known folder still holds something. Then all of the sample must be found, since another
    config may use it; else half is enough, since photos may have been deleted or edited meanwhile.
    ``originals_moved``: the sample is of originals that were moved after their pictures were made.
    """
    if not found.size or (originals_moved and still_in_use):
        return False
    return found.equal == found.size if still_in_use else 2 * found.equal >= found.size


def _compare(folders: FolderSettings, sample: Sequence[KnownContent]) -> Comparison:
    return Comparison(len(sample), sum(_is_equal(folders, content) for content in sample))


def _is_equal(folders: FolderSettings, content: KnownContent) -> bool:
    member = split_path(folders.input, content.path)
    if member is not None:  # of a photo in an archive, the size of the archive is on record
        return _size_of(folders.input / member[0]) == content.size_bytes
    return any(
        _size_of(file) == content.size_bytes and _sha256(file) == content.sha256
        for file in _candidates(folders, content)
    )


def _candidates(folders: FolderSettings, content: KnownContent) -> list[Path]:
    in_place = folders.input / content.path
    if content.moved_to is None:
        return [in_place]
    target, folder = Path(content.moved_to), folders.originals
    also_moved = [folder / PurePosixPath(content.path).with_name(target.name)] if folder else []
    return [target, *also_moved, in_place]


def _size_of(file: Path) -> int | None:
    try:
        found = file.lstat()
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _sha256(file: Path) -> str | None:
    try:
        return sha256_of_file(file)
    except OSError:
        return None
