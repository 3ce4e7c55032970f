"""Finds finished pictures that a new ledger does not know. Owns recognizing them by their metadata.

Every picture has its job's key in its metadata. When a ledger was lost, the new one records once which pictures are
there; a job with one of these keys is then done, and its picture is neither made nor copied again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, Final, get_args

from pipeline.errors import StorageError
from pipeline.images.encode import read_provenance, suffix_of
from pipeline.ledger import Claim, FoundPicture, Ledger
from pipeline.model import PictureFormat
from pipeline.model.gallery_files import is_copy
from pipeline.model.timelapse_files import TIMELAPSE_ENDING
from pipeline.report.formatting import counted
from pipeline.runner.execution.publishing import sha256_if_there
from pipeline.runner.trial.names import TRIES_FOLDER, is_picture_stem
from pipeline.worker.writing import SNAPSHOT_NAME

_SUFFIXES: Final = frozenset(map(suffix_of, get_args(PictureFormat)))
#: In a JPEG the provenance is at the beginning.
_HEAD_BYTES: Final = 200_000


def find_pictures(ledger: Ledger, output_folder: Path) -> str:
    """Record the finished pictures in ``output_folder`` in a new ledger, once.

    Returns a sentence if there are any, else "". Raises LedgerError, StorageError.
    """
    if not ledger.found.needs_search():
        return ""
    pictures = list(_pictures_in(output_folder))
    ledger.found.record(pictures)
    if not pictures:
        return ""
    return (
        f"the ledger is new; {counted(len(pictures), 'finished picture')} in {output_folder} will be recognized by "
        f"the metadata, and not made again"
    )


def use_found_picture(ledger: Ledger, output_folder: Path, claim: Claim, key: str) -> bool:
    """Complete a claimed job whose picture was there before the ledger. Returns whether there was one."""
    candidates = [
        picture
        for picture in ledger.found.with_key(key)
        if (picture.style, picture.recipe) == (claim.job.style, claim.job.recipe) and not _is_try(picture)
    ]
    # Photos of equal content have pictures with the same key: each gets the one with the most similar name.
    candidates.sort(key=lambda picture: -_common_prefix_length(picture.output, claim.output))
    for picture in candidates:
        file = output_folder / picture.output
        found = _provenance(file)
        if found is not None and found.get("key") == key and (sha256 := sha256_if_there(file)) is not None:
            ledger.found.use_for_job(claim.token, picture, sha256)
            return True
    return False


def _common_prefix_length(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _pictures_in(folder: Path) -> Iterator[FoundPicture]:
    for path, names in _folders(folder):
        for name in sorted(filter(_is_picture, names)):
            file = Path(path, name)
            is_picture = not (file.is_symlink() or is_copy(file.relative_to(folder).as_posix()))
            found = _provenance(file) if is_picture else None
            values = [found.get(field) for field in ("key", "style", "recipe")] if found else []
            match values:
                case [str(key), str(style), str(recipe)]:
                    picture = FoundPicture(file.relative_to(folder).as_posix(), key, style, recipe)
                    if not _is_try(picture):
                        yield picture


def _folders(folder: Path) -> Iterator[tuple[str, list[str]]]:
    def raise_unless_harmless(error: OSError) -> None:
        if isinstance(error, FileNotFoundError):  # there are no pictures yet, or a folder was just deleted
            return
        # What may not be listed is another user's, like lost+found, or gets no pictures until that is fixed.
        if isinstance(error, PermissionError) and Path(error.filename) != folder:
            return
        raise StorageError(f"{error.filename}: can't be listed ({error.strerror}); check its disk")

    for path, folders, names in os.walk(folder, onerror=raise_unless_harmless):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield path, names


def _is_try(picture: FoundPicture) -> bool:
    """Return whether 'try' made the picture: it has the same key, but no job's name, and may be deleted any time."""
    path = PurePosixPath(picture.output)
    if len(path.parts) != 3 or path.parts[0] != TRIES_FOLDER:
        return False
    return is_picture_stem(path.parts[1], path.stem, picture.style, picture.recipe)


def _is_picture(name: str) -> bool:
    is_visible_picture = Path(name).suffix.lower() in _SUFFIXES and not name.startswith(".")
    # Snapshots have the key of the picture that they were to become.
    return is_visible_picture and not (SNAPSHOT_NAME.fullmatch(name) or name.endswith(TIMELAPSE_ENDING))


def _provenance(file: Path) -> dict[str, Any] | None:
    with contextlib.suppress(StorageError):
        if file.suffix.lower() == ".jpg" and (found := read_provenance(file, _HEAD_BYTES)) is not None:
            return found
        return read_provenance(file)
    return None
