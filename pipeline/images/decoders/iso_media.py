"""Tells what an ISO base media file (HEIC, AVIF, CR3, video) holds, by its brands. Decodes nothing."""

from __future__ import annotations

from typing import Final

from pipeline.images.decoders.photo_file import PhotoFile

_LARGEST_BRANDS_BYTES: Final = 4096
_AVIF: Final = frozenset({b"avif", b"avis"})
_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_CANON_RAW: Final = b"crx "
_SEQUENCES: Final = frozenset({b"msf1", b"hevc", b"hevx"})
#: Brands of videos that hold no picture: MP4, QuickTime, 3GPP, DASH, Flash.
_VIDEO_STARTS: Final = (b"iso", b"mp4", b"qt  ", b"3g", b"M4V", b"avc1", b"dash", b"f4v", b"F4V", b"MSNV")


def brands(file: PhotoFile) -> tuple[bytes, ...]:
    """Return the brands of a file, the main one first."""
    size = min(int.from_bytes(file.head[:4], "big"), _LARGEST_BRANDS_BYTES)
    box = file.stream().read(size)
    return (box[8:12], *(box[start : start + 4] for start in range(16, len(box) - 3, 4)))


def is_avif(names: tuple[bytes, ...]) -> bool:
    """Whether these are the brands of AVIF."""
    return not _AVIF.isdisjoint(names)


def is_heic(names: tuple[bytes, ...]) -> bool:
    """Whether these are the brands of HEIF with pictures in HEVC."""
    return not _HEIC.isdisjoint(names)


def is_canon_raw(names: tuple[bytes, ...]) -> bool:
    """Whether these are the brands of CR3."""
    return names[0] == _CANON_RAW


def is_video(names: tuple[bytes, ...]) -> bool:
    """Whether these are the brands of a video."""
    return names[0].startswith(_VIDEO_STARTS)


def holds_sequence(names: tuple[bytes, ...]) -> bool:
    """Whether these are the brands of HEIC with a sequence of pictures."""
    return not _SEQUENCES.isdisjoint(names)
