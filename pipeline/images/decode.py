"""Decodes the bytes of a photo to upright sRGB pixels of the wanted size. Does not repair damaged files.

A file is either decoded whole or refused with a PhotoError: Pillow's LOAD_TRUNCATED_IMAGES stays off. The size in the
header is checked against the caller's limit before anything is decoded. An image that a caller has opened itself is
treated in the same way, as far as it still has its profile and its orientation.
"""

from __future__ import annotations

import io
import logging
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from pipeline.errors import CodecError, PaintingChangedError, PaintingError, PhotoError
from pipeline.hashing import sha256_of_bytes
from pipeline.images import color
from pipeline.images.decode_errors import register_heif, translated_errors
from pipeline.images.metadata import Metadata, collect, orientation

Size = tuple[int, int]

FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")
PAINTING_LONG_SIDE_PIXELS: Final = 4096
PAINTING_MAX_PIXELS: Final = 500_000_000

_NO_ANIMATIONS: Final = frozenset({"PNG", "WEBP", "AVIF"})
#: Formats whose plugins apply the orientation themselves.
_ORIENTED_BY_PILLOW: Final = frozenset({"TIFF", "HEIF"})
_TRANSPOSITIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow logs about a damaged file is in the PhotoError; without a handler it would be printed as well.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPhoto:
    """The pixels of a photo, ready to be stylized, and its metadata.

    ``pixels``: (H, W, 3) uint8, sRGB, upright, transparent parts over white. ``alpha``: (H, W) uint8, None if the
    photo is opaque. ``notes``: for the log.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    metadata: Metadata
    notes: tuple[str, ...] = ()


def decode(data: bytes, *, long_side: int, max_pixels: int) -> DecodedPhoto:
    """Decode a photo so that its long side is exactly ``long_side`` pixels; a smaller one is enlarged (Lanczos).

    Raises PhotoError for a file that is damaged, cut short, animated, not a picture, or has more than ``max_pixels``;
    CodecError if the library that reads it is missing, MemoryError if there is not enough memory.
    """
    return _decode(data, max_pixels, lambda size: fit(size, long_side))


def decode_painting(path: Path, sha256: str | None = None) -> NDArray[np.uint8]:
    """Return a painting as (H, W, 3) uint8, sRGB, upright: in full, or reduced to a long side of 4096 pixels.

    With ``sha256`` the decoded bytes must have this hash.
    Raises PaintingError, PaintingChangedError, MemoryError.
    """
    try:
        data = path.read_bytes()
        if sha256 is not None and sha256_of_bytes(data) != sha256:
            raise PaintingChangedError(
                f"the painting {path} has changed since this run began (replaced, or still being written), so no "
                f"more pictures are made with it: the next run uses the painting that is there then"
            )
        return _decode(data, PAINTING_MAX_PIXELS, _painting_size).pixels
    except OSError as error:
        raise PaintingError(
            f"the painting {path} can't be read ({error.strerror}): name an existing picture"
        ) from error
    except (PhotoError, CodecError) as error:
        raise PaintingError(f"the painting {path} can't be used: {error}") from error


def decode_image(image: Image.Image, *, long_side: int) -> DecodedPhoto:
    """Do as :func:`decode` with an image that is open already; the metadata is left out. Raises as that does.

    Of an animation it is the current frame. A large JPEG's pixels differ a little from those that :func:`decode`
    gives, which lets libjpeg reduce it.
    """
    return _decode_image(image, lambda size: fit(size, long_side))


def decode_painting_image(image: Image.Image) -> NDArray[np.uint8]:
    """Do as :func:`decode_painting` with an image that is open already. Raises as :func:`decode` does."""
    return _decode_image(image, _painting_size).pixels


def _painting_size(size: Size) -> Size:
    return size if max(size) <= PAINTING_LONG_SIDE_PIXELS else fit(size, PAINTING_LONG_SIDE_PIXELS)


def read_size(file: Path | BinaryIO) -> Size:
    """Return a picture's width and height in its header, before orientation. Raises as :func:`decode` does."""
    with translated_errors(b""), _opened(file) as image:
        return image.size


def read_metadata(data: bytes) -> Metadata:
    """Return a picture's metadata without decoding its pixels. Raises as :func:`decode` does."""
    with translated_errors(data):
        return collect(_open(data), data)


def fit(size: Size, long_side: int) -> Size:
    """Return the size of the same proportions with this long side, and a short side of at least 1 pixel."""
    longest = max(size)
    width, height = (max(1, round(side * long_side / longest)) for side in size)
    return width, height


def _decode(data: bytes, max_pixels: int, choose_size: Callable[[Size], Size]) -> DecodedPhoto:
    with _PIXEL_LIMIT.lifted():  # some formats are checked again when they are loaded
        return _decode_of_any_size(data, max_pixels, choose_size)


