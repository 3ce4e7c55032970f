"""Reads JPEG XL with libjxl: 8 bits through pillow-jxl-plugin, more bits with imagecodecs, both with its ICC profile.

libjxl turns a picture upright, except a JPEG that was packed without loss: that is given back as the JPEG it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import imagecodecs
import numpy as np
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images import jpeg_xl
from pipeline.images.decode_errors import damaged, reading_library, require_memory
from pipeline.images.decoders.jpeg_xl_header import CODESTREAM_START, Header, read_header
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.pillow import PillowFile
from pipeline.images.decoders.raster import (
    MODES_OF_LIGHT,
    DeepPixels,
    Pixels,
    Raster,
    Size,
    by_channels,
    unmultiplied,
)
from pipeline.images.metadata import Metadata

_USUAL_HEADER_BYTES: Final = 4096


def is_jpeg_xl(file: PhotoFile) -> bool:
    """Whether a file is JPEG XL, with boxes or without."""
    return file.head.startswith(CODESTREAM_START) or jpeg_xl.is_container(file.head)


class JpegXlFile:
    """A JPEG XL file; see :class:`pipeline.images.decoders.raster.OpenedFile`."""

    def __init__(self, file: PhotoFile) -> None:
        """Read the header. Raises CodecError and PhotoError."""
        self._plugin = reading_library("pillow_jxl", "JPEG XL")
        self._file = file
        self._jpeg: PillowFile | None = None
        try:
            self._header = _header_of(file)
        except EOFError as error:
            raise damaged(str(error)) from error

    @property
    def size(self) -> Size:
        """Return width and height as stored."""
        return self._header.size

    def metadata(self) -> Metadata:
        """Return the file's metadata; that of a JPEG is known in full once it is loaded."""
        if self._jpeg is not None:
            return self._jpeg.metadata()
        return jpeg_xl.metadata_in(self._file.data) if jpeg_xl.is_container(self._file.head) else Metadata()

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels in full."""
        try:
            is_jpeg, info, data, profile, _ = self._plugin.Decoder()(self._file.data)
            if is_jpeg:
                self._jpeg = PillowFile(PhotoFile.of(bytes(data)))
                return self._jpeg.load(choose_size)
            return self._raster(info, data, bytes(profile or b""))
        except RuntimeError as error:
            require_memory(math.prod(self.size))
            raise damaged("libjxl can't decode it") from error

    def _raster(self, info: Any, data: bytes, profile: bytes) -> Raster:
        header = self._header
        if profile[16:20] == b"CMYK":
            raise PhotoError("the file is JPEG XL in CMYK, which can't be read: save it as RGB")
        notes = ("the file is an animation: its first frame is used",) if header.is_animated else ()
        if header.bits > 8 or header.is_animated:
            return Raster(self._first_frame(), profile, notes=notes)
        return Raster(self._shallow(info.mode, (info.width, info.height), bytes(data)), profile, notes=notes)

    def _shallow(self, mode: str, size: Size, data: bytes) -> Image.Image:
        stored = f"{mode[:-1]}a" if self._header.is_multiplied else mode
        return Image.frombytes(stored, size, data).convert(mode)

    def _first_frame(self) -> Pixels:
        values = by_channels(imagecodecs.jpegxl_decode(self._file.data, index=0))
        mode = MODES_OF_LIGHT[values.shape[2]]
        if values.dtype == np.uint8:
            return self._shallow(mode, (values.shape[1], values.shape[0]), values.tobytes())
        white = 1.0 if self._header.is_float else float((1 << self._header.bits) - 1)
        pixels = DeepPixels(values, mode, white)
        return unmultiplied(pixels) if self._header.is_multiplied else pixels


def _header_of(file: PhotoFile) -> Header:
    """Return the header, most often from the beginning of the file alone. Raises EOFError where it is cut short."""
    try:
        return read_header(file.stream().read(_USUAL_HEADER_BYTES))
    except EOFError:  # metadata may stand before it
        return read_header(file.data)
