"""What a recipe's strength means: a factor on its content weight. Owns the curve; does not import torch.

Found by eye, and by the distance of neighboring pictures (``python -m tests.benchmarks --only l``). On both sides of
the usual strength equal steps are equal factors: up to 256 times the weight, where a picture has a touch of the
painting's colors, and down to a 64th, beyond which hardly anything changes. The mild side is the steeper one, so that
at 0.25, with 16 times the weight, a face is still recognized at once.

The style weight stays, so that the style losses of pictures of different strengths compare.
"""

from __future__ import annotations

from typing import Final

#: The strength at which the weights are what the recipe says.
NEUTRAL: Final = 0.5
_FACTOR_AT_0: Final = 256.0
_FACTOR_AT_1: Final = 1 / 64


def content_factor(strength: float) -> float:
    """Return the factor on the content weight: exactly 1 at strength 0.5, more below and less above it."""
    steps = abs(strength - NEUTRAL) / NEUTRAL
    return float((_FACTOR_AT_0 if strength < NEUTRAL else _FACTOR_AT_1) ** steps)
