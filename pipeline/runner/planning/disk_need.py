"""Estimates how much disk the pictures of a run take, and whether so much is free. Owns the rule; writes nothing.

What finished pictures take a pixel is what the next ones take; without any a rule of thumb is used.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from pipeline.errors import JobError
from pipeline.images.decode import read_size
from pipeline.images.encode import suffix_of
from pipeline.images.timelapse import FRAME_BYTES, LONG_SIDE_PIXELS, MOST_FRAMES
from pipeline.intake.mounts import nearest_existing
from pipeline.model import PictureFormat, PictureOptions, PreviewOptions, Recipe
from pipeline.runner.planning.forecast import TYPICAL_PROPORTION

#: So many finished pictures are measured.
SAMPLE: Final = 200

#: Bytes a pixel by quality, as measured on pictures of several styles; between two points in proportion.
_BYTES_PER_PIXEL: Final[dict[PictureFormat, tuple[tuple[int, float], ...]]] = {
    "jpeg": ((1, 0.05), (50, 0.4), (75, 0.6), (92, 1.15), (100, 2.4)),
    "webp": ((1, 0.05), (50, 0.3), (75, 0.4), (92, 0.65), (100, 0.9)),
    "png": ((1, 2.5), (100, 2.5)),
    "tiff": ((1, 2.6), (100, 2.6)),
    "avif": ((1, 0.04), (50, 0.22), (75, 0.55), (92, 1.05), (100, 2.3)),
    "jxl": ((1, 0.06), (50, 0.18), (75, 0.35), (92, 0.7), (99, 1.4), (100, 2.25)),
}
#: The gallery's small copies, WebP, as measured on pictures and photos.
_COPY_BYTES_PER_PIXEL: Final = 0.25
#: With 16 bits: half of them are noise, which no format compresses.
_DEEP_BYTES_PER_PIXEL: Final = 5.8


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskNeed:
    """By how many ``bytes`` the pictures' folder grows. ``free_bytes`` is None if the disk can't be read.

    ``min_free_bytes`` have to stay free. ``learned``: finished pictures were measured.
    """

    bytes: int
    free_bytes: int | None
    min_free_bytes: int
    learned: bool

    @property
    def fits(self) -> bool:
        """Whether there is room; assumed if that is unknown."""
        return self.free_bytes is None or self.bytes <= max(0, self.free_bytes - self.min_free_bytes)


def disk_need(
    output: Path,
    options: PictureOptions,
    min_free_bytes: int,
    *,
    pixels: float,
    finished: Iterable[str],
    replaced: Sequence[str],
    copies_bytes: float = 0.0,
) -> DiskNeed:
    """Return what pictures with so many ``pixels`` all together take, and ``copies_bytes`` beside them.

    ``finished`` are names of pictures to learn from, ``replaced`` those that new ones take the place of.
    """
    # A suffix does not tell how many bits there are; of 16, all pictures take nearly the same.
    deep = options.bit_depth == 16
    per_pixel = None if deep else _measured_bytes_per_pixel(output, suffix_of(options.format), finished)
    total = pixels * (usual_bytes_per_pixel(options) if per_pixel is None else per_pixel)
    return DiskNeed(
        bytes=max(0, round(total - _size_of_all(output, replaced))) + round(copies_bytes),
        free_bytes=free_bytes(output),
        min_free_bytes=min_free_bytes,
        learned=per_pixel is not None,
    )


def copies_bytes(previews: PreviewOptions | None, pictures: int, photos: int) -> float:
    """Return what the gallery's copies of so many pictures of so many photos take, as if there were none yet."""
    if previews is None:
        return 0.0
    small, large = previews.thumbnail_pixels**2, previews.photo_pixels**2
    sides = pictures * small + (photos * (small + large) if previews.photo_pixels else 0)
    return TYPICAL_PROPORTION * _COPY_BYTES_PER_PIXEL * sides


def timelapse_bytes(recipe: Recipe, proportion: float) -> float:
    """Return what the time-lapse of a picture takes, 0 without; ``proportion``: its short side by its long."""
    if not recipe.timelapse:
        return 0.0
    frame = min(recipe.size, LONG_SIDE_PIXELS) ** 2 * proportion * _COPY_BYTES_PER_PIXEL
    return MOST_FRAMES * min(frame, FRAME_BYTES)


def usual_bytes_per_pixel(options: PictureOptions) -> float:
    """Return what a picture of a quality usually takes."""
    if options.bit_depth == 16:
        return _DEEP_BYTES_PER_PIXEL
    for (low, less), (high, more) in pairwise(_BYTES_PER_PIXEL[options.format]):
        if options.quality <= high:
            return less + (more - less) * (options.quality - low) / (high - low)
    raise AssertionError("a quality is 100 at most")


def _measured_bytes_per_pixel(output: Path, suffix: str, finished: Iterable[str]) -> float | None:
    total_bytes, total_pixels = 0, 0
    for name in finished:
        path = output / name
        try:
            if path.suffix == suffix:
                total_pixels += math.prod(read_size(path))
                total_bytes += path.stat().st_size
        except (JobError, OSError):
            continue
    return total_bytes / total_pixels if total_pixels else None


def _size_of_all(output: Path, names: Sequence[str]) -> float:
    """Return how many bytes these files take together, by a sample of them."""
    sample = names[:: -(-len(names) // SAMPLE) or 1]
    return sum(map(_size, (output / name for name in sample))) * len(names) / len(sample) if sample else 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def free_bytes(folder: Path) -> int | None:
    """Return how much is free on a folder's disk, None if that can't be found out."""
    try:
        return shutil.disk_usage(nearest_existing(folder)).free
    except OSError:
        return None
