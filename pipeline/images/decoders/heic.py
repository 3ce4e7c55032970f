"""Reads HEIC and other HEIF with pillow-heif: 8 bits through Pillow, 10 and 12 bits at full depth.

libheif applies what the file says of rotation, mirroring and cropping. Of several pictures it is the primary one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, cast

import numpy as np
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images.decode_errors import reading_library
from pipeline.images.decoders import iso_media
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.pillow import PillowFile
from pipeline.images.decoders.raster import DeepPixels, Mode, Raster, Size, unmultiplied

_MODES: Final[dict[str, Mode]] = {"I;16": "L", "LA;16": "LA", "La;16": "LA", "RGB;16": "RGB"}
_MODES_WITH_ALPHA: Final[dict[str, Mode]] = {"RGBA;16": "RGBA", "RGBa;16": "RGBA"}
_OTHER_CODEC: Final = re.compile(r"compression format has not been built in: (.*?) \(")
#: What Pillow says where libheif has counted no picture that it could decode.
_NO_PICTURE: Final = "not identified by this driver"
_PRIMARY: Final = b"pitm"
_HELP: Final = "save it as JPEG or PNG"


class HeicFile(PillowFile):
    """A HEIC file; see :class:`pipeline.images.decoders.raster.OpenedFile`."""

    def __init__(self, file: PhotoFile) -> None:
        """Read the header. Raises CodecError, PhotoError, and what Pillow and pillow-heif raise."""
        self._library = reading_library("pillow_heif", "HEIC")
        super().__init__(file)

    def _open(self, file: PhotoFile) -> Image.Image:
        try:
            return cast(Image.Image, self._library.HeifImageFile(file.stream()))
        except Exception as error:
            raise _refusal(file, error) from error

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels in full."""
        try:
            if self._image.info["bit_depth"] <= 8:
                return super().load(choose_size)
            return self._raster(self._deep_pixels())
        except Exception as error:
            raise _refusal(self._file, error) from error

    def _deep_pixels(self) -> DeepPixels:
        image = self._library.open_heif(self._file.data, convert_hdr_to_8bit=False)
        values = np.asarray(image)  # decodes
        mode = _MODES.get(image.mode) or _MODES_WITH_ALPHA[image.mode]
        pixels = DeepPixels(values.reshape(*values.shape[:2], -1), mode, _white(image.info["bit_depth"]))
        return unmultiplied(pixels) if "a" in image.mode else pixels

    def _notes(self) -> tuple[str, ...]:
        if iso_media.holds_sequence(iso_media.brands(self._file)):
            return ("the file holds a sequence of pictures, too: its still picture is used",)
        return ()


def _white(bits: int) -> float:
    """Return the largest value: pillow-heif shifts values up to 16 bits, and leaves the lowest bits 0."""
    return float((1 << bits) - 1 << 16 - bits)


def _refusal(file: PhotoFile, error: Exception) -> Exception:
    """Return what to raise for an error: one that says what the file is, where that is what it can't be read for."""
    if match := _OTHER_CODEC.search(str(error)):
        return PhotoError(f"the file is HEIF with a picture in {match[1]}, which can't be read: {_HELP}")
    if _NO_PICTURE in str(error):
        return PhotoError(
            f"the file is HEIF of a kind that can't be read (uncompressed, or without a picture): {_HELP}"
        )
    if _PRIMARY not in file.data and iso_media.holds_sequence(iso_media.brands(file)):
        return PhotoError(f"the file is a HEIF sequence without a still picture, which can't be read: {_HELP}")
    return error
