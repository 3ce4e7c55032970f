"""Converts CIE L*a*b* as TIFF stores it to sRGB. Owns its encodings in 8 and 16 bits.

TIFF 6.0, section 23, and ICC's encoding in Adobe's Photoshop TIFF Technical Notes (2002). White is D50.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.images.color.transfer import linear_to_srgb

CIELAB, ICCLAB = 8, 9
ENCODINGS: Final = frozenset({CIELAB, ICCLAB})

_D50: Final = np.array([0.9642, 1.0, 0.8249], np.float32)
#: XYZ under D50 to linear sRGB, adapted to D65 by Bradford's method (Lindbloom).
_XYZ_TO_RGB: Final = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ],
    np.float32,
)
_ROWS_AT_ONCE: Final = 256


def to_srgb(samples: NDArray[Any], encoding: int) -> NDArray[np.float32]:
    """Return (H, W, 3 or more) uint8 or uint16 samples as float32 sRGB, 0..1; further channels are scaled to that."""
    result = np.empty(samples.shape, np.float32)
    for top in range(0, len(samples), _ROWS_AT_ONCE):  # the floats between take many times a picture's memory
        rows = samples[top : top + _ROWS_AT_ONCE]
        result[top : top + _ROWS_AT_ONCE, :, :3] = linear_to_srgb(_light(_values(rows[..., :3], encoding)))
        result[top : top + _ROWS_AT_ONCE, :, 3:] = rows[..., 3:] / np.float32(np.iinfo(samples.dtype).max)
    return result


def _values(samples: NDArray[Any], encoding: int) -> NDArray[np.float32]:
    """Return L* in 0..100, a* and b*."""
    is_deep = samples.dtype.itemsize == 2
    colors = samples[..., 1:]
    if encoding == CIELAB:
        colors = colors.astype(np.int16 if is_deep else np.int8)
    else:
        colors = colors.astype(np.int32) - (32768 if is_deep else 128)
    white = 255 if not is_deep else 65535 if encoding == CIELAB else 65280
    lightness = samples[..., :1].astype(np.float32) * np.float32(100 / white)
    return np.concatenate([lightness, colors.astype(np.float32) / np.float32(256 if is_deep else 1)], axis=2)


def _light(values: NDArray[np.float32]) -> NDArray[np.float32]:
    y = (values[..., 0] + 16) / 116
    f = np.stack([y + values[..., 1] / 500, y, y - values[..., 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)).astype(np.float32) * _D50
    return np.asarray(xyz @ _XYZ_TO_RGB.T, np.float32)
