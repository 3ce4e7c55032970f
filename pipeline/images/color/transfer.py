"""Transfer functions: from a picture's values to linear light, and from there to sRGB's values.

Light is relative: 1 is the white of a page. PQ counts candelas (nits), HLG shares of the brightest; both have that
white at 203 nits, after ITU-R BT.2408, and light above it. Owns no colors: see ``primaries``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.images.color.description import HLG, PQ

Values = NDArray[np.float32]

WHITE_NITS: Final = 203.0
_PQ_PEAK_NITS: Final = 10_000.0
#: The display that ITU-R BT.2100 gives as the reference for HLG, and its system gamma.
_HLG_PEAK_NITS: Final = 1_000.0
_HLG_SYSTEM_GAMMA: Final = 1.2


def to_linear(values: Values, transfer: int) -> Values:
    """Return the light of values from 0 to 1 by a transfer function of ITU-T H.273; what lies outside is clipped.

    For HLG it is the light of the scene: :func:`hlg_display_light` follows. Raises KeyError for an unknown number.
    """
    return _FUNCTIONS[transfer](np.clip(values, 0, 1)).astype(np.float32, copy=False)


def is_known(transfer: int) -> bool:
    """Whether :func:`to_linear` knows a number."""
    return transfer in _FUNCTIONS


def is_srgb(transfer: int) -> bool:
    """Whether a number is read as sRGB's curve."""
    return _FUNCTIONS.get(transfer) is srgb_to_linear


def srgb_to_linear(values: Values) -> Values:
    """Return the light of sRGB's values."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: Values) -> Values:
    """Return sRGB's values, from 0 to 1, of light; what sRGB can't show is clipped channel by channel."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def hlg_display_light(scene: Values, luminance_weights: Values) -> Values:
    """Return what BT.2100's reference display makes of a scene's light: (..., 3) or (..., 1), and as many weights."""
    luminance = scene @ luminance_weights
    peak = np.float32(_HLG_PEAK_NITS / WHITE_NITS)
    return np.asarray(scene * (peak * luminance ** np.float32(_HLG_SYSTEM_GAMMA - 1))[..., None])


def _power(exponent: float, scale: float = 1.0) -> Callable[[Values], Values]:
    return lambda values: scale * values**exponent


def _smpte_240(values: Values) -> Values:
    return np.where(values < 0.0912, values / 4, ((values + 0.1115) / 1.1115) ** (1 / 0.45))


def _logarithmic(decades: float) -> Callable[[Values], Values]:
    return lambda values: np.where(values > 0, 10.0 ** ((values - 1) * decades), 0.0)


def _pq(values: Values) -> Values:
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    # In 64 bits: the difference of nearly equal numbers is raised to the sixth power.
    power = values.astype(np.float64) ** (1 / m2)
    light = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return np.asarray(light * (_PQ_PEAK_NITS / WHITE_NITS), np.float32)


def _hlg_scene(values: Values) -> Values:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values * values / 3, (np.exp((values - c) / a) + b) / 12)


#: ITU-T H.273, table 3. The cameras' curves of BT.709, BT.601, BT.1361, xvYCC and BT.2020 (1, 6, 11, 12, 14, 15) are
#: read as sRGB's: a still picture with these numbers was made to be seen on an sRGB screen, and programs that convert
#: to YCbCr write them without touching its values. 2 is "unspecified".
_FUNCTIONS: Final[dict[int, Callable[[Values], Values]]] = {
    **dict.fromkeys((1, 2, 6, 11, 12, 13, 14, 15), srgb_to_linear),
    4: _power(2.2),
    5: _power(2.8),
    7: _smpte_240,
    8: _power(1.0),
    9: _logarithmic(2.0),
    10: _logarithmic(2.5),
    PQ: _pq,
    17: _power(2.6, 52.37 / 48),
    HLG: _hlg_scene,
}
