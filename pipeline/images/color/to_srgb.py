"""Converts pixels to sRGB by what their file says about their colors. Owns which statement holds and what is noted.

8-bit pixels stay 8-bit and are rounded once; 16-bit and float pixels are converted at that depth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.images.color import deep_profiles, profiles
from pipeline.images.color.conversion import conversion_by, converted, depth_of
from pipeline.images.color.description import (
    SRGB,
    Calibration,
    CodePoints,
    ColorDescription,
    ColorError,
    NotUnderstood,
    Profile,
    Statement,
)

Pixels = NDArray[Any]

_MODES = {1: "L", 3: "RGB", 4: "CMYK"}


def to_srgb(pixels: Pixels, description: ColorDescription) -> tuple[Pixels, str | None]:
    """Return (H, W, 3) sRGB pixels of the same type, and a note about what was not understood of their colors.

    ``pixels``: (H, W, 1) gray, (H, W, 3) RGB or (H, W, 4) CMYK, where 0 is no ink; uint8, uint16, or float32 from 0
    to 1. RGB that is sRGB already comes back untouched, as the same array.
    """
    failures: list[str] = []
    for statement in description.statements:
        if isinstance(statement, CodePoints) and statement.is_unspecified:
            continue
        try:
            return _by(statement, pixels), _note(failures, _named(statement))
        except ColorError as error:
            failures.append(str(error))
    return _plain(pixels), _note(failures, "as sRGB")


def _note(failures: list[str], read: str) -> str | None:
    return f"{'; '.join(failures)}: colors read {read}" if failures else None


def _named(statement: Statement) -> str:
    if isinstance(statement, Profile):
        return "by the embedded color profile"
    if isinstance(statement, Calibration):
        return "by its gamma and chromaticities" if statement.chromaticities else "by its gamma"
    return "as sRGB" if statement == SRGB else "by its code points"


def _by(statement: Statement, pixels: Pixels) -> Pixels:
    """Return sRGB pixels by one statement. Raises ColorError where it can't be used."""
    if isinstance(statement, NotUnderstood):
        raise ColorError(statement.what)
    if isinstance(statement, Profile):
        return _by_profile(pixels, statement.icc)
    if pixels.shape[2] == 4:
        raise ColorError("the picture has inks (CMYK), and its file speaks of light")
    conversion = conversion_by(statement)
    return _plain(pixels) if conversion is None else converted(pixels, conversion)


def _by_profile(pixels: Pixels, icc: bytes | None) -> Pixels:
    if pixels.dtype == np.uint8:
        return np.array(profiles.converted(_image_of(pixels), icc))
    return deep_profiles.converted(pixels, icc)


def _plain(pixels: Pixels) -> Pixels:
    """Return pixels as RGB without a change of colors."""
    if pixels.shape[2] == 3:
        return pixels
    if pixels.shape[2] == 1:
        return pixels.repeat(3, axis=2)
    if pixels.dtype == np.uint8:
        return np.array(_image_of(pixels).convert("RGB"))
    return _without_inks(pixels)


def _without_inks(pixels: Pixels) -> Pixels:
    """Return what deep CMYK means without a profile: each ink takes its light away, and black all."""
    white = depth_of(pixels)
    rgb = np.empty((*pixels.shape[:2], 3), pixels.dtype)
    for row, inks in zip(rgb, pixels, strict=True):
        light = (white - inks[:, :3].astype(np.float32)) * (1 - inks[:, 3:] / np.float32(white))
        row[:] = light if white == 1 else np.rint(light)
    return rgb


def _image_of(pixels: Pixels) -> Image.Image:
    height, width, channels = pixels.shape
    return Image.frombytes(_MODES[channels], (width, height), pixels.tobytes())
