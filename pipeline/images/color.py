"""From whatever channels a file holds to 8-bit sRGB. Owns modes, bit depths and color profiles; refuses geometry.

Pillow's ``convert`` clips 16-bit grey to white, takes a CMYK JPEG for inverted even if Adobe did not write it, and
ignores profiles: these are the cases handled here.
"""

from __future__ import annotations

import io
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms

from pipeline.images.decode_errors import require_memory

_PHOTOMETRIC, _BITS, _SAMPLE_FORMAT = 262, 258, 339
_SIGNED: Final = 2
#: How ICC names the channels of Pillow's modes.
_SPACES: Final = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_CREATION_DATE: Final = slice(24, 36)


def srgb_profile() -> bytes:
    """Return an sRGB profile, the same bytes at every call: LittleCMS would write the time of day into it."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CREATION_DATE] = np.array([2000, 1, 1, 0, 0, 0], dtype=">u2").tobytes()
    return bytes(profile)


def plain(image: Image.Image) -> Image.Image:
    """Return a loaded image as L, LA, RGB, RGBA, CMYK or LAB: 8 bits, no palette, alpha not multiplied in."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _grey_from_numbers(image)
    if image.mode == "CMYK":
        is_jpeg = image.format in {"JPEG", "MPO"}
        return ImageChops.invert(image) if is_jpeg and "adobe" not in image.info else image
    if image.mode == "LAB":
        return image
    channels = "L" if image.mode in {"1", "L", "LA", "La"} else "RGB"
    mode = channels + ("A" if image.has_transparency_data else "")
    return image if image.mode == mode else image.convert(mode)


def _grey_from_numbers(image: Image.Image) -> Image.Image:
    """Return 16-bit, 32-bit and float grey scaled to 8 bits by its type's range, or its own if that is larger."""
    values = _numbers(image)
    full = _white(image, values)
    if _tag(image, _PHOTOMETRIC) == 0:
        values = full - values
    grey = Image.fromarray(np.rint(np.clip(values / full, 0, 1) * 255).astype(np.uint8))
    if (key := image.info.get("transparency")) is not None:
        grey.putalpha(Image.fromarray(np.where(np.asarray(image) == key, 0, 255).astype(np.uint8)))
    return grey


def _numbers(image: Image.Image) -> NDArray[np.float32]:
    values = np.asarray(image)
    if image.mode == "I" and _tag(image, _SAMPLE_FORMAT) != _SIGNED:
        values = values.view(np.uint32)  # Pillow's I is signed whatever the file says; files say nothing for unsigned
    return np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)


def _white(image: Image.Image, values: NDArray[np.float32]) -> float:
    """Return the value that means white. Floats go to 1, and 32-bit numbers to 65535, unless they exceed it."""
    bits = _tag(image, _BITS)
    if image.mode == "F":
        return max(1.0, float(values.max()))
    if image.mode == "I":
        return 32767.0 if bits == 16 else max(65535.0, float(values.max()))
    return float(2 ** (bits or 16) - 1)


def _tag(image: Image.Image, tag: int) -> int | None:
    """Return the first number under a TIFF tag, None where there is none."""
    value = getattr(image, "tag_v2", {}).get(tag)
    return cast("int | None", value[0] if isinstance(value, tuple) else value)


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str | None]:
    """Return an L, RGB, CMYK or LAB image as sRGB in mode RGB, and a note if its profile is of no use.

    ``profile``: ICC bytes, empty if there are none, None if Pillow could not put them together.
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
        require_memory(image.width * image.height)  # a profile whose transform gets none looks damaged, too
        return image.convert("RGB"), "the embedded color profile is damaged: colors taken as they are"
    return image.convert("RGB"), "the embedded color profile is for other channels: colors taken as they are"


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
