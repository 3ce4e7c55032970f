"""How many pixels make an inch when a picture is printed. Owns where files say it; changes no size.

JPEG and PNG have a place of their own for it, which programs for printing read first, and EXIF, whose directory is
TIFF's, has another one. A picture says in each place what its photo says there, or, where that says nothing, in the
other one. A picture for a sheet of paper says in both what it was made for.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from typing import Final

from PIL import Image

from pipeline.images import exif
from pipeline.images.exif import ByteOrder, Exif, Value

#: Pixels an inch, across and down.
Density = tuple[float, float]

_ACROSS, _DOWN, _UNIT = 0x011A, 0x011B, 0x0128
_RATIONAL: Final = 5
_INCH: Final = 2
_CENTIMETERS_PER_INCH: Final = 2.54
_METERS_PER_INCH: Final = 0.0254
#: What JFIF can hold.
_LEAST, _MOST = 1, 65535
#: Half a pixel a meter: PNG and BMP count by the meter, where 300 an inch is 299.9994.
_ROUNDING: Final = 0.0127


def stored_density(image: Image.Image) -> Density | None:
    """Return what a file says outside of its metadata: JFIF, PNG's pHYs, BMP's header. A mere ratio is nothing."""
    if image.format not in {"PNG", "BMP"} and image.info.get("jfif_unit") not in (1, 2):
        return None  # what Pillow gives is EXIF's, or a guess
    across, down = image.info.get("dpi", (0, 0))
    return _plausible(float(across), float(down))


def density_per_meter(across: int, down: int) -> Density | None:
    """Return what a header says that counts pixels by the meter, as BMP's does."""
    return _plausible(across * _METERS_PER_INCH, down * _METERS_PER_INCH)


def exif_density(block: Exif) -> Density | None:
    """Return what EXIF says."""
    across, down = (_number(block.order, block.image.get(tag)) for tag in (_ACROSS, _DOWN))
    match exif.first_integer(block.order, block.image.get(_UNIT)):
        case None | 2:
            return _plausible(across, down)
        case 3:
            return _plausible(across * _CENTIMETERS_PER_INCH, down * _CENTIMETERS_PER_INCH)
        case _:
            return None


def turned(block: Exif) -> Exif:
    """Return the block of a photo that was turned by a quarter: what was across is down now."""
    across, down = block.image.get(_ACROSS), block.image.get(_DOWN)
    return (
        block
        if across is None or down is None
        else replace(block, image={**block.image, _ACROSS: down, _DOWN: across})
    )


def with_density(block: Exif, density: Density | None) -> Exif:
    """Return the block with a density, unless it has one."""
    if density is None or exif_density(block) is not None:
        return block
    return with_this_density(block, density)


def with_this_density(block: Exif, density: Density) -> Exif:
    """Return the block with this density, whatever it had."""
    across, down = (_rational(block.order, number) for number in density)
    unit = exif.integers(block.order, exif.SHORT, _INCH)
    return replace(block, image={**block.image, _ACROSS: across, _DOWN: down, _UNIT: unit})


def _plausible(across: float, down: float) -> Density | None:
    rounded = _without_rounding(across), _without_rounding(down)
    return rounded if all(_LEAST <= number <= _MOST for number in rounded) else None  # NaN is not


def _without_rounding(number: float) -> float:
    whole = round(number) if abs(number) <= _MOST else 0
    return float(whole) if abs(number - whole) <= _ROUNDING else number


def _number(order: ByteOrder, value: Value | None) -> float:
    if value is None or value.kind != _RATIONAL or len(value.data) < 8:
        return 0.0
    numerator, denominator = struct.unpack_from(order + "II", value.data)
    return numerator / denominator if denominator else 0.0


def _rational(order: ByteOrder, number: float) -> Value:
    fraction = Fraction(number).limit_denominator(10_000)
    return Value(_RATIONAL, 1, struct.pack(order + "II", fraction.numerator, fraction.denominator))
