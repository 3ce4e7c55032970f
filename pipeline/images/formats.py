"""Encodes a picture in each format. Owns where a format keeps metadata; does not decide which metadata it gets.

Pillow compresses the pixels of all but TIFF, those of JPEG XL through a plugin. TIFF is written here: its directory
is the EXIF directory that :mod:`pipeline.images.exif` writes anyway, and Pillow would change the types and byte order
of what it passes on.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate
from typing import Any, Final, assert_never

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin

from pipeline.errors import CodecError, JobError
from pipeline.images import exif, iptc, jpeg_xl, maker_note
from pipeline.images.color.profiles import srgb_profile
from pipeline.images.decode_errors import load_library, one_line, require_memory
from pipeline.images.density import Density
from pipeline.images.exif import ByteOrder, Exif
from pipeline.images.metadata import ORIENTATION
from pipeline.images.png_file import SIGNATURE, chunks_of
from pipeline.model import PictureFormat, PictureOptions

SUFFIXES: Final[Mapping[PictureFormat, str]] = {
    "jpeg": ".jpg",
    "png": ".png",
    "webp": ".webp",
    "tiff": ".tif",
    "avif": ".avif",
    "jxl": ".jxl",
}
#: AVIF has room for 65536, but libavif, which most programs read it with, opens no more.
LONGEST_SIDE_PIXELS: Final[Mapping[PictureFormat, int]] = {"jpeg": 65500, "webp": 16383, "avif": 32768}
_ANY_SIDE: Final = 1 << 31
#: JPEG XL's plugin takes none: what it writes is sRGB, and says so.
WITHOUT_PROFILE: Final = frozenset({"jxl"})

_JPEG_SEGMENT_BYTES: Final = 65533
#: 64 coefficients of each of three channels take 27 bits at most, in as many blocks as there are pixels by 64.
_MOST_JPEG_BYTES_PER_PIXEL: Final = 12
_XMP_SEGMENT_START: Final = b"http://ns.adobe.com/xap/1.0/\0"
_STRIP_BYTES: Final = 1 << 18
_ADVICE: Final = "reinstall it, or choose another output.format"
_PIXEL_CHUNKS: Final = frozenset({b"IHDR", b"IDAT", b"IEND"})
#: Alpha without loss, as in WebP. The bytes depend on the encoder and on how many threads it has, not on the machine.
_AVIF_OPTIONS: Final = {
    "codec": "aom",
    "max_threads": 4,
    "subsampling": "4:4:4",
    "advanced": {"alpha:cq-level": "0"},
}


Channels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Tags:
    """A file's metadata: blocks, an EXIF block with nothing of the user's, PNG's texts, profile, pixels an inch."""

    exif: Exif
    own_exif: Exif
    xmp: bytes
    iptc: bytes
    texts: tuple[tuple[str, str], ...]
    profile: bytes = field(default_factory=srgb_profile)
    density: Density | None = None


def longest_side_pixels(picture_format: PictureFormat) -> int:
    """Return the most pixels that a side of a picture can have."""
    return LONGEST_SIDE_PIXELS.get(picture_format, _ANY_SIDE)


def roomier_format(picture_format: PictureFormat, side: int) -> PictureFormat:
    """Return the format to use instead for a side of so many pixels: jpeg if that holds it, else png."""
    return "jpeg" if picture_format != "jpeg" and side <= longest_side_pixels("jpeg") else "png"


def encode(pixels: Channels, tags: Tags, options: PictureOptions) -> tuple[bytes, tuple[str, ...]]:
    """Return a file's bytes for (H, W, 3 or 4) sRGB pixels of 8 or 16 bits, and what had to be left out of it.

    Only PNG and TIFF take 16 bits, and JPEG takes three channels only. Raises JobError for a picture larger than the
    format allows, CodecError if the library that writes it is missing.
    """
    height, width, _ = pixels.shape
    picture_format, quality = options.format, options.quality
    limit = longest_side_pixels(picture_format)
    if max(width, height) > limit:
        raise JobError(
            f"a {picture_format} file holds at most {limit} pixels a side: choose png or tiff, or a smaller size"
        )
    without_iptc = (f"IPTC left out: {picture_format} has no place for it",) if tags.iptc else ()
    match picture_format:
        case "jpeg":
            return _jpeg(pixels, tags, options)
        case "tiff":
            return _tiff(pixels, tags), ()
        case "png":
            return _png(pixels, tags), without_iptc
        case "webp":
            return _webp(pixels, tags, quality), without_iptc
        case "avif":
            return _avif(pixels, tags, quality), without_iptc
        case "jxl":
            return _jxl(pixels, tags, quality), without_iptc
        case _:
            assert_never(picture_format)


