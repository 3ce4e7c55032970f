"""What a recipe's strength means: a factor on its content weight. Owns the curve; does not import torch.

Found by eye, and by the distance of neighboring pictures (``python -m tests.benchmarks --only l``). Equal steps are
equal factors. On the mild side these go up to 32 times the weight, where a picture has a touch of the painting's
colors; at nearly 6 times, strength 0.25, a face is still recognized at once. On the wild side the factor falls to
0.4: with less, nothing of some photos is left.

The style weight stays, so that the style losses of pictures of different strengths compare.
"""

from __future__ import annotations

from typing import Final

#: The strength at which the weights are what the recipe says.
NEUTRAL: Final = 0.5
_FACTOR_AT_0: Final = 32.0
_FACTOR_AT_1: Final = 0.4


def content_factor(strength: float) -> float:
    """Return the factor on the content weight: exactly 1 at strength 0.5, more below and less above it."""
    steps = abs(strength - NEUTRAL) / NEUTRAL
    return float(_FACTOR_AT_0**steps if strength < NEUTRAL else _FACTOR_AT_1**steps)
