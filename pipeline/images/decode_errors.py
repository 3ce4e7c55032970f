"""Translates errors of Pillow and its codecs: the file is damaged, memory is short, or a library is missing.

Codecs say little: libjpeg without memory and libjpeg with a damaged file both report a "broken data stream". So a
file is called damaged only if there is enough memory to decode it.
"""

from __future__ import annotations

import errno
import importlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from PIL import UnidentifiedImageError, features

from pipeline.errors import CodecError, PhotoError, StylewatchError
from pipeline.images.boxes import is_iso_media

#: Packages that are not called like their module.
_PACKAGES: Final = {"pillow_heif": "pillow-heif", "pillow_jxl": "pillow-jxl-plugin"}
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEAD_BYTES: Final = 512
_AS_PICTURE: Final = "export it as PNG, TIFF or JPEG"
#: First bytes of files that people take for photos, the text in lower case.
_OTHER_KINDS: Final = (
    (b"8BPS", f"a Photoshop document: {_AS_PICTURE}"),
    (b"gimp xcf", f"a GIMP document: {_AS_PICTURE}"),
    (b"%pdf", "a PDF: export its page or its picture as PNG or JPEG"),
    (b"%!ps", "a PostScript document: export it as PNG or JPEG"),
    (b"\0\0\1\0", "an icon (ICO), not a photo"),
    (b"\0\0\2\0", "a mouse pointer (CUR), not a photo"),
    (b"II\xbc\1", f"JPEG XR, which can't be read: {_AS_PICTURE}"),
    (b"v/1\1", "OpenEXR, which can't be read: export it as TIFF or PNG with 16 bits"),
    (b"#?radiance", "Radiance HDR, which can't be read: export it as TIFF or PNG with 16 bits"),
    (b"DDS ", f"a DirectDraw texture (DDS), which can't be read: {_AS_PICTURE}"),
    (b"qoif", f"QOI, which can't be read: {_AS_PICTURE}"),
    (b"<!doctype html", "a web page that was saved under a picture's name: save the picture itself"),
    (b"<html", "a web page that was saved under a picture's name: save the picture itself"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM): save the frame you want as a picture"),
    (b"PK\3\4", "a zip archive, or a document that is one"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"version https://git-lfs", "a pointer to a file that Git LFS has not fetched: run git lfs pull"),
)

#: First bytes of formats that are read: who begins so and is not recognized is damaged.
_READ_KINDS: Final = (
    (b"\xff\xd8\xff", "a JPEG"),
    (b"\x89PNG\r\n\x1a\n", "a PNG"),
    (b"GIF87a", "a GIF"),
    (b"GIF89a", "a GIF"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
)

#: Messages of codecs and the libraries below them when they get no memory, in lower case.
_NO_MEMORY: Final = re.compile(
    r"(allocat|out of|enough|insufficient|no) ?(\w+ )?memory|memory alloc|bad_alloc|enomem"
)
#: libheif reports short memory, too, for a picture that is larger than it ever decodes.
_SECURITY_LIMIT: Final = "security limit"
#: What plugins raise where numbers of a damaged file lead them astray; their text is about the plugin.
_STUMBLES: Final = (TypeError, AttributeError, LookupError, AssertionError, RecursionError, ArithmeticError)
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


def reading_library(module: str, kind: str) -> Any:
    """Load the library that reads a kind of photo; other photos don't need it. Raises CodecError."""
    return load_library(module, "reads it", "reinstall it", before=f"the file is {kind}: ")


def load_library(module: str, task: str, advice: str, *, before: str = "") -> Any:
    """Load a library that few pictures need. Raises CodecError, in which the package ``task`` and has ``advice``."""
    try:
        return importlib.import_module(module)
    except Exception as error:  # an incompatible library may raise anything
        package = _PACKAGES.get(module, module)
        raise CodecError(f"{before}{package}, which {task}, can't be loaded ({one_line(error)}); {advice}") from error


def damaged(what: str) -> PhotoError:
    """Return the error of a file that is not whole; ``what``: how that is known."""
    return PhotoError(f"the file is damaged or cut short ({what}): copy it again from its source")


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
        why = type(error).__name__ if isinstance(error, _STUMBLES) else one_line(error)
        return damaged(why)
    if missing := _missing_codec(data):
        return CodecError(f"the file is {missing}, which Pillow can't read here: reinstall Pillow")
    if _is_avif(data):
        return PhotoError(
            "the file is AVIF that libavif does not accept, or it is damaged: copy it again from its source, or save "
            "it as PNG or JPEG"
        )
    if kind := _other_kind(data):
        return PhotoError(f"the file is {kind}")
    if begun := next((kind for start, kind in _READ_KINDS if data[: len(start)] == start), ""):
        return PhotoError(f"the file begins like {begun}, but is damaged or cut short: copy it again from its source")
    return PhotoError(
        "the file is not a JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, JPEG 2000, TIFF, BMP, GIF or camera raw picture, or "
        "its beginning is damaged"
    )


def _other_kind(data: bytes) -> str:
    """Return what a file is that no decoder reads, and what would help; "" if that is not known."""
    head = bytes(data[:_HEAD_BYTES])
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, kind in _OTHER_KINDS:
        if head.startswith(start) or text.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] != b"WEBP":
        return "a sound or a video: save the frame you want as a picture"
    return "an SVG drawing: export it as PNG" if b"<svg" in text else ""


def _missing_codec(data: bytes) -> str:
    """Return the format of a file if Pillow was built without it, or can't load it, else ""."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "" if features.check_module("webp") else "WebP"
    if _is_avif(data):
        return "" if features.check_module("avif") else "AVIF"
    return ""


def _is_avif(data: bytes) -> bool:
    return is_iso_media(data) and data[8:12] in _AVIF_BRANDS
