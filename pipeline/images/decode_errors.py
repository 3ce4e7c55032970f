"""Translates errors of Pillow and its codecs: the file is damaged, memory is short, or a library is missing.

Codecs say little: libjpeg without memory and libjpeg with a damaged file both report a "broken data stream". So a
file is called damaged only if there is enough memory to decode it.
"""

from __future__ import annotations

import errno
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from PIL import UnidentifiedImageError, features

from pipeline.errors import CodecError, PhotoError, StylewatchError

_TIFF_STARTS: Final = frozenset({b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"})

#: Messages of codecs and the libraries below them when they get no memory, in lower case.
_NO_MEMORY: Final = re.compile(
    r"(allocat|out of|enough|insufficient|no) ?(\w+ )?memory|memory alloc|bad_alloc|enomem"
)
#: libheif reports short memory, too, for a picture that is larger than it ever decodes.
_SECURITY_LIMIT: Final = "security limit"
_NO_DECODER: Final = re.compile(r"decoder \S+ not available")

# A picture in full, the coefficients of a progressive JPEG, and as much again for what is converted; measured with
# WebP, which takes the most: 14 bytes a pixel.
_BYTES_PER_PIXEL: Final = 16
_BYTES_OF_A_CODEC: Final = 32_000_000


@contextmanager
def translated_errors(data: bytes, pixels: int | None = None) -> Iterator[None]:
    """Raise PhotoError, CodecError or MemoryError for whatever Pillow raises; suppress its warnings.

    ``data``: the file, as far as it was read; ``pixels``: how many the whole picture has, once that is known.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (StylewatchError, MemoryError):
        raise
    except ImportError as error:
        raise CodecError(f"a part of Pillow can't be loaded ({one_line(error)}); reinstall Pillow") from error
    except Exception as error:  # on damaged files Pillow's plugins raise errors of any type
        if _is_memory_error(error):
            raise MemoryError(one_line(error)) from error
        if _NO_DECODER.search(str(error)):
            raise CodecError(f"Pillow has no {one_line(error)}; reinstall it with all its codecs") from error
        require_memory(_webp_pixels(data) if pixels is None else pixels)
        raise _error_for(data, error) from error


def require_memory(pixels: int) -> None:
    """Raise MemoryError unless there is enough memory to decode a picture of that many pixels."""
    np.empty(_BYTES_OF_A_CODEC + pixels * _BYTES_PER_PIXEL, np.uint8)


def _webp_pixels(data: bytes) -> int:
    """Return how many pixels a WebP's header gives, 0 for other files: a WebP takes its memory when it is opened."""
    match data[8:16]:
        case b"WEBPVP8X":
            return (1 + int.from_bytes(data[24:27], "little")) * (1 + int.from_bytes(data[27:30], "little"))
        case b"WEBPVP8L":
            sides = int.from_bytes(data[21:25], "little")
            return (1 + (sides & 0x3FFF)) * (1 + (sides >> 14 & 0x3FFF))
        case b"WEBPVP8 ":
            width, height = (int.from_bytes(data[start : start + 2], "little") & 0x3FFF for start in (26, 28))
            return width * height
        case _:
            return 0


def one_line(error: Exception) -> str:
    """Return an error's message on one line, or its type if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def _is_memory_error(error: Exception) -> bool:
    message = str(error).lower()
    is_short = isinstance(error, OSError) and error.errno == errno.ENOMEM
    return is_short or (_NO_MEMORY.search(message) is not None and _SECURITY_LIMIT not in message)


def _error_for(data: bytes, error: Exception) -> PhotoError | CodecError:
    if not isinstance(error, UnidentifiedImageError):
        return PhotoError(f"the picture is damaged or cut short ({one_line(error)}): copy it again from its source")
    if missing := _missing_codec(data):
        return CodecError(f"the file is {missing}, which Pillow can't read here: reinstall Pillow")
    if data[:4] in _TIFF_STARTS:
        return PhotoError(
            "the file is damaged or a kind of TIFF that can't be read: save it as RGB or gray with 8 or 16 bits"
        )
    return PhotoError(
        "the file is not a JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, TIFF, BMP or GIF picture, or its "
        "beginning is damaged"
    )


def _missing_codec(data: bytes) -> str:
    """Return the format of a file if Pillow was built without it, or can't load it, else ""."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "" if features.check_module("webp") else "WebP"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis"):
        return "" if features.check_module("avif") else "AVIF"
    return ""
