"""Reads the BMP files that Pillow does not, or not in full: bit fields of any layout, and embedded JPEG or PNG.

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
from pipeline.images.decode_errors import damaged, one_line
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.raster import DeepPixels, Mode, Raster, Size
from pipeline.images.density import Density, density_per_meter
from pipeline.images.metadata import Metadata

_BIT_FIELDS, _JPEG, _PNG, _ALPHA_BIT_FIELDS = 3, 4, 5, 6
_MASKS_AT: Final = 54
_HEADER_WITH_ALPHA_MASK_BYTES: Final = 56
_HEADERS_BYTES: Final = _MASKS_AT + 16
_OS2_HEADER_BYTES: Final = 64
#: What the numbers of bit fields and of an embedded JPEG mean to OS/2.
_OS2_COMPRESSIONS: Final = {3: "Huffman", 4: "RLE24"}
_EMBEDDED_STARTS: Final = (b"\xff\xd8", b"\x89PNG")
_UNSUPPORTED: Final = "Unsupported BMP"


@dataclass(frozen=True, slots=True)
class BitFieldsFile:
    """A BMP of 16 or 32 bits a pixel; see :class:`pipeline.images.decoders.raster.OpenedFile`.

    ``masks``: which bits of a pixel are red, green, blue and, if there is one, alpha.
    """

    file: PhotoFile
    size: Size
    is_bottom_up: bool
    bits: int
    masks: tuple[int, ...]
    pixels_at: int
    density: Density | None

    @property
    def has_alpha(self) -> bool:
        """Whether some bits are an alpha channel, which Pillow leaves out of 16, and knows in few layouts of 32."""
        return len(self.masks) == 4

    def metadata(self) -> Metadata:
        """Return how many pixels make an inch: BMP holds no other metadata."""
        return Metadata(density=self.density)

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels in full. Raises PhotoError for a file that is cut short."""
        del choose_size
        pixels = self._stored_pixels()
        channels = [_field(pixels, mask) for mask in self.masks]
        if self.has_alpha and not channels[3].any():  # of a program that writes none: nothing would be seen
            del channels[3]
        mode: Mode = "RGBA" if len(channels) == 4 else "RGB"
        if max(mask.bit_count() for mask in self.masks) > 8:
            return Raster(DeepPixels(np.dstack(channels), mode, 1.0))
        return Raster(Image.fromarray(np.rint(np.dstack(channels) * 255).astype(np.uint8)))

    def _stored_pixels(self) -> NDArray[np.unsignedinteger]:
        width, height = self.size
        row_bytes = (width * self.bits + 31) // 32 * 4
        stored = self.file.data[self.pixels_at : self.pixels_at + row_bytes * height]
        if len(stored) < row_bytes * height:
            raise damaged("rows are missing")
        rows = np.frombuffer(stored, f"<u{self.bits // 8}").reshape(height, -1)[:, :width]
        return rows[::-1] if self.is_bottom_up else rows


def _field(pixels: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.float32]:
    """Return the number under a mask, 0..1; a mask of no bits gives 0."""
    if not mask:
        return np.zeros(pixels.shape, np.float32)
    shift = (mask & -mask).bit_length() - 1
    return ((pixels & pixels.dtype.type(mask)) >> shift).astype(np.float32) / np.float32(mask >> shift)


def open_bit_fields(file: PhotoFile) -> BitFieldsFile | None:
    """Read a BMP's header; None if its pixels are not in bit fields."""
    data = file.stream().read(_HEADERS_BYTES)
    header = _header(data)
    if header is None or header.compression not in {_BIT_FIELDS, _ALPHA_BIT_FIELDS} or header.bits not in {16, 32}:
        return None
    has_alpha = header.header_bytes >= _HEADER_WITH_ALPHA_MASK_BYTES or header.compression == _ALPHA_BIT_FIELDS
    *colors, alpha = struct.unpack_from("<4I", data, _MASKS_AT)
    masks = (*colors, alpha) if has_alpha and alpha else tuple(colors)
    size = (header.width, abs(header.height))
    density = density_per_meter(header.across, header.down)
    return BitFieldsFile(file, size, header.height > 0, header.bits, masks, header.pixels_at, density)


def embedded_file(data: bytes) -> bytes:
    """Return the JPEG or PNG that a BMP holds, b"" if it holds none."""
    header = _header(data)
    if header is None or header.is_of_os2 or header.compression not in {_JPEG, _PNG}:
        return b""
    inside = data[header.pixels_at :]
    return inside if inside.startswith(_EMBEDDED_STARTS) else b""


def refusal(file: PhotoFile, error: OSError) -> OSError | PhotoError:
    """Return what to raise for a BMP that can't be read: an error that names its kind, if it is a rare one."""
    header = _header(file.stream().read(_HEADERS_BYTES))
    if header is not None and header.is_of_os2 and header.compression in _OS2_COMPRESSIONS:
        kind = f"of OS/2 with {_OS2_COMPRESSIONS[header.compression]} compression, which can't be read"
    elif header is not None and header.bits == 2:
        kind = "of 2 bits a pixel, which can't be read"
    elif _UNSUPPORTED in str(error):
        kind = f"of a kind that can't be read, or damaged ({one_line(error)})"
    else:
        return error
    return PhotoError(f"the file is a BMP {kind}: save it as PNG")


class _Header(NamedTuple):
    pixels_at: int
    header_bytes: int
    width: int
    height: int
    planes: int
    bits: int
    compression: int
    image_bytes: int
    across: int
    down: int

    @property
    def is_of_os2(self) -> bool:
        """Whether it is the header of OS/2, whose numbers of compressions mean others."""
        return self.header_bytes == _OS2_HEADER_BYTES


def _header(data: bytes) -> _Header | None:
    """Return a header of Windows, which has 40 bytes or more; None for others and for damaged ones."""
    if data[:2] != b"BM" or len(data) < _HEADERS_BYTES:
        return None
    header = _Header._make(struct.unpack_from("<IIiiHHIIii", data, 10))
    return header if header.header_bytes >= 40 and header.width > 0 and header.height else None
