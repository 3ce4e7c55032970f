"""Converts a finished sRGB picture into the color profile of its file. Owns which profile that is, and Display P3's.

The conversion is LittleCMS's in floats, relative colorimetric, so that nothing is rounded before the file's own bits.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.images.color.profiles import srgb_profile
from pipeline.images.decode import PixelArray
from pipeline.images.decode_errors import load_library, require_memory
from pipeline.model import OutputProfile

_RELATIVE_COLORIMETRIC: Final = 1
# Black stays black; no table in place of the profile's own curves.
_BLACK_POINT_COMPENSATION, _NO_OPTIMIZATION = 0x2000, 0x0100

_D50: Final = (0.9642, 1.0, 0.8249)
#: SMPTE EG 432-1's primaries under D65, adapted to D50; the curve is that of IEC 61966-2-1.
_DISPLAY_P3: Final[Mapping[bytes, tuple[float, ...]]] = {
    b"wtpt": _D50,
    b"rXYZ": (0.51512, 0.2412, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.1571, 0.06657, 0.78407),
}
_ADAPTATION: Final = (1.04788, 0.02292, -0.0502, 0.02959, 0.99048, -0.01706, -0.00923, 0.01508, 0.75168)
_DATE: Final = (2000, 1, 1, 0, 0, 0)
_CURVE: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def in_profile(
    pixels: PixelArray, wanted: OutputProfile, photo_profile: bytes
) -> tuple[PixelArray, bytes, tuple[str, ...]]:
    """Return (H, W, 3) sRGB pixels in the wanted profile, its bytes, and notes; what can't be had is sRGB.

    ``photo_profile``: the photo's own, empty if it has none. Raises CodecError if the library that converts is
    missing, MemoryError.
    """
    if wanted == "srgb":
        return pixels, srgb_profile(), ()
    target = display_p3_profile() if wanted == "display-p3" else photo_profile
    if not target:
        return pixels, srgb_profile(), ("written as sRGB: the photo has no color profile",)
    if target[16:20] != b"RGB ":
        return pixels, srgb_profile(), ("written as sRGB: the photo's color profile is not one of RGB",)
    converted = _converted(pixels, target)
    if converted is None:
        return pixels, srgb_profile(), ("written as sRGB: the photo's color profile is damaged, or only for reading",)
    return converted, target, ()


def _converted(pixels: PixelArray, target: bytes) -> NDArray[np.float32] | None:
    """Return sRGB pixels in another profile, None if it can't be used."""
    library = load_library("imagecodecs", "converts colors", "reinstall it, or set output.profile to srgb")
    colors = pixels / np.float32(255) if pixels.dtype == np.uint8 else np.clip(pixels, 0, 1)
    try:
        converted: NDArray[np.float32] = library.cms_transform(
            np.ascontiguousarray(colors, dtype=np.float32),
            srgb_profile(),
            target,
            colorspace="rgb",
            outcolorspace="rgb",
            intent=_RELATIVE_COLORIMETRIC,
            flags=_BLACK_POINT_COMPENSATION | _NO_OPTIMIZATION,
        )
    except (RuntimeError, ValueError):
        require_memory(pixels.shape[0] * pixels.shape[1])  # without memory a profile looks damaged, too
        return None
    return converted


@cache
def display_p3_profile() -> bytes:
    """Return a Display P3 profile (ICC.1:2022, version 4), the same bytes at every call."""
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(*_CURVE)
    tags = {
        b"desc": _text("Display P3"),
        b"cprt": _text("No copyright, use freely"),
        **{name: b"XYZ " + bytes(4) + _fixed(*point) for name, point in _DISPLAY_P3.items()},
        b"chad": b"sf32" + bytes(4) + _fixed(*_ADAPTATION),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    start, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        found = body.find(content)  # the curve is stored once
        if found < 0:
            found = len(body)
            body += content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, start + found, len(content))
    head = struct.pack(
        ">I4xI4s4s4s6H4s28x", start + len(body), 0x04400000, b"mntr", b"RGB ", b"XYZ ", *_DATE, b"acsp"
    )
    return (head + _fixed(*_D50)).ljust(128, b"\0") + table + body


def _fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def _text(words: str) -> bytes:
    encoded = words.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded
