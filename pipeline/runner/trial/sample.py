"""Picks photos of the input folder that differ, by folder and by look. Owns how many are looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

import numpy as np

from pipeline.errors import UsageError
from pipeline.images.look import Look, describe, farthest_points
from pipeline.intake.scan import scan
from pipeline.model import IngestSettings

_Item = TypeVar("_Item")

#: So many photos are read, spread over all folders: enough to differ, and done in seconds.
MOST_CANDIDATES: Final = 200
#: How much two folders are apart, as a part of the distance of two looks.
_FOLDERS_APART: Final = 0.3


def sample_photos(
    settings: IngestSettings,
    count: int,
    describe_photo: Callable[[Path, int], Look | None] = describe,
    emit: Callable[[str], None] = lambda _text: None,
) -> list[Path]:
    """Return ``count`` photos, fewer if there are fewer; the same ones each time. Photos in archives are left out.

    ``emit`` gets a sentence before many are read. Raises UsageError if none can be used, StorageError.
    """
    found = [photo.path for photo in scan(settings.folder, settings.ignore, settings.excluded).photos]
    candidates = spread_over_folders(found, MOST_CANDIDATES)
    if len(candidates) > count:
        emit(f"Looking at {len(candidates):,} of {len(found):,} photos for {count} that differ ...")
    looks = {path: describe_photo(settings.folder / path, settings.max_pixels) for path in candidates}
    usable = {path: look for path, look in looks.items() if look is not None}
    if not usable:
        raise UsageError(f"{settings.folder} has no photo outside archives that can be read; name a PHOTO instead")
    paths = list(usable)
    parents = np.array([str(PurePosixPath(path).parent) for path in paths])
    apart = (parents[:, None] != parents[None]).astype(np.float32) * _FOLDERS_APART
    chosen = farthest_points(np.stack(list(usable.values())), count, apart)
    return [settings.folder / paths[number] for number in chosen]


def spread_over_folders(paths: Sequence[str], most: int) -> list[str]:
    """Return at most so many paths, as many from each folder as possible, and from all over each; in their order."""
    by_folder: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_folder[str(PurePosixPath(path).parent)].append(path)
    folders: list[list[str]] = [names for _, names in sorted(by_folder.items())]
    folders = _evenly(folders, most)
    each = dict.fromkeys(range(len(folders)), 0)
    left = most
    while left > 0 and any(each[number] < len(names) for number, names in enumerate(folders)):
        for number, names in enumerate(folders):
            if left > 0 and each[number] < len(names):
                each[number] += 1
                left -= 1
    return [path for number, names in enumerate(folders) for path in _evenly(names, each[number])]


def _evenly(items: Sequence[_Item], most: int) -> list[_Item]:
    if len(items) <= most:
        return list(items)
    return [items[number * len(items) // most] for number in range(most)]
