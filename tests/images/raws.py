"""Camera raw files with known colors: DNGs of few pixels, as a camera writes them."""

import io
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from tests.images.pictures import CORNERS

#: From XYZ to the sensor's colors: the sensor sees the primaries of sRGB.
_COLOR_MATRIX: Final = (32406, -15372, -4986, -9689, 18758, 415, 557, -2040, 10570)
_DNG_VERSION, _UNIQUE_MODEL, _BLACK, _WHITE, _MATRIX, _NEUTRAL, _LIGHT = (
    50706,
    50708,
    50714,
    50717,
    50721,
    50728,
    50778,
)
_MAKE, _MODEL, _ORIENTATION, _PATTERN_SIZE, _PATTERN = 271, 272, 274, 33421, 33422


def linear(rgb: NDArray[Any]) -> NDArray[np.float64]:
    values = rgb / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def mosaic(size: int = 64) -> NDArray[np.uint16]:
    """What a sensor with the pattern RGGB measures of the four corners."""
    light = linear(CORNERS.astype(float)).repeat(size, axis=0).repeat(2 * size, axis=1) * 60000
    found = light[..., 1].copy()
    found[::2, ::2], found[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
    return found.astype(np.uint16)


def dng(
    orientation: int = 1, values: NDArray[np.uint16] | None = None, *, version: bool = True, more: Any = ()
) -> bytes:
    tags: list[tuple[int, str, int, Any, bool]] = [
        (_MAKE, "s", 0, "Acme", True),
        (_MODEL, "s", 0, "One", True),
        (_ORIENTATION, "H", 1, orientation, True),
        (_PATTERN_SIZE, "H", 2, (2, 2), True),
        (_PATTERN, "B", 4, bytes((0, 1, 1, 2)), True),
        (_UNIQUE_MODEL, "s", 0, "Acme One", True),
        (_WHITE, "H", 1, 60000, True),
        (_MATRIX, "2i", 9, tuple(number for value in _COLOR_MATRIX for number in (value, 10000)), True),
        (_NEUTRAL, "2I", 3, (1, 1, 1, 1, 1, 1), True),
        (_LIGHT, "H", 1, 21, True),
    ]
    tags += more
    if version:
        tags.append((_DNG_VERSION, "B", 4, bytes((1, 4, 0, 0)), True))
    file = io.BytesIO()
    data = mosaic() if values is None else values
    tifffile.imwrite(file, data, photometric=32803, extratags=tags, metadata=None, software=False)
    return file.getvalue()
