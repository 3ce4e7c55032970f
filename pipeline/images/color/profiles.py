"""Converts 8-bit images to sRGB by their ICC profile. Owns profiles; does not read them from files.

Pillow's ``convert`` ignores profiles: that is the case handled here.
"""

from __future__ import annotations

import io
from typing import Final, cast

import numpy as np
from PIL import Image, ImageCms

from pipeline.images.color.description import ColorError
from pipeline.images.decode_errors import require_memory

#: How ICC names the channels of Pillow's modes.
_SPACES: Final = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_CREATION_DATE: Final = slice(24, 36)
_DAMAGED: Final = "the embedded color profile is damaged"


def srgb_profile() -> bytes:
    """Return an sRGB profile, the same bytes at every call: LittleCMS would write the time of day into it."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CREATION_DATE] = np.array([2000, 1, 1, 0, 0, 0], dtype=">u2").tobytes()
    return bytes(profile)


def channels_of(icc: bytes | None) -> str:
    """Return what a profile is for: RGB, GRAY, CMYK ... Raises ColorError for a damaged one."""
    return str(_opened(icc).profile.xcolor_space.strip())


def from_lab(image: Image.Image) -> Image.Image:
    """Return a LAB image as sRGB in mode RGB."""
    return _transform(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))


def converted(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Return an L, RGB or CMYK image as sRGB in mode RGB. Raises ColorError for a profile that can't be used."""
    source = _opened(icc)
    try:
        space = source.profile.xcolor_space.strip()
        if space == "RGB" and image.mode == "L":
            image = image.convert("RGB")
        if space == _SPACES[image.mode]:
            return _transform(image, source)
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        require_memory(image.width * image.height)  # without memory for its transform a profile looks damaged, too
        raise ColorError(_DAMAGED) from error
    raise ColorError("the embedded color profile is for other channels")


def _opened(icc: bytes | None) -> ImageCms.ImageCmsProfile:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc or b""))
        profile.profile.xcolor_space.strip()  # of some damaged ones it is no text
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        raise ColorError(_DAMAGED) from error
    return profile


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
