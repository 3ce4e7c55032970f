"""What a recipe's strength means: a factor on its content weight. Owns the curve; does not import torch.

Found by eye and by the distance of neighboring pictures: equal steps of strength are equal factors on
the weight, from a touch of the painting to what hardly shows the photo. The style weight stays, so that the style
losses of pictures of different strengths compare.
"""

from __future__ import annotations

from typing import Final

#: The strength at which the weights are what the recipe says.
NEUTRAL: Final = 0.5
#: The factor on the content weight at strength 0; at 1 it is one over this.
_LARGEST_FACTOR: Final = 64.0


def content_factor(strength: float) -> float:
    """Return the factor on the content weight: exactly 1 at strength 0.5, more below and less above it."""
    return float(_LARGEST_FACTOR ** ((NEUTRAL - strength) / NEUTRAL))
