"""Reads what a PNG says about its colors: cICP, iCCP, sRGB, gAMA and cHRM, in the order of PNG's third edition."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from typing import Final

from pipeline.images.color.description import (
    MAX_PROFILE_BYTES,
    SRGB,
    Calibration,
    Chromaticities,
    CodePoints,
    ColorDescription,
    NotUnderstood,
    Profile,
    Statement,
)
from pipeline.images.png_file import chunks_of

_NAMES: Final = frozenset({b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"})
_MAX_CHUNKS: Final = 10_000
_UNIT: Final = 100_000


def description_of_png(data: bytes) -> ColorDescription:
    """Return what a PNG file says about its colors before its pixels begin."""
    chunks = dict(_color_chunks(data))
    readers = (_code_points, _profile, _srgb, _calibration)
    return ColorDescription(tuple(statement for reader in readers for statement in reader(chunks)))


def _color_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the whole chunks about color that stand before the pixels; of two of a kind dict() keeps the last."""
    for chunk in takewhile(lambda chunk: chunk.kind != b"IDAT", islice(chunks_of(data), _MAX_CHUNKS)):
        if chunk.kind in _NAMES and chunk.is_intact:
            yield chunk.kind, bytes(chunk.content)


def _code_points(chunks: dict[bytes, bytes]) -> Iterator[Statement]:
    chunk = chunks.get(b"cICP", b"")
    if len(chunk) == 4:
        primaries, transfer, matrix, full_range = chunk
        if matrix == 0:
            yield CodePoints(primaries, transfer, full_range != 0)
        else:
            yield NotUnderstood(f"its cICP chunk names the matrix {matrix}, though a PNG holds RGB")


def _profile(chunks: dict[bytes, bytes]) -> Iterator[Statement]:
    name, separator, packed = chunks.get(b"iCCP", b"").partition(b"\0")
    if name and separator:
        yield Profile(_unpacked(packed[1:]) if packed[:1] == b"\0" else None)


def _unpacked(packed: bytes) -> bytes | None:
    """Return a profile, also one without its checksum; None where it is damaged or far larger than profiles are."""
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed, MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return None if unpacking.unconsumed_tail else profile


def _srgb(chunks: dict[bytes, bytes]) -> Iterator[Statement]:
    if len(chunks.get(b"sRGB", b"")) == 1:
        yield SRGB


def _calibration(chunks: dict[bytes, bytes]) -> Iterator[Statement]:
    gamma, points = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    return calibrations(
        int.from_bytes(gamma, "big") / _UNIT if len(gamma) == 4 else None,
        [number / _UNIT for number in struct.unpack(">8I", points)] if len(points) == 32 else [],
    )


def calibrations(gamma: float | None, points: Sequence[float]) -> Iterator[Statement]:
    """Yield what gAMA and cHRM say together, and gAMA alone, which holds where the other is nonsense.

    ``points``: x and y of white, red, green and blue; empty if there are none.
    """
    if gamma == 0:
        yield NotUnderstood("its gamma is 0, which can't be")
        gamma = None
    exponents = (1 / gamma, 1 / gamma, 1 / gamma) if gamma else None
    if len(points) == 8:
        white, red, green, blue = ((points[index], points[index + 1]) for index in range(0, 8, 2))
        yield Calibration(exponents, Chromaticities(red, green, blue, white))
    if exponents:
        yield Calibration(exponents)
