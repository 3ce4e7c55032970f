"""Decodes the bytes of a photo to upright sRGB pixels of the wanted size. Does not repair damaged files.

A file is either decoded whole or refused with a PhotoError: Pillow's LOAD_TRUNCATED_IMAGES stays off. The size in the
header is checked against the caller's limit before anything is decoded. An image that a caller has opened itself is
treated in the same way, as far as it still has its profile and its orientation.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from pipeline.errors import CodecError, PaintingChangedError, PaintingError, PhotoError
from pipeline.hashing import sha256_of_bytes
from pipeline.images.color import modes, profiles
from pipeline.images.color.containers import description_in, description_of
from pipeline.images.color.description import ColorDescription
from pipeline.images.color.to_srgb import to_srgb
from pipeline.images.decode_errors import translated_errors
from pipeline.images.decoders.library_output import collected_output
from pipeline.images.decoders.opened import opened
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.pillow import PIXEL_LIMIT
from pipeline.images.decoders.raster import DeepPixels, Mode, Pixels, Raster, Size, resized, upright
from pipeline.images.metadata import Metadata
from pipeline.model import Painting, StartImage

PixelArray = NDArray[np.uint8] | NDArray[np.float32]

_OPAQUE: Final[dict[str, Mode]] = {"LA": "L", "RGBA": "RGB", "CMYKA": "CMYK"}

#: Larger paintings are reduced to this when they are read, unless more of them is wanted.
PAINTING_LONG_SIDE_PIXELS: Final = 4096
PAINTING_MAX_PIXELS: Final = 500_000_000


# What Pillow logs about a damaged file is in the PhotoError; without a handler it would be printed as well.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPhoto:
    """The pixels of a photo, ready to be stylized, and its metadata.

    ``pixels``: (H, W, 3) sRGB, upright, transparent parts over white: uint8, or float32 in 0..1 if the file has more
    than 8 bits a channel. ``alpha``: (H, W) of the same type, None if the photo is opaque. ``notes``: for the log.
    ``profile``: the embedded ICC profile as found, empty if there is none.
    """

    pixels: PixelArray
    alpha: PixelArray | None
    metadata: Metadata
    notes: tuple[str, ...] = ()
    profile: bytes = b""


def decode(data: bytes, *, long_side: int, max_pixels: int) -> DecodedPhoto:
    """Decode a photo so that its long side is exactly ``long_side`` pixels; a smaller one is enlarged (Lanczos).

    Raises PhotoError for a file that is damaged, cut short, not a picture, or has more than ``max_pixels``;
    CodecError if the library that reads it is missing, MemoryError if there is not enough memory.
    """
    return _decode(data, max_pixels, lambda size: fit(size, long_side))


def decode_reduced(data: bytes, *, long_side: int, max_pixels: int) -> DecodedPhoto:
    """Decode a picture to be copied with this long side at most: at twice the copy's size, or in full if less.

    Raises as :func:`decode` does.
    """

    def size_for_copy(size: Size) -> Size:
        width, height = fit(size, min(long_side, max(size)))
        return (2 * width, 2 * height) if 2 * max(width, height) <= max(size) else size

    return _decode(data, max_pixels, size_for_copy)


def load_painting(painting: Painting, long_side: int) -> NDArray[np.uint8]:
    """Return a painting of this very content, or an image to start from. Raises as :func:`decode_painting` does.

    ``long_side``: how many pixels are wanted of it.
    """
    kind = "image to start from" if isinstance(painting, StartImage) else "painting"
    return decode_painting(painting.path, painting.sha256, long_side=long_side, kind=kind)


def decode_painting(
    path: Path, sha256: str | None = None, *, long_side: int = PAINTING_LONG_SIDE_PIXELS, kind: str = "painting"
) -> NDArray[np.uint8]:
    """Return a painting as (H, W, 3) uint8, sRGB, upright: in full, or reduced to ``long_side``, 4096 at least.

    With ``sha256`` the decoded bytes must have this hash. Errors call it ``kind``.
    Raises PaintingError, PaintingChangedError, MemoryError.
    """
    try:
        data = path.read_bytes()
        if sha256 is not None and sha256_of_bytes(data) != sha256:
            raise PaintingChangedError(
                f"the {kind} {path} has changed since this run began (replaced, or still being written), so no "
                f"more pictures are made with it: the next run uses what is there then"
            )
        return eight_bits(_decode(data, PAINTING_MAX_PIXELS, partial(_painting_size, long_side=long_side)).pixels)
    except OSError as error:
        raise PaintingError(
            f"the {kind} {path} can't be read ({error.strerror}): name an existing picture"
        ) from error
    except (PhotoError, CodecError) as error:
        raise PaintingError(f"the {kind} {path} can't be used: {error}") from error


def decode_image(image: Image.Image, *, long_side: int) -> DecodedPhoto:
    """Do as :func:`decode` with an image that is open already; the metadata is left out. Raises as that does.

    Of an animation it is the current frame. A large JPEG's pixels differ a little from those that :func:`decode`
    gives, which lets libjpeg reduce it.
    """
    return _decode_image(image, lambda size: fit(size, long_side))


def decode_painting_image(image: Image.Image) -> NDArray[np.uint8]:
    """Do as :func:`decode_painting` with an image that is open already. Raises as :func:`decode` does."""
    return eight_bits(_decode_image(image, _painting_size).pixels)


def eight_bits(pixels: PixelArray) -> NDArray[np.uint8]:
    """Return pixels, uint8 or float32 in 0..1, as uint8; what lies outside is clipped."""
    if pixels.dtype != np.uint8:
        pixels = np.rint(np.clip(pixels, 0, 1) * 255)
    return pixels.astype(np.uint8, copy=False)


def _painting_size(size: Size, long_side: int = PAINTING_LONG_SIDE_PIXELS) -> Size:
    # Never less, so that smaller pictures have the very pixels of a painting that they always had.
    return fit(size, min(max(size), max(long_side, PAINTING_LONG_SIDE_PIXELS)))


def read_size(file: Path | BinaryIO) -> Size:
    """Return a picture's width and height in its header, before orientation. Raises as :func:`decode` does."""
    with ExitStack() as stack, collected_output():
        with translated_errors(b""):
            stream = stack.enter_context(file.open("rb")) if isinstance(file, Path) else file
            photo = PhotoFile(stream)
        with translated_errors(photo.head):
            return opened(photo).size


