"""Which colors of a photo count, and what paintings are matched to: where it is painted and can be seen."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.engine.events import Request
from pipeline.engine.transfer.color.matching import ColorMatch, palette_of
from pipeline.engine.transfer.geometry import Geometry, averaged_to_network
from pipeline.engine.transfer.places import PaintedPlaces


def color_matches(
    request: Request, places: PaintedPlaces | None, geometry: Geometry, photo: Tensor
) -> list[ColorMatch | None]:
    """Return for each style of a picture the colors that its paintings are to have, None = their own.

    Those are the colors of ``photo`` (1, 3, h, w), which lies as ``geometry`` says, where it is painted in that style
    and can be seen.
    """
    if not request.recipe.matches_colors:
        return [None] * (1 if places is None else len(places.styles))
    alpha = opacity(request)
    maps = torch.ones(1, 1, *request.photo.shape[:2]) if places is None else places.painted
    shares = averaged_to_network(maps if alpha is None else maps * alpha, geometry)
    return [ColorMatch(palette_of(photo, share[None, None]), request.recipe.color_mix) for share in shares[0]]


def opacity(request: Request) -> Tensor | None:
    """Return how opaque the photo is (1, 1, H, W), 0..1; None = all of it."""
    if request.alpha is None:
        return None
    whole = 255 if request.alpha.dtype == np.uint8 else 1
    return torch.from_numpy(np.array(request.alpha, np.float32))[None, None] / whole
