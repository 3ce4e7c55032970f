"""Brings a Pillow image to 8 bits a channel. Owns modes and bit depths; does not change colors.

Pillow's ``convert`` clips 16-bit gray to white, and takes a CMYK JPEG for inverted even if Adobe did not write it:
these are the cases handled here.
"""

from __future__ import annotations

from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

_PHOTOMETRIC, _BITS, _SAMPLE_FORMAT = 262, 258, 339
_SIGNED: Final = 2


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Return a loaded image as L, LA, RGB, RGBA, CMYK or LAB: 8 bits, no palette, alpha not multiplied in."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _gray_to_eight_bits(image)
    if image.mode == "CMYK":
        is_jpeg = image.format in {"JPEG", "MPO"}
        return ImageChops.invert(image) if is_jpeg and "adobe" not in image.info else image
    if image.mode == "LAB":
        return image
    channels = "L" if image.mode in {"1", "L", "LA", "La"} else "RGB"
    mode = channels + ("A" if image.has_transparency_data else "")
    return image if image.mode == mode else image.convert(mode)


def _gray_to_eight_bits(image: Image.Image) -> Image.Image:
    """Return 16-bit, 32-bit and float gray scaled to 8 bits by its type's range, or its values' if larger."""
    values = _gray_values(image)
    white = _white_level(image, values)
    if _tiff_number(image, _PHOTOMETRIC) == 0:
        values = white - values
    gray = Image.fromarray(np.rint(np.clip(values / white, 0, 1) * 255).astype(np.uint8))
    if (key := image.info.get("transparency")) is not None:
        gray.putalpha(Image.fromarray(np.where(np.asarray(image) == key, 0, 255).astype(np.uint8)))
    return gray


def _gray_values(image: Image.Image) -> NDArray[np.float32]:
    values = np.asarray(image)
    if image.mode == "I" and _tiff_number(image, _SAMPLE_FORMAT) != _SIGNED:
        values = values.view(np.uint32)  # Pillow's mode I is always signed; in files unsigned is the default
    return np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)


def _white_level(image: Image.Image, values: NDArray[np.float32]) -> float:
    """Return the value of white: 1 for floats and 65535 for 32-bit numbers, unless there are larger values."""
    bits = _tiff_number(image, _BITS)
    if image.mode == "F":
        return max(1.0, float(values.max()))
    if image.mode == "I":
        return 32767.0 if bits == 16 else max(65535.0, float(values.max()))
    return float(2 ** (bits or 16) - 1)


def _tiff_number(image: Image.Image, tag: int) -> int | None:
    """Return the first number under a TIFF tag, None where there is none."""
    value = getattr(image, "tag_v2", {}).get(tag)
    return cast("int | None", value[0] if isinstance(value, tuple) else value)