def _save(pixels: Channels, tags: Tags, pillow_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    try:
        Image.fromarray(pixels).save(file, pillow_format, icc_profile=tags.profile, **options)
    except (ImportError, KeyError) as error:
        raise CodecError(f"Pillow can't write {pillow_format} here ({one_line(error)}); {_ADVICE}") from error
    except (OSError, ValueError, RuntimeError) as error:  # whatever a codec says; nothing is written to a disk here
        require_memory(pixels.shape[0] * pixels.shape[1])
        raise JobError(f"the {pillow_format} encoder failed ({one_line(error)}): choose another format") from error
    return file.getvalue()


def _jpeg(pixels: Channels, tags: Tags, options: PictureOptions) -> tuple[bytes, tuple[str, ...]]:
    coding: dict[str, Any] = {name: True for name in ("progressive", "optimize") if getattr(options, name)}
    with _room_for_whole_jpeg(pixels.shape[0] * pixels.shape[1]) if coding else nullcontext():
        how = {"quality": options.quality, "subsampling": "4:4:4", **coding, **_dpi(tags)}
        data = _save(pixels, tags, "JPEG", **how)
    notes: list[str] = []
    block = exif.PREFIX + exif.serialize(tags.exif)
    if len(block) > _JPEG_SEGMENT_BYTES:
        notes.append("EXIF's maker note left out: too large for JPEG")
        block = exif.PREFIX + exif.serialize(maker_note.without(tags.exif))
    if len(block) > _JPEG_SEGMENT_BYTES:
        notes[:] = ["EXIF left out: too large for JPEG"]
        block = exif.PREFIX + exif.serialize(tags.own_exif)
    segments = _segment(0xE1, block)
    for name, marker, content in (
        ("XMP", 0xE1, _XMP_SEGMENT_START + tags.xmp if tags.xmp else b""),
        ("IPTC", 0xED, iptc.segment(tags.iptc) if tags.iptc else b""),
    ):
        if len(content) > _JPEG_SEGMENT_BYTES:
            notes.append(f"{name} left out: too large for JPEG")
        elif content:
            segments += _segment(marker, content)
    # Metadata comes right after the JFIF segment that Pillow begins with.
    end_of_jfif = 4 + int.from_bytes(data[4:6], "big")
    return data[:end_of_jfif] + segments + data[end_of_jfif:], tuple(notes)


def fits_jpeg(block: Exif) -> bool:
    """Tell whether a JPEG file has room for an EXIF block."""
    return len(exif.PREFIX + exif.serialize(block)) <= _JPEG_SEGMENT_BYTES


def _dpi(tags: Tags) -> dict[str, Any]:
    return {"dpi": tags.density} if tags.density else {}


@contextmanager
def _room_for_whole_jpeg(pixels: int) -> Iterator[None]:
    """Let Pillow reserve what a JPEG takes at most that libjpeg can only write in one piece; its guess is too small.

    It reads in pieces of that size, too, meanwhile, which changes nothing else.
    """
    usual = ImageFile.MAXBLOCK
    ImageFile.MAXBLOCK = max(usual, pixels * _MOST_JPEG_BYTES_PER_PIXEL + _JPEG_SEGMENT_BYTES)
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = usual


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content


def _png(pixels: Channels, tags: Tags) -> bytes:
    texts = PngImagePlugin.PngInfo()
    for keyword, words in tags.texts:
        texts.add_text(keyword, words)
    if tags.xmp:
        texts.add_itxt("XML:com.adobe.xmp", tags.xmp.decode("utf-8"))
    how = {"pnginfo": texts, "exif": exif.serialize(tags.exif), **_dpi(tags)}
    if pixels.dtype == np.uint8:
        return _save(pixels, tags, "PNG", **how)
    imagecodecs = load_library("imagecodecs", "writes PNG with 16 bits", _ADVICE)
    # Pillow writes no color of 16 bits: it writes all but the pixels, around one of 8 bits.
    return _with_pixels_of(
        _save(np.zeros((1, 1, 3), np.uint8), tags, "PNG", **how), bytes(imagecodecs.png_encode(pixels))
    )


def _with_pixels_of(file: bytes, other: bytes) -> bytes:
    """Return a PNG file with the header and the pixels of another one."""
    rest = [chunk.stored for chunk in chunks_of(file) if chunk.kind not in _PIXEL_CHUNKS]
    header, *pixels, end = (chunk.stored for chunk in chunks_of(other) if chunk.kind in _PIXEL_CHUNKS)
    return b"".join([SIGNATURE, header, *rest, *pixels, end])


def _webp(pixels: Channels, tags: Tags, quality: int) -> bytes:
    return _save(pixels, tags, "WEBP", quality=quality, exact=True, exif=exif.serialize(tags.exif), xmp=tags.xmp)


def _avif(pixels: Channels, tags: Tags, quality: int) -> bytes:
    # With an orientation, even upright, Pillow would write the block anew, and in its own types.
    image = {tag: value for tag, value in tags.exif.image.items() if tag != ORIENTATION}
    block = exif.serialize(replace(tags.exif, image=image))
    return _save(pixels, tags, "AVIF", quality=quality, **_AVIF_OPTIONS, exif=block, xmp=tags.xmp)


def _jxl(pixels: Channels, tags: Tags, quality: int) -> bytes:
    load_library("pillow_jxl", "writes JPEG XL", _ADVICE)  # it registers itself
    block = jpeg_xl.EXIF_OFFSET + exif.serialize(tags.exif)
    return _save(pixels, tags, "JXL", quality=quality, lossless=quality == 100, exif=block, xmp=tags.xmp)


def _tiff(pixels: Channels, tags: Tags) -> bytes:
    """Return a TIFF 6.0 file in the byte order of its EXIF: the strips, then the directories.

    A maker note that must stay at its offset comes first with the directories around it, and the strips last.
    """
    order = tags.exif.order
    rows, strips = _strips(pixels, order)
    body = b"".join(strips)
    body += b"\0" * (len(body) % 2)
    sizes = [len(strip) for strip in strips]
    image = {**tags.exif.image, **_layout(order, pixels, rows, sizes), 34675: exif.undefined(tags.profile)}
    if tags.xmp:
        image[700] = exif.Value(exif.BYTE, len(tags.xmp), tags.xmp)
    if tags.iptc:
        image[33723] = exif.undefined(tags.iptc)
    if exif.fixed_note(tags.exif):
        image[273] = _strip_offsets(order, len(exif.serialize(replace(tags.exif, image=image))), sizes)
        return exif.serialize(replace(tags.exif, image=image)) + body
    offset = 8 + len(body)
    return exif.header(order, offset) + body + exif.write_directories(replace(tags.exif, image=image), offset)


def _strips(pixels: Channels, order: ByteOrder) -> tuple[int, list[bytes]]:
    """Return how many rows a strip has, and the strips: differences between neighbors, deflated."""
    height, width, channels = pixels.shape
    rows = max(1, _STRIP_BYTES // (width * channels * pixels.itemsize))
    differences = np.diff(pixels, axis=1, prepend=pixels.dtype.type(0))
    differences = differences.astype(pixels.dtype.newbyteorder(order), copy=False)
    return rows, [zlib.compress(differences[top : top + rows].tobytes()) for top in range(0, height, rows)]


def _strip_offsets(order: ByteOrder, first: int, sizes: list[int]) -> exif.Value:
    return exif.integers(order, exif.LONG, *accumulate(sizes[:-1], initial=first))


def _layout(order: ByteOrder, pixels: Channels, rows: int, sizes: list[int]) -> dict[int, exif.Value]:
    """Return the tags that say how the pixels are stored, the first strip right after the header."""
    height, width, channels = pixels.shape
    longs = partial(exif.integers, order, exif.LONG)
    shorts = partial(exif.integers, order, exif.SHORT)
    layout = {
        256: longs(width),
        257: longs(height),
        258: shorts(*[8 * pixels.itemsize] * channels),
        259: shorts(8),  # Deflate
        262: shorts(2),  # RGB
        273: _strip_offsets(order, 8, sizes),
        277: shorts(channels),
        278: longs(rows),
        279: longs(*sizes),
        284: shorts(1),  # channels side by side
        317: shorts(2),  # differences between neighbors
    }
    if channels == 4:
        layout[338] = shorts(2)  # alpha, not multiplied in
    return layout
