"""Reads how large photos are, in their headers. Owns what is assumed where a header can't be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pipeline.errors import JobError
from pipeline.images.decode import read_size
from pipeline.images.decoders.raster import Size
from pipeline.intake.safe_open import open_below

#: The narrowest photo to reckon with while no photo is known.
NARROWEST: Final[Size] = (10, 1)
#: The usual one, in proportions alone.
USUAL: Final[Size] = (3, 2)


def photo_size(folder: Path, photo: str) -> Size | None:
    """Return a photo's sides in pixels, before orientation; None if its header can't be read."""
    try:
        with open_below(folder, photo) as file:
            return read_size(file)
    except (JobError, OSError, MemoryError):
        return None


def sizes_of(folder: Path, photos: Iterable[str]) -> Iterator[Size]:
    """Yield the photos' sides in pixels; those of the narrowest where a header can't be read."""
    for photo in photos:
        yield photo_size(folder, photo) or NARROWEST


def proportion_of(size: Size | None, unknown: float) -> float:
    """Return the short side divided by the long one; ``unknown`` without a size."""
    return min(size) / max(size) if size else unknown
