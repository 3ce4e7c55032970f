"""Pictures with known pixels, and files made of them."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

from pipeline.images.decode import DecodedPhoto, decode
from pipeline.images.encode import Provenance, write_picture
from pipeline.images.metadata import Metadata
from pipeline.model import PictureOptions

PROVENANCE = Provenance(
    style="nächt", recipe="default", program="stylewatch 9.9", key="ab" * 32, written="jpeg 90 keep"
)

Image.init()  # before a test takes a library away
pillow_heif.register_heif_opener()  # lets Pillow write HEIC

#: Top left, top right, bottom left, bottom right of the upright picture.
CORNERS = np.array([[(200, 30, 30), (30, 180, 30)], [(30, 30, 200), (200, 200, 40)]], dtype=np.uint8)


def four_corners(size: int = 32) -> NDArray[np.uint8]:
    """A picture twice as wide as high, one color in each quarter."""
    return CORNERS.repeat(size // 2, axis=0).repeat(size, axis=1)


def file_of(image: Image.Image, picture_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, picture_format, **options)
    return buffer.getvalue()


def flat(mode: str, color: Any, size: tuple[int, int] = (8, 8)) -> Image.Image:
    return Image.new(mode, size, color)


def decoded(data: bytes, long_side: int = 8) -> DecodedPhoto:
    return decode(data, long_side=long_side, max_pixels=10_000_000)


def corners_of(pixels: NDArray[Any]) -> NDArray[Any]:
    """The middle pixels of the four quarters."""
    height, width = pixels.shape[:2]
    return pixels[[height // 4, height * 3 // 4]][:, [width // 4, width * 3 // 4]]


def assert_color(pixels: NDArray[Any], expected: Any, tolerance: int = 0) -> None:
    """All pixels, 0..255 or floats of 0..1, have the expected color, or each the color at its place."""
    if pixels.dtype.kind == "f":
        pixels = np.rint(pixels * 255)
    assert np.abs(pixels.astype(int) - np.asarray(expected)).max() <= tolerance


def orientation_block(number: int, order: str = "<") -> bytes:
    """An EXIF block (no prefix) that holds nothing but an orientation."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    return head + struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, number, 0, 0)


def as_stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The pixels a camera writes so that ``orientation`` turns them upright."""
    match orientation:
        case 2:
            return upright[:, ::-1]
        case 3:
            return upright[::-1, ::-1]
        case 4:
            return upright[::-1]
        case 5:
            return upright.transpose(1, 0, 2)
        case 6:
            return upright.transpose(1, 0, 2)[::-1]
        case 7:
            return upright.transpose(1, 0, 2)[::-1, ::-1]
        case 8:
            return upright.transpose(1, 0, 2)[:, ::-1]
    return upright


def jpeg_with(*segments: tuple[int, bytes], image: Image.Image | None = None) -> bytes:
    """A JPEG with segments (marker, content) right after its start."""
    data = file_of(image or flat("RGB", "red"), "JPEG", quality=95)
    added = b"".join(struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content for marker, content in segments)
    return data[:2] + added + data[2:]


def written(
    path: Path,
    picture_format: Any = "jpeg",
    metadata: Metadata | None = None,
    policy: Any = "keep",
    pixels: Any = None,
    alpha: Any = None,
    photo_profile: bytes = b"",
    **options: Any,
) -> tuple[str, ...]:
    """Write a small picture and return the notes."""
    if pixels is None:
        pixels = np.full((6, 8, 3), 0.5, dtype=np.float32)
    how = PictureOptions(format=picture_format, metadata=policy, **options)
    return write_picture(pixels, alpha, metadata or Metadata(), PROVENANCE, how, path, photo_profile=photo_profile)
