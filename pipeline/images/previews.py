"""Makes the gallery's small copies: of pictures, photos and paintings, as WebP. Owns reduction, quality and files.

A copy has no metadata: without the provenance that stands in pictures it is never taken for one, and it tells nobody
where a photo was taken. Names are those of :mod:`pipeline.model.gallery_files`; a copy that is there and large enough
is not made again. None is durable: after a power cut ``stylewatch gallery`` makes them again.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.durable_files import write_file
from pipeline.errors import PhotoError
from pipeline.hashing import sha256_of_bytes
from pipeline.images.color.transfer import linear_to_srgb, srgb_to_linear
from pipeline.images.decode import PAINTING_MAX_PIXELS, PixelArray, decode_reduced, eight_bits, fit
from pipeline.images.encode import opaque
from pipeline.model import PreviewOptions
from pipeline.model.gallery_files import (
    LIVE_FOLDER,
    live_name,
    painting_copy_name,
    photo_copy_name,
    photo_thumbnail_name,
    thumbnail_name,
)

#: Copies of paintings and pictures in progress are shown larger than thumbnails.
LARGE_FACTOR: Final = 2

_THUMBNAIL_QUALITY: Final = 76
_COPY_QUALITY: Final = 80
_METHOD: Final = 4
#: A picture in progress is looked at for seconds, so time counts more than bytes.
_LIVE_METHOD: Final = 2

#: Before Lanczos' filter, whole blocks of pixels are averaged while so many times the wanted size are left.
_LEFT_FOR_LANCZOS: Final = 2
_BAND_PIXELS: Final = 1 << 20
#: A part file has its final name a moment later; one of this age is a killed program's.
_STALE_SECONDS: Final = 600.0

_LINEAR: Final[NDArray[np.float32]] = srgb_to_linear(np.linspace(0, 1, 256, dtype=np.float32))


def reduced(pixels: PixelArray, long_side: int) -> NDArray[np.uint8]:
    """Return (H, W, 3) sRGB pixels with a long side of at most ``long_side``, as uint8; never enlarged.

    Light is averaged, not sRGB's values: strong texture, which these pictures are full of, would come out too dark.
    """
    height, width = pixels.shape[:2]
    if max(height, width) <= long_side:
        return eight_bits(pixels)
    return resized(pixels, fit((width, height), long_side))


def resized(pixels: PixelArray, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return (H, W, 3) sRGB pixels at ``size`` (width, height), as uint8, by Lanczos' filter in linear light."""
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return eight_bits(pixels)
    factor = max(1, min(width // size[0], height // size[1]) // _LEFT_FOR_LANCZOS)
    light = _light(pixels, factor)
    box = (0.0, 0.0, width / factor, height / factor)  # the last blocks of a row and a column may not be whole
    channels = [
        Image.fromarray(np.ascontiguousarray(light[..., index])).resize(size, Image.Resampling.LANCZOS, box=box)
        for index in range(3)
    ]
    return eight_bits(linear_to_srgb(np.dstack([np.asarray(channel) for channel in channels])))


def _light(pixels: PixelArray, factor: int) -> NDArray[np.float32]:
    """Return the light of pixels, averaged over blocks of ``factor`` × ``factor``, in bands, to save memory."""
    height, width = pixels.shape[:2]
    rows, columns = -(-height // factor), -(-width // factor)
    light = np.empty((rows, columns, 3), np.float32)
    step = max(1, _BAND_PIXELS // (width * factor))
    for top in range(0, rows, step):
        band = pixels[top * factor : (top + step) * factor]
        values = _LINEAR[band] if band.dtype == np.uint8 else srgb_to_linear(np.clip(band, 0, 1))
        light[top : top + step] = _block_means(values.astype(np.float32, copy=False), factor)
    return light


def _block_means(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    if factor == 1:
        return values
    height, width = values.shape[:2]
    padding = ((0, -height % factor), (0, -width % factor), (0, 0))
    whole = np.pad(values, padding, mode="edge")
    blocks = whole.reshape(whole.shape[0] // factor, factor, whole.shape[1] // factor, factor, 3)
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def encode_webp(pixels: NDArray[np.uint8], quality: int, method: int = _METHOD) -> bytes:
    """Return (H, W, 3) sRGB pixels as a WebP file without metadata. Raises OSError, MemoryError."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=quality, method=method)
    return buffer.getvalue()


def save_thumbnail(options: PreviewOptions, sha256: str, pixels: PixelArray, alpha: PixelArray | None = None) -> Path:
    """Save the small copy of a picture by the hash of its file; transparent parts over white. Raises OSError."""
    side = options.thumbnail_pixels
    path = options.folder / thumbnail_name(sha256)
    if not _is_there(path, min(side, max(pixels.shape[:2]))):
        _write(options, path, encode_webp(_over_white(pixels, alpha, side), _THUMBNAIL_QUALITY))
    return path


def save_photo_copies(options: PreviewOptions, sha256: str, pixels: PixelArray) -> None:
    """Save the large and the small copy of a photo, unless the options want none. Raises OSError."""
    if not options.photo_pixels:
        return
    for name, side, quality in (
        (photo_copy_name(sha256), options.photo_pixels, _COPY_QUALITY),
        (photo_thumbnail_name(sha256), options.thumbnail_pixels, _THUMBNAIL_QUALITY),
    ):
        path = options.folder / name
        if not _is_there(path, min(side, max(pixels.shape[:2]))):
            _write(options, path, encode_webp(reduced(pixels, side), quality))


def save_live(options: PreviewOptions, token: str, pixels: PixelArray) -> Path:
    """Save the latest intermediate picture of what is made under ``token``. Raises OSError."""
    path = options.folder / live_name(token)
    small = reduced(pixels, live_pixels(options))
    _write(options, path, encode_webp(small, _THUMBNAIL_QUALITY, _LIVE_METHOD))
    return path


def live_pixels(options: PreviewOptions) -> int:
    """Return the long side of pictures in progress."""
    return options.thumbnail_pixels * LARGE_FACTOR


def make_thumbnail_from_file(options: PreviewOptions, sha256: str, source: Path | bytes) -> Path:
    """Make the small copy of a picture from its file. Raises OSError, and JobError for what can't be decoded."""
    path, side = options.folder / thumbnail_name(sha256), options.thumbnail_pixels
    if not _is_there(path, side):
        save_thumbnail(options, sha256, _pixels_of(source, sha256, side))
    return path


def make_photo_copies_from_file(
    options: PreviewOptions, sha256: str, source: Path | bytes, max_pixels: int = PAINTING_MAX_PIXELS
) -> None:
    """Make both copies of a photo from its file, unless the options want none; raises as for a picture."""
    if not has_photo_copies(options, sha256):
        side = max(options.photo_pixels, options.thumbnail_pixels)
        save_photo_copies(options, sha256, _pixels_of(source, sha256, side, max_pixels))


def has_photo_copies(options: PreviewOptions, sha256: str) -> bool:
    """Tell whether both copies of a photo are there and large enough, or none is wanted."""
    large, small = options.folder / photo_copy_name(sha256), options.folder / photo_thumbnail_name(sha256)
    are_there = _is_there(large, options.photo_pixels) and _is_there(small, options.thumbnail_pixels)
    return are_there or not options.photo_pixels


def make_painting_copy_from_file(options: PreviewOptions, sha256: str, source: Path | bytes) -> Path:
    """Make the copy of a painting from its file; raises as for a picture."""
    path, side = options.folder / painting_copy_name(sha256), options.thumbnail_pixels * LARGE_FACTOR
    if not _is_there(path, side):
        pixels = _pixels_of(source, sha256, side)
        if not _is_there(path, min(side, max(pixels.shape[:2]))):
            _write(options, path, encode_webp(reduced(pixels, side), _COPY_QUALITY))
    return path


def remove_live(options: PreviewOptions | None, token: str) -> None:
    """Remove the intermediate picture of what is not in progress any more; the next start removes what can't be."""
    if options is not None:
        with contextlib.suppress(OSError):
            (options.folder / live_name(token)).unlink(missing_ok=True)


def tidy_live(options: PreviewOptions | None) -> None:
    """Remove what a killed worker left of pictures in progress; no worker may be at work.

    Another program may be making copies: its part files stay a while.
    """
    if options is None:
        return
    now = time.time()
    with contextlib.suppress(OSError):
        for path in (options.folder / LIVE_FOLDER).iterdir():
            is_stale = path.name.endswith(".part") and now - path.lstat().st_mtime > _STALE_SECONDS
            if path.suffix == ".webp" or is_stale:
                path.unlink(missing_ok=True)


def _pixels_of(
    source: Path | bytes, sha256: str, long_side: int, max_pixels: int = PAINTING_MAX_PIXELS
) -> PixelArray:
    """Return a file's upright sRGB pixels, larger than a copy of it: the rest of the reduction is done in light."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    if not sha256_of_bytes(data).startswith(sha256):
        raise PhotoError("the file has changed since it was hashed")
    return decode_reduced(data, long_side=long_side, max_pixels=max_pixels).pixels


def _over_white(pixels: PixelArray, alpha: PixelArray | None, side: int) -> NDArray[np.uint8]:
    return reduced(pixels if alpha is None else opaque(pixels, alpha), side)


def _is_there(path: Path, long_side: int) -> bool:
    """Tell whether a copy with at least this long side is there."""
    try:
        with Image.open(path, formats=("WEBP",)) as image:
            return max(image.size) >= long_side
    except (OSError, ValueError, SyntaxError):
        return False


def _write(options: PreviewOptions, path: Path, data: bytes) -> None:
    # All part files in one folder, where those of killed programs are found; a name for each process, and for
    # each thread: of a photo with several pictures some may make the copy at the same time.
    part = options.folder / LIVE_FOLDER / f".{os.getpid()}-{threading.get_native_id()}-{path.name}.part"
    for folder in (path.parent, part.parent):
        folder.mkdir(parents=True, exist_ok=True)
    write_file(path, data, durable=False, part=part)
