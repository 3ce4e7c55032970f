"""Gives a finished picture the photo's colors, under the picture's lightness: ``color: photo``."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.engine.transfer.color.oklab import by_pixels, from_oklab, to_oklab


def with_chroma_of(picture: Tensor, photo: Tensor, mix: float) -> Tensor:
    """Return a picture with its own lightness and the chroma of ``photo``, both (1, 3, H, W), sRGB 0..1.

    ``mix``: how much of the way from the picture's chroma to the photo's. Lightness, a and b are Oklab's.
    """

    def recolored(colors: Tensor, photo_colors: Tensor) -> Tensor:
        lab, wanted = to_oklab(colors), to_oklab(photo_colors)
        return from_oklab(torch.cat([lab[:1], torch.lerp(lab[1:], wanted[1:], mix)]))

    return by_pixels(recolored, picture, photo)
