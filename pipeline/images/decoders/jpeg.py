"""Reads JPEG: 8 bits with Pillow, 12 bits and lossless ones of up to 16 with libjpeg-turbo through imagecodecs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import imagecodecs
from PIL import UnidentifiedImageError

from pipeline.errors import PhotoError
from pipeline.images.decode_errors import damaged
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.pillow import PillowFile
from pipeline.images.decoders.raster import DeepPixels, Mode, Raster, Size, by_channels

START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
#: Markers of the segment that begins a frame of more than 8 bits: extended, progressive, lossless.
_DEEP_FRAMES: Final = frozenset({0xC1, 0xC2, 0xC3})
_MODES: Final[dict[int, Mode]] = {1: "L", 3: "RGB"}


def open_jpeg(file: PhotoFile) -> PillowFile:
    """Read a JPEG's header. Raises PhotoError, and what Pillow raises."""
    try:
        return PillowFile(file)
    except UnidentifiedImageError as error:
        depth_at = _depth_at(file.data)
        if depth_at is None or file.data[depth_at] in {0, 8}:
            raise
        if _END not in file.data[depth_at:]:  # libjpeg fills up what is missing
            raise damaged("its end is missing") from error
        return _DeepJpegFile(file, depth_at)


class _DeepJpegFile(PillowFile):
    """A JPEG of more than 8 bits, whose header Pillow reads as that of one with 8."""

    def __init__(self, file: PhotoFile, depth_at: int) -> None:
        data = bytearray(file.data)
        self._bits, data[depth_at] = data[depth_at], 8
        self._deep_data = file.data
        super().__init__(PhotoFile.of(bytes(data)))

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels in full."""
        del choose_size
        values = by_channels(imagecodecs.jpeg_decode(self._deep_data))
        if values.shape[2] not in _MODES:
            raise PhotoError(f"the file is a JPEG of {self._bits} bits in CMYK, which can't be read: save it as RGB")
        return self._raster(DeepPixels(values, _MODES[values.shape[2]], float((1 << self._bits) - 1)))


def _depth_at(data: bytes) -> int | None:
    """Return where the number of bits a sample stands; None if they can only be 8."""
    at = len(START)
    while at + 4 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _DEEP_FRAMES:
            return at + 4
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
