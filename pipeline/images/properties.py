"""Reads what a picture's header and metadata say of it: size, camera, whether it is a screenshot. Decodes no pixels.

The camera is that of EXIF, else that of XMP. Metadata that can't be understood says nothing.
"""

from __future__ import annotations

import importlib.util
import re
import warnings
from typing import Any, BinaryIO, Final

from PIL import ExifTags, Image, TiffImagePlugin

from pipeline.images.decode import read_size
from pipeline.images.decoders.pillow import PIXEL_LIMIT
from pipeline.images.decoders.raw import as_tiff
from pipeline.model import PhotoProperties

#: What Apple's and Samsung's systems write into a screenshot's EXIF or XMP as UserComment.
_SCREENSHOT: Final = "screenshot"
_CHARSET_BYTES: Final = 8
_RAW_HEAD_BYTES, _TIFF_HEAD_BYTES = 32, 8
_MAX_XMP_BYTES: Final = 1_000_000


def reads_camera_raw() -> bool:
    """Return whether the library that develops camera raw files is installed."""
    return importlib.util.find_spec("rawpy") is not None


def read_properties(file: BinaryIO) -> PhotoProperties:
    """Return the properties of the picture in an open file; reads its header and metadata, not the whole file.

    Raises as :func:`pipeline.images.decode.decode` does.
    """
    file.seek(0)
    width, height = read_size(file)
    file.seek(0)
    metadata = _metadata(file)
    if metadata is None:
        return PhotoProperties(width=width, height=height, camera=None)
    exif, xmp, is_whole = metadata
    comments = (_comment(exif.get(ExifTags.Base.UserComment)), _xmp_value(xmp, "exif:UserComment"))
    return PhotoProperties(
        width=width,
        height=height,
        camera=_camera(exif, xmp) or ("" if is_whole else None),
        is_screenshot=any(comment.lower() == _SCREENSHOT for comment in comments),
    )


def read_raw_properties(file: BinaryIO) -> PhotoProperties:
    """Return of a camera raw only its camera, if its header is TIFF's: what else Pillow finds in it is a preview."""
    file.seek(0)
    head = as_tiff(file.read(_RAW_HEAD_BYTES))
    if head is None:
        return PhotoProperties(camera=None)
    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(head[:_TIFF_HEAD_BYTES])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file.seek(directory.next)
            directory.load(file)
            camera = _camera(dict(directory), "")
    except (MemoryError, OSError):
        raise
    except Exception:  # Pillow raises errors of many types for what is no directory
        camera = ""
    return PhotoProperties(camera=camera or None)


def _metadata(file: BinaryIO) -> tuple[dict[int, Any], str, bool] | None:
    """Return the EXIF tags, the XMP packet and whether this is all; None if nothing can be understood."""
    try:
        with warnings.catch_warnings(record=True) as complaints, PIXEL_LIMIT.lifted():
            warnings.simplefilter("always")
            with Image.open(file) as image:
                return _exif(image), _xmp(image), not complaints
    except MemoryError:
        raise
    except Exception:  # the size is known, so it is a picture, whatever Pillow thinks of its metadata
        return None


def _exif(image: Image.Image) -> dict[int, Any]:
    if image.format == "PNG" and "exif" not in image.info and "Raw profile type exif" not in image.info:
        return {}  # else Pillow would decode the whole picture to look for EXIF behind it
    found = image.getexif()
    return {**found.get_ifd(ExifTags.IFD.Exif), **found}


def _xmp(image: Image.Image) -> str:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if isinstance(packet, str):
        return packet[:_MAX_XMP_BYTES]
    return packet[:_MAX_XMP_BYTES].decode("utf-8", "replace") if isinstance(packet, bytes) else ""


def _camera(exif: dict[int, Any], xmp: str) -> str:
    make = _text(exif.get(ExifTags.Base.Make)) or _xmp_value(xmp, "tiff:Make")
    model = _text(exif.get(ExifTags.Base.Model)) or _xmp_value(xmp, "tiff:Model")
    if model.lower().startswith(make.lower()):
        return model
    return f"{make} {model}".strip()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return " ".join(value.replace("\0", " ").split()) if isinstance(value, str) else ""


def _comment(value: object) -> str:
    """Return a UserComment's text; the first 8 bytes name its character set (Exif 2.32, 4.6.6)."""
    if not isinstance(value, bytes):
        return _text(value)
    charset, text = value[:_CHARSET_BYTES], value[_CHARSET_BYTES:]
    if charset.startswith(b"UNICODE"):
        text = text.replace(b"\0", b"")  # of plain letters, in either byte order
    return _text(text if charset.startswith((b"ASCII", b"UNICODE", bytes(_CHARSET_BYTES))) else value)


def _xmp_value(xmp: str, name: str) -> str:
    """Return a property of an XMP packet, written as an attribute, as an element or as a text in a language."""
    found = re.search(rf"""\b{name}\s*=\s*(?:"([^"]*)"|'([^']*)')""", xmp)
    # Each part ends where the next one begins, so that hostile text takes no longer than its length.
    found = found or re.search(rf"<{name}\b[^<>]*>(?:\s|<rdf:(?:Alt|li)\b[^<>]*>)*([^<\s][^<]*)<", xmp)
    return _text(next(filter(None, found.groups()), "")) if found else ""
