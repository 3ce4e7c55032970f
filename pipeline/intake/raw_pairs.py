"""Finds camera raw files beside the JPEG that the camera made of the same photo. Owns which of the two is left out.

Two files are one photo if they lie in one folder and have the same name but for the suffix, in either letter case.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from pipeline.intake.scan import PHOTO_SUFFIXES, RAW_SUFFIXES
from pipeline.model import RawChoice

#: What cameras and phones write beside a raw. A TIFF or PNG of its name was developed by its owner.
_HEIC_SUFFIXES: Final = frozenset({".heic", ".heif", ".hif"})
_JPEG_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"}) | _HEIC_SUFFIXES

_RAW_ENDINGS: Final = tuple(RAW_SUFFIXES)


def is_raw(path: str) -> bool:
    """Return whether a file is named like a camera raw."""
    return path.lower().endswith(_RAW_ENDINGS)


def left_out(paths: Iterable[str], choice: RawChoice) -> dict[str, str]:
    """Return which of these photos are left out, and why.

    ``prefer_jpeg``: a raw beside any other photo of its name. ``prefer_raw``: a JPEG or HEIC beside its raw.
    """
    paths = list(paths)
    raws = {_photo_of(path) for path in paths if is_raw(path)}
    if choice == "both" or not raws:
        return {}
    if choice == "prefer_raw":
        beside = (path for path in paths if _suffix(path) in _JPEG_SUFFIXES and _photo_of(path) in raws)
        return {path: f"{_kind(path)} beside its raw" for path in beside}
    kinds: dict[str, str] = {}
    for path in paths:
        if not is_raw(path) and (photo := _photo_of(path)) in raws and kinds.get(photo) != "JPEG":
            kinds[photo] = _kind(path)
    return {
        path: f"raw beside its {kinds[photo]}"
        for path in paths
        if is_raw(path) and (photo := _photo_of(path)) in kinds
    }


def siblings(folder: str, paths: Iterable[str]) -> Iterator[str]:
    """Yield the files that may be the same photos as these, by their paths relative to ``folder``."""
    wanted: dict[str, set[str]] = {}
    for path in paths:
        if _suffix(path) in PHOTO_SUFFIXES | RAW_SUFFIXES:
            wanted.setdefault(path.rpartition("/")[0], set()).add(_photo_of(path))
    for parent, photos in wanted.items():
        prefix = f"{parent}/" if parent else ""
        try:
            names = os.listdir(os.path.join(folder, parent))  # noqa: PTH118 - keeps names that are not UTF-8
        except OSError:
            continue  # the scan says what is wrong with it
        yield from (prefix + name for name in names if _photo_of(prefix + name) in photos)


def moving_with(suffix: str, choice: RawChoice) -> tuple[frozenset[str], frozenset[str]]:
    """Return which suffixes belong to a photo with this one, and which others they belong to as well.

    They move with the last of these.
    """
    suffix = suffix.lower()
    if choice == "prefer_jpeg" and suffix in PHOTO_SUFFIXES:
        return RAW_SUFFIXES, PHOTO_SUFFIXES
    if choice == "prefer_raw" and suffix in RAW_SUFFIXES:
        return _JPEG_SUFFIXES, RAW_SUFFIXES
    return frozenset(), frozenset()


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - a Path for each of 100,000 names takes a second


def _kind(path: str) -> str:
    """Return what people call a photo with this suffix: ``JPEG``, ``HEIC``, ``PNG``."""
    suffix = _suffix(path)
    if suffix in _JPEG_SUFFIXES:
        return "HEIC" if suffix in _HEIC_SUFFIXES else "JPEG"
    return "TIFF" if suffix == ".tif" else suffix[1:].upper()


def _photo_of(path: str) -> str:
    """Return what the files of one photo have in common."""
    parent, _, name = path.rpartition("/")
    stem = os.path.splitext(name)[0]  # noqa: PTH122 - as above
    return f"{parent}/{unicodedata.normalize('NFC', stem).casefold()}"
