"""Converts gray and RGB pixels to sRGB by code points or measured numbers, in blocks of rows. Knows no profiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.images.color import highlights, primaries, transfer
from pipeline.images.color.description import HLG, PQ, Calibration, Chromaticities, CodePoints, ColorError

Pixels = NDArray[Any]
Light = NDArray[np.float32]

_BLOCK_PIXELS: Final = 1 << 18
_SAMPLED_PIXELS: Final = 1 << 20
#: Exponents whose reciprocal is so near to 0.45455 stand for sRGB's curve: programs write 0.45, 0.4545 and 0.455.
_SRGB_GAMMA, _GAMMA_TOLERANCE = 0.45455, 0.005
_GAMMAS: Final = (0.1, 10.0)
_NARROW_8_BITS: Final = (16 / 255, 219 / 255)
_NARROW_16_BITS: Final = (4096 / 65535, 56064 / 65535)


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """The way of values to linear sRGB.

    ``to_light``: of (..., 3) or (..., 1) values from 0 to 1. ``matrix``: (3, 3), to sRGB's primaries, None for the
    same ones. ``luminance_weights``: of the primaries, where the light is HLG's. ``is_hdr``: light goes above white.
    """

    to_light: Callable[[Light], Light]
    matrix: Light | None
    full_range: bool = True
    luminance_weights: Light | None = None
    is_hdr: bool = False


def conversion_by(statement: CodePoints | Calibration) -> Conversion | None:
    """Return the conversion that a statement asks for, None where it says sRGB. Raises ColorError for nonsense."""
    return _by_code_points(statement) if isinstance(statement, CodePoints) else _by_calibration(statement)


def depth_of(pixels: Pixels) -> int:
    """Return the value of white in pixels of this type."""
    return 1 if pixels.dtype == np.float32 else int(np.iinfo(pixels.dtype).max)


def converted(pixels: Pixels, conversion: Conversion) -> Pixels:
    """Return (H, W, 3) sRGB pixels of the type of the (H, W, 1 or 3) pixels."""
    white = depth_of(pixels)
    to_light = _tabulated(pixels, conversion)
    peak = highlights.peak_of(_sample(pixels, to_light)) if conversion.is_hdr else 1.0
    result = np.empty((*pixels.shape[:2], 3), pixels.dtype)
    for rows in _row_blocks(pixels):
        light = highlights.rolled_off(to_light(pixels[rows]), peak)
        if conversion.matrix is not None and light.shape[-1] == 3:
            light = light @ conversion.matrix.T
        values = transfer.linear_to_srgb(light)
        result[rows] = values if white == 1 else np.rint(values * np.float32(white))
    return result


def _by_code_points(points: CodePoints) -> Conversion | None:
    chromaticities = primaries.CHROMATICITIES.get(points.primaries)
    if chromaticities is None:
        raise ColorError(f"its color primaries (code point {points.primaries}) are unknown")
    if not transfer.is_known(points.transfer):
        raise ColorError(f"its transfer function (code point {points.transfer}) is unknown")
    matrix = _matrix(chromaticities)
    if matrix is None and points.full_range and transfer.is_srgb(points.transfer):
        return None
    is_hlg = points.transfer == HLG
    return Conversion(
        lambda values: transfer.to_linear(values, points.transfer),
        matrix,
        points.full_range,
        primaries.to_xyz(chromaticities)[1].astype(np.float32) if is_hlg else None,
        is_hlg or points.transfer == PQ,
    )


def _by_calibration(calibration: Calibration) -> Conversion | None:
    exponents = calibration.exponents
    gammas = [1 / exponent for exponent in exponents or ()]
    for gamma in gammas:
        if not _GAMMAS[0] <= gamma <= _GAMMAS[1]:
            raise ColorError(f"its gamma is {gamma:.5g}, which can't be")
    matrix = _matrix(calibration.chromaticities or primaries.SRGB_CHROMATICITIES)
    is_srgb_curve = all(abs(gamma - _SRGB_GAMMA) <= _GAMMA_TOLERANCE for gamma in gammas)
    if matrix is None and is_srgb_curve:
        return None
    if exponents is None:
        return Conversion(transfer.srgb_to_linear, matrix)
    return Conversion(lambda values: _powers(values, exponents), matrix)


def _powers(values: Light, exponents: tuple[float, float, float]) -> Light:
    # Gray has one channel, and its curve is that of green, which the eye sees most of.
    powers = np.array(exponents if values.shape[-1] == 3 else exponents[1:2], np.float32)
    return np.asarray(np.clip(values, 0, 1) ** powers)


def _matrix(chromaticities: Chromaticities) -> Light | None:
    if primaries.are_srgb(chromaticities):
        return None
    try:
        return primaries.to_srgb_primaries(chromaticities).astype(np.float32)
    except ValueError as error:
        raise ColorError("its chromaticities are not those of a picture") from error


def _tabulated(pixels: Pixels, conversion: Conversion) -> Callable[[Pixels], Light]:
    """Return the function from pixels of this type to light, (..., 3) or (..., 1): by a table where that is exact.

    PQ and HLG are made for 12 bits or fewer, so that 16 are enough for floats, too.
    """
    depth, channels = depth_of(pixels), pixels.shape[2]
    if depth == 1 and not conversion.is_hdr:
        return lambda block: _light(block, conversion, _NARROW_16_BITS)
    narrow = _NARROW_8_BITS if depth == 255 else _NARROW_16_BITS
    codes = np.linspace(0, 1, 256 if depth == 255 else 65536, dtype=np.float32)
    table = _light(codes[:, None].repeat(channels, axis=1), conversion, narrow)

    def looked_up(block: Pixels) -> Light:
        numbers = block if depth > 1 else np.rint(np.clip(block, 0, 1) * np.float32(65535)).astype(np.uint16)
        return np.stack([table[:, channel].take(numbers[..., channel]) for channel in range(channels)], axis=-1)

    return _with_hlg(looked_up, conversion, channels)


def _light(values: Light, conversion: Conversion, narrow: tuple[float, float]) -> Light:
    if not conversion.full_range:
        values = (values - np.float32(narrow[0])) / np.float32(narrow[1])
    return conversion.to_light(values)


def _with_hlg(
    to_light: Callable[[Pixels], Light], conversion: Conversion, channels: int
) -> Callable[[Pixels], Light]:
    if conversion.luminance_weights is None:
        return to_light
    weights = conversion.luminance_weights if channels == 3 else np.ones(1, np.float32)
    return lambda block: transfer.hlg_display_light(to_light(block), weights)


def _sample(pixels: Pixels, to_light: Callable[[Pixels], Light]) -> Light:
    """Return the light of about a million pixels, evenly taken."""
    step = math.ceil(math.sqrt(pixels.shape[0] * pixels.shape[1] / _SAMPLED_PIXELS))
    return to_light(pixels[::step, ::step])


def _row_blocks(pixels: Pixels) -> Iterator[slice]:
    height, width = pixels.shape[:2]
    rows = max(1, _BLOCK_PIXELS // max(1, width))
    return (slice(start, start + rows) for start in range(0, height, rows))