def _decode_of_any_size(data: bytes, max_pixels: int, choose_size: Callable[[Size], Size]) -> DecodedPhoto:
    with translated_errors(data):
        image = _open(data)
    full_size = image.size
    pixels = math.prod(full_size)
    with translated_errors(data, pixels):
        _check_size(full_size, max_pixels)
        if image.format in _NO_ANIMATIONS and getattr(image, "is_animated", False):
            raise PhotoError("the file is an animation: save the frame you want as a separate picture")
        box = _decode_reduced(image, choose_size(full_size))
        image.load()
        metadata = collect(image, data)
        orientation_tag = 1 if image.format in _ORIENTED_BY_PILLOW else orientation(metadata)
        # Pillow gives an oriented TIFF's size before it transposes the pixels.
        stored_size = image.size if box is None else full_size
        profile = image.info.get("icc_profile", b"")
        small = color.to_eight_bits(image).resize(choose_size(stored_size), Image.Resampling.LANCZOS, box=box)
    upright = _transposed(small, orientation_tag)
    with translated_errors(data, pixels):
        return _in_srgb(upright, profile, metadata)


def _decode_image(image: Image.Image, choose_size: Callable[[Size], Size]) -> DecodedPhoto:
    with translated_errors(b"", math.prod(image.size)):
        image.load()
        # Where a plugin has turned the pixels while they were loaded, it has removed the tag.
        orientation_tag = image.getexif().get(ExifTags.Base.Orientation, 1)
        profile = image.info.get("icc_profile", b"")
        small = color.to_eight_bits(image).resize(choose_size(image.size), Image.Resampling.LANCZOS)
        return _in_srgb(_transposed(small, orientation_tag), profile, Metadata())


def _in_srgb(image: Image.Image, profile: bytes | None, metadata: Metadata) -> DecodedPhoto:
    opaque, alpha = _split_alpha(image)
    rgb, note = color.to_srgb(opaque, profile)
    return DecodedPhoto(_opaque_pixels(rgb, alpha), alpha, metadata, (note,) if note else ())


def _open(data: bytes) -> Image.Image:
    return _opened(io.BytesIO(data))


def _opened(file: Path | BinaryIO) -> Image.Image:
    with _PIXEL_LIMIT.lifted():
        return Image.open(file, formats=_readable_formats())


class _PixelLimit:
    """Pillow's own limit: one number for the whole process, which can't be raised for a photo that the user trusts.

    :func:`_check_size` takes its place. What else the process opens with Pillow keeps it.
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


_PIXEL_LIMIT: Final = _PixelLimit()


def _readable_formats() -> tuple[str, ...]:
    return FORMATS if register_heif() else (*FORMATS, "HEIF")


def _check_size(size: Size, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PhotoError(f"the picture has {width} × {height} pixels, {too_many_pixels(max_pixels)}")


def too_many_pixels(max_pixels: int) -> str:
    """Say that a picture has too many pixels."""
    return f"more than the allowed {max_pixels}: reduce it, or raise input.max_megapixels if you trust it"


def _decode_reduced(image: Image.Image, target: Size) -> tuple[float, float, float, float] | None:
    """Let libjpeg decode a large JPEG at 1/2, 1/4 or 1/8, to twice the target or more; return the photo's box in it.

    The reduced size is rounded up to whole pixels: the box (left, top, right, bottom) is what the photo covers.
    """
    if image.format not in {"JPEG", "MPO"}:
        return None
    drafted = image.draft(None, (2 * target[0], 2 * target[1]))
    return drafted[1] if drafted else None


def _transposed(image: Image.Image, orientation_tag: int) -> Image.Image:
    transposition = _TRANSPOSITIONS.get(orientation_tag)
    return image if transposition is None else image.transpose(transposition)


def _split_alpha(image: Image.Image) -> tuple[Image.Image, NDArray[np.uint8] | None]:
    """Return the colors and the alpha channel of an L, LA, RGB, RGBA, CMYK or LAB image; None where it is opaque."""
    if image.mode not in {"LA", "RGBA"}:
        return image, None
    alpha = np.array(image.getchannel("A"))
    return image.convert(image.mode[:-1]), None if alpha.min() == 255 else alpha


def _opaque_pixels(rgb: Image.Image, alpha: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    pixels = np.array(rgb)
    return pixels if alpha is None else over_white(pixels, alpha)


def over_white(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 pixels, composited with their (H, W) uint8 alpha over white."""
    opacity = alpha[..., None] / np.float32(255)
    mixed = pixels * opacity + 255 * (1 - opacity)
    return np.rint(mixed).astype(np.uint8)
