"""Finds the masks of photos: files of the same path below their own folder. Owns which file is which photo's mask.

For sea/1.jpg that is sea/1.png, or of another of these suffixes; for a photo in an archive, trip.zip/beach/1.jpg, it
is trip.zip/beach/1.png in a folder of the archive's name. Names are compared in composed form, as macOS stores
another one than its users type. Files are not opened.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from pipeline.errors import StorageError
from pipeline.intake.scan import PHOTO_SUFFIXES, RAW_SUFFIXES, ScanResult, scan, scan_paths
from pipeline.model import Photo

MASK_SUFFIXES: Final = (".png", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".jpg", ".jpeg")
#: The place of masks outside of the photos' folder in hints about what has changed: no path of a photo begins so.
MASKS_ELSEWHERE: Final = "/masks"
_SETTING: Final = "masks.folder"
_SETTING_IN_SCANS: Final = "input.folder"


@dataclass(frozen=True, slots=True)
class FoundMasks:
    """The masks of photos by :func:`mask_key`, usually one each; of what lies ``unreadable`` nothing is known."""

    files: Mapping[str, tuple[Photo, ...]]
    unreadable: tuple[str, ...] = ()


def mask_key(path: str) -> str:
    """Return what a photo and its mask have in common, by the relative path of either."""
    # Not a Path, of which 100,000 take a second.
    return unicodedata.normalize("NFC", os.path.splitext(path)[0])  # noqa: PTH122


def list_masks(folder: Path) -> FoundMasks:
    """Return all masks. Raises StorageError if the folder is not there."""
    _require_folder(folder)
    return _of_scan(lambda: scan(folder))


def look_for_masks(folder: Path, paths: Iterable[str]) -> FoundMasks:
    """Return the masks of the photos at these relative paths, and of all photos below them if they are folders.

    Raises as :func:`list_masks` does.
    """
    _require_folder(folder)
    places = {place for path in paths for place in (_candidates(path) if is_photo_name(path) else (path,))}
    return _of_scan(lambda: scan_paths(folder, places))


def is_photo_name(path: str) -> bool:
    """Tell whether a path is that of a photo, rather than of a folder or an archive."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix in PHOTO_SUFFIXES or suffix in RAW_SUFFIXES


def _candidates(photo: str) -> Iterator[str]:
    stem = os.path.splitext(photo)[0]  # noqa: PTH122 - as in mask_key
    for form in {stem, unicodedata.normalize("NFC", stem), unicodedata.normalize("NFD", stem)}:
        for suffix in MASK_SUFFIXES:
            yield form + suffix
            yield form + suffix.upper()


def _of_scan(scan_folder: Callable[[], ScanResult]) -> FoundMasks:
    try:
        found = scan_folder()
    except StorageError as error:
        raise StorageError(str(error).replace(_SETTING_IN_SCANS, _SETTING, 1)) from error
    files: dict[str, tuple[Photo, ...]] = {}
    for file in found.photos:
        if file.path.lower().endswith(MASK_SUFFIXES):
            key = mask_key(file.path)
            files[key] = (*files.get(key, ()), file)
    return FoundMasks(files, found.unreadable)


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        problem = "is no folder" if folder.exists() else "does not exist"
        raise StorageError(
            f"{_SETTING}: {folder} {problem}; no mask is treated as deleted: mount its disk or share, make the "
            f"folder, or correct the setting"
        )
