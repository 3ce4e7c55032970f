"""Reads what a contact sheet shows small: pictures, photos, paintings. What can't be read is left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image

from pipeline.errors import JobError
from pipeline.images.decode import PAINTING_MAX_PIXELS, decode_reduced
from pipeline.images.previews import reduced

#: The color of a sheet where nothing is drawn.
PAPER: Final = (250, 250, 248)
_MOST_PAINTINGS: Final = 4


def thumbnail(path: Path, most_width: int, most_height: int | None = None) -> Image.Image | None:
    """Return a picture's file reduced to fit a box; None if it can't be read. A small picture is enlarged."""
    side = max(most_width, most_height or 0)
    try:
        pixels = decode_reduced(path.read_bytes(), long_side=side, max_pixels=PAINTING_MAX_PIXELS).pixels
    except (OSError, JobError):
        return None
    height, across = pixels.shape[:2]
    scale = min(most_width / across, (most_height or most_width) / height)
    size = max(1, round(across * scale)), max(1, round(height * scale))
    if scale < 1:
        return Image.fromarray(reduced(pixels, max(size)))
    return Image.fromarray(reduced(pixels, max(pixels.shape[:2]))).resize(size, Image.Resampling.LANCZOS)


def paintings(paths: Sequence[Path], most_width: int, most_height: int | None = None) -> Image.Image | None:
    """Return the paintings of a style side by side, in a box."""
    most = paths[:_MOST_PAINTINGS]
    small = [thumbnail(path, most_width // len(most), most_height) for path in most]
    shown = [each for each in small if each is not None]
    if not shown:
        return None
    row = Image.new("RGB", (sum(each.width for each in shown), max(each.height for each in shown)), PAPER)
    left = 0
    for each in shown:
        row.paste(each, (left, 0))
        left += each.width
    return row
