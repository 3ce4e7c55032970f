"""Reads the BMP files that Pillow does not: bit fields of any layout, and embedded JPEG or PNG.

Windows' BITMAPV5HEADER: https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapv5header
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images.decoders.raster import DeepPixels, Mode, Raster, Size
from pipeline.images.metadata import Metadata

_BIT_FIELDS, _JPEG, _PNG, _ALPHA_BIT_FIELDS = 3, 4, 5, 6
_MASKS_AT: Final = 54
_HEADER_WITH_ALPHA_MASK_BYTES: Final = 56


@dataclass(frozen=True, slots=True)
class BitFieldsFile:
    """A BMP of 16 or 32 bits a pixel; see :class:`pipeline.images.decoders.raster.OpenedFile`.

    ``masks``: which bits of a pixel are red, green, blue and alpha.
    """

    data: bytes
    size: Size
    is_bottom_up: bool
    bits: int
    masks: tuple[int, ...]
    pixels_at: int

    def metadata(self) -> Metadata:
        """Return nothing: BMP holds no metadata."""
        return Metadata()

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels in full. Raises PhotoError for a file that is cut short."""
        del choose_size
        pixels = self._stored_pixels()
        masks = [mask for index, mask in enumerate(self.masks) if mask or index < 3]
        channels = [_field(pixels, mask) for mask in masks]
        mode: Mode = "RGBA" if len(masks) == 4 else "RGB"
        if max(mask.bit_count() for mask in masks) > 8:
            return Raster(DeepPixels(np.dstack(channels), mode, 1.0))
        return Raster(Image.fromarray(np.rint(np.dstack(channels) * 255).astype(np.uint8)))

    def _stored_pixels(self) -> NDArray[np.unsignedinteger]:
        width, height = self.size
        row_bytes = (width * self.bits + 31) // 32 * 4
        stored = self.data[self.pixels_at : self.pixels_at + row_bytes * height]
        if len(stored) < row_bytes * height:
            raise PhotoError("the file is damaged or cut short (rows are missing): copy it again from its source")
        rows = np.frombuffer(stored, f"<u{self.bits // 8}").reshape(height, -1)[:, :width]
        return rows[::-1] if self.is_bottom_up else rows


def _field(pixels: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.float32]:
    """Return the number under a mask, 0..1; a mask of no bits gives 0."""
    if not mask:
        return np.zeros(pixels.shape, np.float32)
    shift = (mask & -mask).bit_length() - 1
    return ((pixels & pixels.dtype.type(mask)) >> shift).astype(np.float32) / np.float32(mask >> shift)


def open_bit_fields(data: bytes) -> BitFieldsFile | None:
    """Read a BMP's header; None if its pixels are not in bit fields."""
    header = _header(data)
    if header is None or header.compression not in {_BIT_FIELDS, _ALPHA_BIT_FIELDS} or header.bits not in {16, 32}:
        return None
    has_alpha = header.header_bytes >= _HEADER_WITH_ALPHA_MASK_BYTES or header.compression == _ALPHA_BIT_FIELDS
    masks = struct.unpack_from(f"<{3 + has_alpha}I", data, _MASKS_AT)
    size = (header.width, abs(header.height))
    return BitFieldsFile(data, size, header.height > 0, header.bits, masks, header.pixels_at)


def embedded_file(data: bytes) -> bytes:
    """Return the JPEG or PNG that a BMP holds, b"" if it holds none."""
    header = _header(data)
    return data[header.pixels_at :] if header is not None and header.compression in {_JPEG, _PNG} else b""


class _Header(NamedTuple):
    pixels_at: int
    header_bytes: int
    width: int
    height: int
    planes: int
    bits: int
    compression: int


def _header(data: bytes) -> _Header | None:
    """Return a header of Windows, which has 40 bytes or more; None for others and for damaged ones."""
    if data[:2] != b"BM" or len(data) < _MASKS_AT + 16:
        return None
    header = _Header._make(struct.unpack_from("<IIiiHHI", data, 10))
    return header if header.header_bytes >= 40 and header.width > 0 and header.height else None
