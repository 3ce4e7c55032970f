"""Reads what a BMP of version 4 or 5 says of its colors: a profile, here or in another file, or measured numbers."""

from __future__ import annotations

import struct
from typing import Final

from pipeline.images.color.description import (
    D65,
    MAX_PROFILE_BYTES,
    SRGB,
    Calibration,
    Chromaticities,
    ColorDescription,
    NotUnderstood,
    Point,
    Profile,
    Statement,
)

SIGNATURE: Final = b"BM"
_FILE_HEADER_BYTES: Final = 14
_V4_BYTES, _V5_BYTES = 108, 124
_SPACE, _ENDPOINTS, _GAMMAS, _PROFILE = 56, 60, 96, 112
_CALIBRATED: Final = b"\0\0\0\0"
_MAX_NAME_BYTES: Final = 260


def description_of_bmp(data: bytes) -> ColorDescription:
    """Return what a BMP file says about its colors."""
    header = data[_FILE_HEADER_BYTES : _FILE_HEADER_BYTES + _V5_BYTES]
    size = int.from_bytes(header[:4], "little")
    if len(header) < min(size, _V5_BYTES) or size < _V4_BYTES:
        return ColorDescription()
    statement = _statement(data, header, size)
    return ColorDescription(() if statement is None else (statement,))


def _statement(data: bytes, header: bytes, size: int) -> Statement | None:
    """Return what the header says; None for Windows' default, which is sRGB, and for what has no meaning."""
    space = header[_SPACE : _SPACE + 4]
    if space == _CALIBRATED:
        return _calibration(header)
    if space == b"BGRs":
        return SRGB
    if space in {b"DEBM", b"KNIL"} and size >= _V5_BYTES:
        profile = _profile_bytes(data, header)
        return Profile(profile or None) if space == b"DEBM" else _in_another_file(profile)
    return None


def _profile_bytes(data: bytes, header: bytes) -> bytes:
    """Return the profile, or the name of its file; nothing where it is not whole."""
    offset, size = struct.unpack_from("<II", header, _PROFILE)
    start = _FILE_HEADER_BYTES + offset
    profile = data[start : start + size] if 0 < size <= MAX_PROFILE_BYTES else b""
    return profile if len(profile) == size else b""


def _in_another_file(name: bytes) -> NotUnderstood:
    shown = name[:_MAX_NAME_BYTES].split(b"\0")[0].decode("cp1252", errors="replace")
    named = f" ({shown})" if shown and shown.isprintable() else ""
    return NotUnderstood(f"its color profile is in another file{named}")


def _calibration(header: bytes) -> Calibration | None:
    endpoints = struct.unpack_from("<9i", header, _ENDPOINTS)
    gammas = struct.unpack_from("<3I", header, _GAMMAS)
    chromaticities = _chromaticities([number / 2**30 for number in endpoints])
    exponents = _exponents([number / 2**16 for number in gammas])
    return Calibration(exponents, chromaticities) if exponents or chromaticities else None


def _exponents(gammas: list[float]) -> tuple[float, float, float] | None:
    """Return the exponents; None where there is a 0, as many programs write it.

    Some programs write 1/2.2 where others write 2.2: no screen's exponent is below 1.
    """
    if 0 in gammas:
        return None
    red, green, blue = (gamma if gamma >= 1 else 1 / gamma for gamma in gammas)
    return red, green, blue


def _chromaticities(numbers: list[float]) -> Chromaticities | None:
    """Return the points of the three endpoints; None where one is empty, as many programs write them.

    Each is (X, Y, Z), whose sum over the colors is white, or (x, y, z) with the sum 1, which says nothing about it.
    """
    colors = [(numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5]), tuple(numbers[6:])]
    if any(sum(color) <= 0 or color[1] <= 0 for color in colors):
        return None
    only_directions = all(abs(sum(color) - 1) < 0.01 for color in colors)
    white = D65 if only_directions else _point([sum(column) for column in zip(*colors, strict=True)])
    red, green, blue = (_point(list(color)) for color in colors)
    return Chromaticities(red, green, blue, white)


def _point(color: list[float]) -> Point:
    return color[0] / sum(color), color[1] / sum(color)
