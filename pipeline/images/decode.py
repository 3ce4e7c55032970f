"""From the bytes of a photo to upright sRGB pixels of the wanted size. Owns decoding; refuses to guess at damage.

A file is either decoded whole or refused with a PhotoError: Pillow's LOAD_TRUNCATED_IMAGES stays off. The size is
checked in the header, before anything is decoded, against the caller's own limit.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import CodecError, PaintingChangedError, PaintingError, PhotoError
from pipeline.hashing import sha256_of_bytes
from pipeline.images import color
from pipeline.images.decode_errors import judged, register_heif
from pipeline.images.metadata import Metadata, collect, orientation

Size = tuple[int, int]

FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")
PAINTING_LONG_SIDE_PIXELS: Final = 4096
PAINTING_MAX_PIXELS: Final = 500_000_000

_NO_ANIMATIONS: Final = frozenset({"PNG", "WEBP", "AVIF"})
#: Formats whose plugins turn the picture upright themselves.
_TURNED_BY_PILLOW: Final = frozenset({"TIFF", "HEIF"})
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's own limit is one number for the whole process, warns or raises by its size, and can't be raised for a
# photo its owner trusts. _check_size has its place.
Image.MAX_IMAGE_PIXELS = None
# What Pillow logs about a damaged file is in the PhotoError; without a handler it would go to the terminal as well.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPhoto:
    """A photo, ready to be stylized.

    ``pixels``: (H, W, 3) uint8, sRGB, upright, transparent parts over white. ``alpha``: (H, W) uint8, None if the
    photo is opaque. ``notes``: for the log.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    metadata: Metadata
    notes: tuple[str, ...] = ()


def decode(data: bytes, *, long_side: int, max_pixels: int) -> DecodedPhoto:
    """Decode a photo so that its long side is exactly ``long_side`` pixels; a smaller one is enlarged (Lanczos).

    Raises PhotoError for what is damaged, cut short, animated, no picture, or has more than ``max_pixels``;
    CodecError if the library that reads it is not there, MemoryError if memory is short.
    """
    return _decode(data, max_pixels, lambda size: fit(size, long_side))


def decode_painting(path: Path, sha256: str | None = None) -> NDArray[np.uint8]:
    """Return a painting as (H, W, 3) uint8, sRGB, upright: in full, or reduced to a long side of 4096 pixels.

    With ``sha256`` the very bytes that are decoded must have this hash.
    Raises PaintingError, PaintingChangedError, MemoryError.
    """

    def whole_or_bounded(size: Size) -> Size:
        return size if max(size) <= PAINTING_LONG_SIDE_PIXELS else fit(size, PAINTING_LONG_SIDE_PIXELS)

    try:
        data = path.read_bytes()
        if sha256 is not None and sha256_of_bytes(data) != sha256:
            raise PaintingChangedError(
                f"the painting {path} is another one by now than when this run began (replaced, or still being "
                f"written), and nothing is made of it: the next run goes on with the painting that is there then"
            )
        return _decode(data, PAINTING_MAX_PIXELS, whole_or_bounded).pixels
    except OSError as error:
        raise PaintingError(
            f"the painting {path} can't be read ({error.strerror}): name an existing picture"
        ) from error
    except (PhotoError, CodecError) as error:
        raise PaintingError(f"the painting {path} can't be used: {error}") from error


def read_size(file: Path | BinaryIO) -> Size:
    """Return a picture's width and height as its header has them, perhaps sideways. Raises as :func:`decode` does."""
    with judged(b""), Image.open(file, formats=_readable_formats()) as image:
        return image.size


def read_metadata(data: bytes) -> Metadata:
    """Return a picture's metadata without decoding its pixels. Raises as :func:`decode` does."""
    with judged(data):
        return collect(_open(data), data)


def fit(size: Size, long_side: int) -> Size:
    """Return the size of the same shape whose long side is ``long_side`` and whose short side is at least 1 pixel."""
    longest = max(size)
    width, height = (max(1, round(side * long_side / longest)) for side in size)
    return width, height


def _decode(data: bytes, max_pixels: int, choose_size: Callable[[Size], Size]) -> DecodedPhoto:
    with judged(data):
        image = _open(data)
    full_size = image.size
    pixels = math.prod(full_size)
    with judged(data, pixels):
        _check_size(full_size, max_pixels)
        if image.format in _NO_ANIMATIONS and getattr(image, "is_animated", False):
            raise PhotoError("the file is an animation: save the frame you want as a picture of its own")
        box = _draft(image, choose_size(full_size))
        image.load()
        metadata = collect(image, data)
        turn = 1 if image.format in _TURNED_BY_PILLOW else orientation(metadata)
        # Pillow announces a turned TIFF's size before it turns the pixels.
        stored_size = image.size if box is None else full_size
        profile = image.info.get("icc_profile", b"")
        small = color.plain(image).resize(choose_size(stored_size), Image.Resampling.LANCZOS, box=box)
    opaque, alpha = _split_alpha(_turned(small, turn))
    with judged(data, pixels):
        rgb, note = color.to_srgb(opaque, profile)
    return DecodedPhoto(_over_white(rgb, alpha), alpha, metadata, (note,) if note else ())


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=_readable_formats())


def _readable_formats() -> tuple[str, ...]:
    return FORMATS if register_heif() else (*FORMATS, "HEIF")


def _check_size(size: Size, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PhotoError(f"the picture has {width} × {height} pixels, {too_many_pixels(max_pixels)}")


def too_many_pixels(max_pixels: int) -> str:
    """Say that a picture has too many pixels."""
    return f"more than the allowed {max_pixels}: reduce it, or raise input.max_megapixels if you trust it"


def _draft(image: Image.Image, target: Size) -> tuple[float, float, float, float] | None:
    """Let libjpeg decode a large JPEG at 1/2, 1/4 or 1/8, to at least twice the target; return its frame.

    The reduced size is rounded up to whole pixels: the frame (left, top, right, bottom) is what the photo covers.
    """
    if image.format not in {"JPEG", "MPO"}:
        return None
    drafted = image.draft(None, (2 * target[0], 2 * target[1]))
    return drafted[1] if drafted else None


def _turned(image: Image.Image, turn: int) -> Image.Image:
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


def _split_alpha(image: Image.Image) -> tuple[Image.Image, NDArray[np.uint8] | None]:
    """Return the colors and the alpha channel of an L, LA, RGB, RGBA, CMYK or LAB image; None where it is opaque."""
    if image.mode not in {"LA", "RGBA"}:
        return image, None
    alpha = np.array(image.getchannel("A"))
    return image.convert(image.mode[:-1]), None if alpha.min() == 255 else alpha


def _over_white(rgb: Image.Image, alpha: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    pixels = np.array(rgb)
    return pixels if alpha is None else over_white(pixels, alpha)


def over_white(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 pixels with (H, W) uint8 alpha laid over white."""
    opacity = alpha[..., None] / np.float32(255)
    mixed = pixels * opacity + 255 * (1 - opacity)
    return np.rint(mixed).astype(np.uint8)
