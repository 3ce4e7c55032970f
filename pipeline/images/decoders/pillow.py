"""Reads with Pillow what it reads right: JPEG, WebP, GIF, BMP, JPEG 2000, 8-bit PNG, AVIF. Owns its pixel limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Final

from PIL import Image

from pipeline.images.color import modes
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.raster import Box, Pixels, Raster, Size
from pipeline.images.metadata import Metadata, collect, orientation

FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "GIF", "JPEG2000")
#: Formats whose plugin applies the orientation itself.
_ORIENTED_BY_PILLOW: Final = frozenset({"HEIF"})
_ANIMATIONS: Final = frozenset({"PNG", "WEBP", "AVIF", "GIF"})


class PillowFile:
    """A file that Pillow has opened; see :class:`pipeline.images.decoders.raster.OpenedFile`."""

    def __init__(self, file: PhotoFile) -> None:
        """Read the header. Raises what Pillow raises."""
        with PIXEL_LIMIT.lifted():
            self._image = self._open(file)
        self._size = self._image.size  # Pillow's changes when a JPEG is reduced
        self._file = file

    def _open(self, file: PhotoFile) -> Image.Image:
        return Image.open(file.stream(), formats=FORMATS)

    @property
    def size(self) -> Size:
        """Return width and height as stored."""
        return self._size

    def metadata(self) -> Metadata:
        """Return the file's metadata."""
        return self._metadata

    @cached_property
    def _metadata(self) -> Metadata:
        return collect(self._image)

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels; a large JPEG at a fraction of its size, twice what is chosen or more."""
        image = self._image
        box = _draft(image, choose_size(self._size))
        image.load()
        return self._raster(modes.to_eight_bits(image), box)

    def _raster(self, pixels: Pixels, box: Box | None = None) -> Raster:
        """Return what was decoded with what the file says of it."""
        image = self._image
        number = 1 if image.format in _ORIENTED_BY_PILLOW else orientation(self.metadata())
        return Raster(pixels, image.info.get("icc_profile", b""), number, box, self._notes())

    def _notes(self) -> tuple[str, ...]:
        image = self._image
        if image.format not in _ANIMATIONS:
            return ()
        try:
            frames = getattr(image, "n_frames", 1)  # Pillow looks for them all
        except Exception:  # damage behind the first frame costs nothing
            return ("the file is an animation that is damaged behind its first frame, which is used",)
        return (f"the file is an animation of {frames} frames: the first is used",) if frames > 1 else ()


def _draft(image: Image.Image, target: Size) -> Box | None:
    """Let libjpeg decode a large JPEG at 1/2, 1/4 or 1/8, to twice the target or more; return the photo's box in it.

    The reduced size is rounded up to whole pixels: the box (left, top, right, bottom) is what the photo covers.
    """
    if image.format not in {"JPEG", "MPO"}:
        return None
    drafted = image.draft(None, (2 * target[0], 2 * target[1]))
    return drafted[1] if drafted else None


class _PixelLimit:
    """Pillow's own limit: one number for the whole process, which can't be raised for a photo that the user trusts.

    The limit of :func:`pipeline.images.decode.decode` takes its place. What else the process opens with Pillow
    keeps it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opening = 0
        self._limit: int | None = None

    @contextmanager
    def lifted(self) -> Iterator[None]:
        with self._lock:
            if not self._opening:
                self._limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._opening += 1
        try:
            yield
        finally:
            with self._lock:
                self._opening -= 1
                if not self._opening:
                    Image.MAX_IMAGE_PIXELS = self._limit


PIXEL_LIMIT: Final = _PixelLimit()
