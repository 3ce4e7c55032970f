"""Reads AVIF: 8 bits and sequences with Pillow, 10 and 12 bits with imagecodecs. Owns the clean aperture.

Neither library cuts a picture to its clean aperture (clap), which holds before the picture is turned and mirrored.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import imagecodecs
import numpy as np
from PIL import Image, UnidentifiedImageError

from pipeline.images.decode_errors import require_memory
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.pillow import PillowFile
from pipeline.images.decoders.raster import MODES_OF_LIGHT, DeepPixels, Pixels, Raster, Size, by_channels
from pipeline.images.item_properties import Property, association_tables, primary_properties

_HIGH_DEPTH, _TWELVE_BITS = 0x40, 0x20
_MOST_TABLES: Final = 256


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a picture, in pixels."""

    left: int
    top: int
    size: Size

    def of(self, pixels: Pixels) -> Pixels:
        """Return this part of a picture."""
        (width, height), right, bottom = self.size, self.left + self.size[0], self.top + self.size[1]
        if isinstance(pixels, Image.Image):
            return pixels.crop((self.left, self.top, right, bottom))
        values = pixels.values[self.top : self.top + height, self.left : self.left + width]
        return DeepPixels(values, pixels.mode, pixels.white, pixels.inverted)


class AvifFile(PillowFile):
    """An AVIF, of which Pillow reads the header and 8 bits."""

    def __init__(self, file: PhotoFile) -> None:
        """Read the header. Raises what Pillow raises."""
        super().__init__(file)
        image, tile = primary_properties(file.data)
        self._crop = _clean_aperture(image, super().size)
        self._bits = _bits(image) or _bits(tile) or 8

    @property
    def size(self) -> Size:
        """Return width and height of the clean aperture, before the picture is turned."""
        return super().size if self._crop is None else self._crop.size

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels in full, and cut them to the clean aperture."""
        # Of a sequence imagecodecs writes beyond its memory where one frame is asked for.
        is_still = not getattr(self._image, "is_animated", False)
        deep = self._deep_pixels() if self._bits > 8 and is_still else None
        raster = super().load(choose_size) if deep is None else self._raster(deep)
        return raster if self._crop is None else replace(raster, pixels=self._crop.of(raster.pixels))

    def _deep_pixels(self) -> DeepPixels | None:
        """Return the pixels; None where libavif is stricter than Pillow lets it be."""
        try:
            values = by_channels(imagecodecs.avif_decode(self._file.data))
        except imagecodecs.AvifError:
            require_memory(self._image.width * self._image.height)
            return None
        if values.dtype != np.uint16 or values.shape[1::-1] != self._image.size:
            return None
        return DeepPixels(values, MODES_OF_LIGHT[values.shape[2]], float((1 << self._bits) - 1))


def open_avif(file: PhotoFile) -> AvifFile:
    """Read an AVIF's header. Raises what Pillow raises."""
    try:
        return AvifFile(file)
    except UnidentifiedImageError:
        return AvifFile(PhotoFile.of(_with_distinct_tables(file.data)))


def _with_distinct_tables(data: bytes) -> bytes:
    """Return a file whose tables of properties differ in a flag that means nothing.

    Older encoders wrote one table for each image; libavif refuses a second one with the flags of another.
    """
    changed = bytearray(data)
    seen: set[bytes] = set()
    for number, table in enumerate(association_tables(changed)[:_MOST_TABLES]):
        if bytes(table[:4]) in seen:
            table[1] = number
        seen.add(bytes(table[:4]))
    return bytes(changed)


def _bits(properties: list[Property]) -> int | None:
    """Return the bits a channel by the configuration of AV1's decoder."""
    for name, content in properties:
        if name == b"av1C" and len(content) >= 3:
            return 12 if content[2] & _TWELVE_BITS else 10 if content[2] & _HIGH_DEPTH else 8
    return None


def _clean_aperture(properties: list[Property], size: Size) -> Crop | None:
    """Return the part that is to be shown; None where that is all, or where the numbers make no sense."""
    content = next((content for name, content in properties if name == b"clap"), None)
    if content is None or len(content) < 32:
        return None
    numbers = struct.unpack_from(">IIIIiIiI", content)
    if 0 in numbers[1::2]:
        return None
    width, height, right_by, down_by = (Fraction(*numbers[at : at + 2]) for at in range(0, 8, 2))
    left, top = (size[0] - width) / 2 + right_by, (size[1] - height) / 2 + down_by
    crop = Crop(round(left), round(top), (round(width), round(height)))
    fits = crop.left + crop.size[0] <= size[0] and crop.top + crop.size[1] <= size[1]
    return crop if min(crop.size) > 0 and min(crop.left, crop.top) >= 0 and fits and crop.size != size else None
