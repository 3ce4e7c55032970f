"""Converts 8-bit images to sRGB by their ICC profile. Owns profiles; does not read them from files.

Pillow's ``convert`` ignores profiles: that is the case handled here.
"""

from __future__ import annotations

import io
from typing import Final, cast

import numpy as np
from PIL import Image, ImageCms

from pipeline.images.decode_errors import require_memory

#: How ICC names the channels of Pillow's modes.
_SPACES: Final = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_CREATION_DATE: Final = slice(24, 36)


def srgb_profile() -> bytes:
    """Return an sRGB profile, the same bytes at every call: LittleCMS would write the time of day into it."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CREATION_DATE] = np.array([2000, 1, 1, 0, 0, 0], dtype=">u2").tobytes()
    return bytes(profile)


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str | None]:
    """Return an L, RGB, CMYK or LAB image as sRGB in mode RGB, and a note if its profile can't be used.

    ``profile``: ICC bytes, empty if there are none, None if Pillow could not assemble them.
    """
    if image.mode == "LAB":
        return _transform(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))), None
    if profile == b"":
        return image.convert("RGB"), None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        if source.profile.xcolor_space.strip() == "RGB" and image.mode == "L":
            image = image.convert("RGB")
        if source.profile.xcolor_space.strip() == _SPACES[image.mode]:
            return _transform(image, source), None
    except (OSError, ValueError, ImageCms.PyCMSError):
        require_memory(image.width * image.height)  # without memory for its transform a profile looks damaged, too
        return image.convert("RGB"), "the embedded color profile is damaged: colors read as sRGB"
    return image.convert("RGB"), "the embedded color profile is for other channels: colors read as sRGB"


def _transform(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    # As Photoshop converts: colors in both gamuts stay, black stays black.
    converted = ImageCms.profileToProfile(
        image,
        source,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return cast("Image.Image", converted)
