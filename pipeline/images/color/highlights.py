"""Rolls off what is brighter than white, for pictures with light above it (PQ, HLG).

Where nothing is brighter than white, nothing changes. Otherwise light up to the knee stays as it is, and what lies
above is bent smoothly so that the picture's brightest parts become white, at the same ratio of the three channels.
"""

from __future__ import annotations

from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float32]

#: The light from which on the curve bends: 0.9 as a value of sRGB.
KNEE: Final = 0.787
#: Glints brighter than all but this share of the picture may become plain white.
_SHARE_BELOW_PEAK: Final = 99.9


def peak_of(light: Light) -> float:
    """Return the light that is to become white: that of the brightest parts, at least 1."""
    return max(1.0, float(np.percentile(_brightest(light), _SHARE_BELOW_PEAK)))


def rolled_off(light: Light, peak: float) -> Light:
    """Return light, (..., 3) or (..., 1), with everything up to ``peak`` brought to at most 1."""
    if peak <= 1:
        return light
    brightest = _brightest(light)[..., None]
    span = np.float32(1 - KNEE)
    above = np.clip((brightest - np.float32(KNEE)) / span, 0, None)
    reach = np.float32((peak - KNEE) / (1 - KNEE))
    # Reinhard's curve with a white point: slope 1 at the knee, 1 at the peak.
    bent = KNEE + span * above * (1 + above / reach**2) / (1 + above)
    return np.asarray(light * np.where(above > 0, bent / np.maximum(brightest, np.float32(KNEE)), 1))


def _brightest(light: Light) -> Light:
    channels = (light[..., channel] for channel in range(light.shape[-1]))
    return reduce(np.maximum, channels)  # far faster than max() along an axis of 3
