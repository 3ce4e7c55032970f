"""Checks whether an image file is complete. Owns what the check finds; decodes no pixels and does not wait.

The first bytes decide the format, not the suffix. A complete container may still hold a damaged picture, which
decoding finds out. Decoding could not replace this check: a half-copied JPEG passes Pillow's ``verify()``, and one in
a preallocated file even ``load()``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pipeline.intake.boxes import (
    check_boxes,
    check_jpeg_2000,
    check_jpeg_2000_codestream,
    check_jpeg_xl_boxes,
    check_jpeg_xl_codestream,
)
from pipeline.intake.camera_raw import check_crw, check_mrw, check_raf, check_x3f
from pipeline.intake.format_parsers import (
    FormatCheck,
    Incomplete,
    SizedFile,
    check_bmp,
    check_gif,
    check_jpeg,
    check_png,
    check_tiff,
    check_webp,
)
from pipeline.intake.safe_open import open_below


@dataclass(frozen=True, slots=True)
class ContainerCheck:
    """``complete``: the container ends where it should; ``incomplete``: not yet; ``not_an_image``: no image at all.

    ``reason`` explains the other two to the user; it is empty for ``complete``. ``has_format``: an incomplete file
    is of an image format, so a decoder can be asked whether the picture is there all the same.
    """

    kind: Literal["complete", "incomplete", "not_an_image"]
    reason: str = ""
    has_format: bool = False


COMPLETE: Final = ContainerCheck("complete")

_HEAD_BYTES: Final = 4096

_FORMATS: Final[tuple[tuple[bytes, str, FormatCheck], ...]] = (
    (b"\xff\xd8", "JPEG", check_jpeg),
    (b"\x89PNG\r\n\x1a\n", "PNG", check_png),
    (b"GIF87a", "GIF", check_gif),
    (b"GIF89a", "GIF", check_gif),
    (b"II*\x00", "TIFF", check_tiff),
    (b"MM\x00*", "TIFF", check_tiff),
    (b"II+\x00", "TIFF", check_tiff),
    (b"MM\x00+", "TIFF", check_tiff),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL", check_jpeg_xl_boxes),
    (b"\xff\x0a", "JPEG XL", check_jpeg_xl_codestream),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000", check_jpeg_2000),
    (b"\xff\x4f\xff\x51", "JPEG 2000", check_jpeg_2000_codestream),
    (b"IIRO", "camera raw", check_tiff),  # Olympus
    (b"IIRS", "camera raw", check_tiff),
    (b"MMOR", "camera raw", check_tiff),
    (b"IIU\x00", "camera raw", check_tiff),  # Panasonic
    (b"FUJIFILMCCD-RAW", "camera raw", check_raf),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "camera raw", check_crw),
    (b"\x00MRM", "camera raw", check_mrw),
    (b"FOVb", "camera raw", check_x3f),
)

_BMP_HEADER_BYTES: Final = frozenset({12, 16, 40, 52, 56, 64, 108, 124})

_IMAGE_BRANDS: Final = frozenset(
    b"avif avis mif1 mif2 mif3 msf1 miaf heic heix heim heis hevc hevx hevm hevs heif".split()
)

_CANON_RAW_BRAND: Final = b"crx "

_OTHER_FORMATS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML file"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
)


def examine(root: Path, path: str) -> ContainerCheck:
    """Check the container of the file at ``path`` below ``root``, reading as little as possible.

    Raises FileReplacedError, OSError.
    """
    with open_below(root, path) as file:
        return examine_open(file, os.fstat(file.fileno()).st_size)


def examine_open(file: BinaryIO, size: int) -> ContainerCheck:
    """Check an open file of ``size`` bytes, positioned at its beginning, as :func:`examine` does."""
    head = file.read(_HEAD_BYTES)
    if not head:
        return ContainerCheck("incomplete", "the file is empty")
    found = _format_of(head)
    if found is None:
        return _check_without_format(head)
    name, check = found
    try:
        check(SizedFile(file, size))
    except Incomplete as finding:
        return ContainerCheck("incomplete", f"the {name} is incomplete: {finding}", has_format=True)
    return COMPLETE


def _format_of(head: bytes) -> tuple[str, FormatCheck] | None:
    for magic, name, check in _FORMATS:
        if head.startswith(magic):
            return name, check
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP", check_webp
    if head[4:8] == b"ftyp":
        return _format_of_boxes(_brands(head))
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_BYTES:
        return "BMP", check_bmp
    return None


def _format_of_boxes(brands: frozenset[bytes]) -> tuple[str, FormatCheck] | None:
    if _CANON_RAW_BRAND in brands:
        return "camera raw", check_boxes
    if brands & _IMAGE_BRANDS:
        return ("AVIF" if b"avif" in brands else "HEIF"), check_boxes
    return None


def _brands(head: bytes) -> frozenset[bytes]:
    """Return the major and compatible brands of an ISO base media file."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset(head[start : start + 4] for start in (8, *range(16, end, 4)))


def _check_without_format(head: bytes) -> ContainerCheck:
    if not head.strip(b"\0"):
        return ContainerCheck("incomplete", "the file begins with nothing but zeros")
    # 18 bytes are enough to recognize every format; a shorter file may still become any format that begins like it.
    if len(head) < 18 and _may_become_image(head):
        return ContainerCheck("incomplete", f"the file has only {len(head)} bytes")
    return ContainerCheck("not_an_image", f"not an image: it looks like {_describe_content(head)}")


def _may_become_image(head: bytes) -> bool:
    if head.startswith(b"RIFF"):
        return len(head) < 12
    if head.startswith(bytes(3)) and b"ftyp".startswith(head[4:8]):
        return True
    magics = (b"BM", b"RIFF", *(magic for magic, _, _ in _FORMATS))
    return any(magic.startswith(head[: len(magic)]) for magic in magics)


def _describe_content(head: bytes) -> str:
    markup = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, name in _OTHER_FORMATS:
        if head.startswith(magic) or markup.startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        return "a video"
    if head[:4] == b"RIFF":
        return "a sound or a video"
    if all(byte >= 32 or byte in b"\t\n\r\f\x1b" for byte in head):
        return "text"
    return "data of an unknown kind"
