"""Converts 16-bit and float pixels to sRGB by their ICC profile, at 16 bits: Pillow's LittleCMS knows 8 bits only."""

from __future__ import annotations

from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from pipeline.images.color.description import ColorError
from pipeline.images.color.profiles import channels_of, srgb_profile
from pipeline.images.decode_errors import require_memory

Pixels = NDArray[Any]

_BLOCK_PIXELS: Final = 1 << 18
_SPACES: Final = {1: "GRAY", 3: "RGB", 4: "CMYK"}
#: Tables that LittleCMS makes to be faster err by as much as 15/255 in dark colors.
_FLAGS: Final = imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION | imagecodecs.CMS.FLAGS.NOOPTIMIZE


def converted(pixels: Pixels, icc: bytes | None) -> Pixels:
    """Return (H, W, 3) sRGB pixels of the same type, uint16 or float32 from 0 to 1.

    ``pixels``: (H, W, 1) gray, (H, W, 3) RGB or (H, W, 4) CMYK, where 0 is no ink. Raises ColorError for a profile
    that can't be used.
    """
    space = channels_of(icc)
    if space == "RGB" and pixels.shape[2] == 1:
        pixels = pixels.repeat(3, axis=2)
    if space != _SPACES[pixels.shape[2]]:
        raise ColorError("the embedded color profile is for other channels")
    result = np.empty((*pixels.shape[:2], 3), pixels.dtype)
    rows = max(1, _BLOCK_PIXELS // max(1, pixels.shape[1]))
    for start in range(0, len(pixels), rows):
        result[start : start + rows] = _block_converted(pixels[start : start + rows], icc or b"", space)
    return result


def _block_converted(block: Pixels, icc: bytes, space: str) -> Pixels:
    is_float = block.dtype == np.float32
    numbers = np.rint(np.clip(block, 0, 1) * np.float32(65535)).astype(np.uint16) if is_float else block
    try:
        rgb = imagecodecs.cms_transform(
            np.ascontiguousarray(numbers[..., 0] if space == "GRAY" else numbers),
            icc,
            srgb_profile(),
            colorspace=space.lower(),
            outcolorspace="rgb",
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
            flags=_FLAGS,
        )
    except imagecodecs.CmsError as error:
        require_memory(block.size)
        raise ColorError("the embedded color profile is damaged") from error
    return rgb / np.float32(65535) if is_float else rgb