def read_metadata(data: bytes) -> Metadata:
    """Return a picture's metadata without decoding its pixels. Raises as :func:`decode` does."""
    with translated_errors(data), collected_output():
        return opened(PhotoFile.of(data)).metadata()


def fit(size: Size, long_side: int) -> Size:
    """Return the size of the same proportions with this long side, and a short side of at least 1 pixel."""
    longest = max(size)
    width, height = (max(1, round(side * long_side / longest)) for side in size)
    return width, height


def _decode(data: bytes, max_pixels: int, choose_size: Callable[[Size], Size]) -> DecodedPhoto:
    with collected_output() as lines:
        photo = _decode_quietly(data, max_pixels, choose_size)
    return replace(photo, notes=(*photo.notes, *lines)) if lines else photo


def _decode_quietly(data: bytes, max_pixels: int, choose_size: Callable[[Size], Size]) -> DecodedPhoto:
    with PIXEL_LIMIT.lifted():  # some formats are checked again when they are loaded
        with translated_errors(data):
            file = opened(PhotoFile.of(data))
        with translated_errors(data, math.prod(file.size)):
            _check_size(file.size, max_pixels)
            raster = file.load(choose_size)
            stored_size = raster.pixels.size if raster.box is None else file.size
            colors = description_in(data, raster.profile)
            return _reduced(raster, choose_size(stored_size), colors, file.metadata())


def _reduced(raster: Raster, size: Size, colors: ColorDescription, metadata: Metadata) -> DecodedPhoto:
    """Return a raster at ``size``, before orientation, as a photo; ``colors``: what its file says about them."""
    small = resized(raster.pixels, size, raster.box)
    photo = _in_srgb(upright(small, raster.orientation), colors, metadata)
    return replace(photo, notes=(*raster.notes, *photo.notes))


def _decode_image(image: Image.Image, choose_size: Callable[[Size], Size]) -> DecodedPhoto:
    with translated_errors(b"", math.prod(image.size)):
        image.load()
        # Where a plugin has turned the pixels while they were loaded, it has removed the tag.
        orientation_tag = image.getexif().get(ExifTags.Base.Orientation, 1)
        raster = Raster(modes.to_eight_bits(image), orientation=orientation_tag)
        return _reduced(raster, choose_size(image.size), description_of(image), Metadata())


def _in_srgb(pixels: Pixels, colors: ColorDescription, metadata: Metadata) -> DecodedPhoto:
    opaque, alpha = _split_alpha(pixels)
    rgb, note = _to_srgb(opaque, colors)
    notes = (note,) if note else ()
    return DecodedPhoto(rgb if alpha is None else over_white(rgb, alpha), alpha, metadata, notes, colors.profile)


def _check_size(size: Size, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PhotoError(f"the picture has {width} × {height} pixels, {too_many_pixels(max_pixels)}")


def too_many_pixels(max_pixels: int) -> str:
    """Say that a picture has too many pixels."""
    return f"more than the allowed {max_pixels}: reduce it, or raise input.max_megapixels if you trust it"


def _to_srgb(pixels: Pixels, colors: ColorDescription) -> tuple[PixelArray, str | None]:
    if isinstance(pixels, DeepPixels):
        return to_srgb(pixels.values, colors)
    if pixels.mode == "LAB":
        return np.array(profiles.from_lab(pixels)), None
    values = np.array(pixels)
    return to_srgb(values if values.ndim == 3 else values[..., np.newaxis], colors)


def _split_alpha(pixels: Pixels) -> tuple[Pixels, PixelArray | None]:
    """Return the colors and the alpha channel; None where all is opaque."""
    if not pixels.mode.endswith("A"):
        return pixels, None
    if isinstance(pixels, Image.Image):
        alpha = np.array(pixels.getchannel("A"))
        return pixels.convert(pixels.mode[:-1]), None if alpha.min() == 255 else alpha
    colors, deep_alpha = pixels.values[..., :-1], np.ascontiguousarray(pixels.values[..., -1])
    opaque = DeepPixels(colors, _OPAQUE[pixels.mode], pixels.white)
    return opaque, None if deep_alpha.min() == 1 else deep_alpha


def over_white(pixels: PixelArray, alpha: PixelArray) -> PixelArray:
    """Return (H, W, 3) pixels, uint8 or float32 in 0..1, composited over white by their (H, W) alpha alike."""
    white = np.float32(255 if pixels.dtype == np.uint8 else 1)
    opacity = alpha[..., None] / white
    mixed = pixels * opacity + white * (1 - opacity)
    return np.rint(mixed).astype(np.uint8) if pixels.dtype == np.uint8 else mixed.astype(np.float32)
