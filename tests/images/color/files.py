"""Files that say something about their colors, made by hand."""

import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.images.pictures import file_of

#: Codes of ITU-T H.273 as a cICP chunk holds them: primaries, transfer, matrix, full range.
P3, PQ_2020, HLG_2020 = bytes([12, 13, 0, 1]), bytes([9, 16, 0, 1]), bytes([9, 18, 0, 1])
SRGB_POINTS = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
P3_POINTS = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def gamma(number: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(number * 100_000)))


def chromaticities(points: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(number * 100_000) for number in points)))


def profile_chunk(icc: bytes) -> bytes:
    return chunk(b"iCCP", b"name\0\0" + zlib.compress(icc))


def png(pixels: NDArray[Any], *chunks: bytes) -> bytes:
    """A PNG of uint8 or uint16 pixels, with chunks before them."""
    data = imagecodecs.png_encode(pixels)
    return bytes(data[:33]) + b"".join(chunks) + bytes(data[33:])


def box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), name) + body


def nclx(primaries: int, transfer: int, matrix: int = 0) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, matrix, 128))


def iso_file(properties: list[bytes], places: dict[int, list[int]], primary: int = 1, *more: bytes) -> bytes:
    """The boxes of an AVIF or HEIC without pixels. ``places``: which properties, from 1, an item has."""
    owned = b"".join(struct.pack(f">HB{len(own)}B", item, len(own), *own) for item, own in places.items())
    return box(b"ftyp", b"avif", bytes(4)) + box(
        b"meta",
        bytes(4),
        box(b"pitm", bytes(4), struct.pack(">H", primary)),
        *more,
        box(b"iprp", box(b"ipco", *properties), box(b"ipma", bytes(4), struct.pack(">I", len(places)), owned)),
    )


def avif(pixels: NDArray[np.uint8], primaries: int, transfer: int) -> bytes:
    """An AVIF of 8 bits whose nclx property has been replaced."""
    data = file_of(Image.fromarray(pixels), "AVIF", quality=100, subsampling="4:4:4")
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def bmp(
    pixels: NDArray[np.uint8],
    space: bytes,
    *,
    tail: bytes = b"",
    endpoints: tuple[float, ...] = (0.0,) * 9,
    gammas: tuple[float, ...] = (0.0,) * 3,
    header_bytes: int = 124,
) -> bytes:
    """A BMP of version 5, or 4 with 108 header bytes, of 24 bits; ``tail``: its profile, or the name of its file."""
    height, width = pixels.shape[:2]
    rows = b"".join(row[:, ::-1].tobytes().ljust((width * 3 + 3) // 4 * 4, b"\0") for row in pixels[::-1])
    header = struct.pack("<IiiHHIIiiII16x", header_bytes, width, height, 1, 24, 0, len(rows), 0, 0, 0, 0)
    header += space + struct.pack("<9i", *(round(number * 2**30) for number in endpoints))
    header += struct.pack("<3I", *(round(number * 2**16) for number in gammas))
    if header_bytes == 124:
        header += struct.pack("<IIII", 4, 124 + len(rows) if tail else 0, len(tail), 0)
    start = 14 + header_bytes
    return b"BM" + struct.pack("<IHHI", start + len(rows) + len(tail), 0, 0, start) + header + rows + tail
