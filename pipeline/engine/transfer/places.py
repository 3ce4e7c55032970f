"""Where a picture is painted in which style, where it stays the photo, and where it is to be recognized.

Owns the maps at the photo's own size. What becomes of them at a scale is :mod:`pipeline.engine.transfer.guides`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.engine.events import Places, Request
from pipeline.model import Style


@dataclass(frozen=True, eq=False)
class PaintedPlaces:
    """Which of a picture's places is painted in which of ``styles``; all maps are float32 in 0..1.

    ``painted`` (1, R, H, W): how much each style has of each place, together with ``kept`` 1 everywhere. ``kept``
    (1, 1, H, W): how much stays the photo, None = nothing anywhere. ``guarded`` (1, 1, H, W): how much is to be
    recognized, None = nothing in particular.
    """

    styles: tuple[Style, ...]
    painted: Tensor
    kept: Tensor | None
    guarded: Tensor | None

    @cached_property
    def nothing_is_painted(self) -> bool:
        """Whether all of the picture stays the photo."""
        return not bool(self.painted.any())


def painted_places(request: Request) -> PaintedPlaces | None:
    """Return what differs by place in a picture, None if nothing does."""
    places = request.places
    if places is None or not (places.regions or places.guarded is not None):
        return None
    shape = request.photo.shape[:2]
    guarded = None if places.guarded is None else _map(places.guarded)
    if not places.regions:
        return PaintedPlaces((request.style,), torch.ones(1, 1, *shape), None, guarded)
    styles, painted, kept = _divided(request.style, places)
    return PaintedPlaces(styles, painted, kept, guarded)


def _divided(style: Style, places: Places) -> tuple[tuple[Style, ...], Tensor, Tensor | None]:
    """Return the styles that have a place, their maps (1, R, H, W), and what is kept.

    Each style once, however many regions it has. Where the regions don't make up the whole the first painted one has
    the rest.
    """
    shares: dict[Style, Tensor] = {}
    kept: Tensor | None = None
    for region, share in zip(style.regions, map(_map, places.regions), strict=True):
        if region.style is None:
            kept = share if kept is None else kept + share
        else:
            shares[region.style] = shares[region.style] + share if region.style in shares else share
    first = next(iter(shares))
    others = [share for other, share in shares.items() if other is not first] + ([] if kept is None else [kept])
    shares[first] = _rest(shares[first], others)
    there = {painted: share for painted, share in shares.items() if bool(share.any())} or {first: shares[first]}
    return (
        tuple(there),
        torch.cat(list(there.values()), dim=1),
        kept if kept is not None and bool(kept.any()) else None,
    )


def _rest(share: Tensor, others: list[Tensor]) -> Tensor:
    """Return what ``others`` leave of each place."""
    rest = torch.ones_like(share)
    for other in others:
        rest = rest - other
    return rest.clamp(0, 1)


def _map(values: npt.NDArray[np.float32]) -> Tensor:
    """Return a map (H, W) as a tensor (1, 1, H, W)."""
    return torch.from_numpy(np.array(values, dtype=np.float32))[None, None].clamp(0, 1)
