"""The state of one picture in progress; knows no network, and of the optimizers only their state.

Everything that changes while a canvas is worked on is in :class:`CanvasState`, plain tensors and numbers; the rest
follows from its request.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.engine.devices import to_device
from pipeline.engine.events import Request
from pipeline.engine.memory.plan import PLAIN, MemoryPlan
from pipeline.engine.transfer.color.matching import without_other_colors
from pipeline.engine.transfer.color.photo_colors import with_chroma_of
from pipeline.engine.transfer.color_matches import opacity
from pipeline.engine.transfer.first_pixels import WITHOUT_PAINTINGS, FirstPixels, photo_pixels
from pipeline.engine.transfer.geometry import (
    Geometry,
    averaged,
    from_network,
    network_geometry,
    resample,
    scaled,
    to_network,
    to_pixels,
    to_tensor,
)
from pipeline.engine.transfer.guides import Guides
from pipeline.engine.transfer.loss_history import Points, with_point
from pipeline.engine.transfer.optimizers import make_optimizer
from pipeline.engine.transfer.places import PaintedPlaces, painted_places
from pipeline.engine.transfer.plateau import PLATEAU_WINDOW, is_plateau, tolerance_at
from pipeline.model import Losses, LossPoint, Recipe

_UNKNOWN: Final = Losses(math.inf, math.inf, math.inf)


@dataclass
class CanvasState:
    """All that changes in a canvas. ``iteration`` counts this scale's evaluations, ``iterations`` the former scales'.

    ``pixels`` (1, 3, h, w), RGB 0..1, is the next point to evaluate; ``best`` is the best one
    evaluated at this scale, with ``losses``; the latest one for a recipe that averages. ``plateau`` holds the best
    totals after the latest evaluations. ``average``: what a recipe averages of this scale, weights adding up to
    1 - ``ema_decay`` ** ``iteration``; see :attr:`Canvas.result`.
    ``optimizer`` is a state of :mod:`pipeline.engine.transfer.optimizers`. ``plan``: how this scale is worked on.
    """

    pixels: Tensor
    best: Tensor
    optimizer: Any
    scale_index: int = 0
    iteration: int = 0
    iterations: tuple[int, ...] = ()
    plateau: list[float] = field(default_factory=list)
    first: Losses = _UNKNOWN
    losses: Losses = _UNKNOWN
    average: Tensor | None = None
    plan: MemoryPlan = PLAIN

    @property
    def has_coarse(self) -> bool:
        """Tell whether a smaller scale was made before, whose coarse structure the pixels have."""
        return self.scale_index > 0

    def copied(self) -> CanvasState:
        """Return a copy that later changes do not reach; tensors are shared, since none is written into."""
        return dataclasses.replace(self, optimizer=_with_own_lists(self.optimizer))


@dataclass(eq=False)
class Canvas:
    """A request in progress: its state, and at the current scale its geometry and targets.

    ``content`` maps the names of terms to targets (1, ...), ``style`` to targets (...); see
    :class:`pipeline.engine.transfer.losses.Objective`. If places differ, there are ``guides``, ``style`` has a target
    for each of their styles, and ``photo_to_keep`` is the photo (1, 3, h, w) if some of it stays.
    ``history``: how the losses went; nothing depends on it. ``small_photo``: the photo at the size that was asked for
    last, for previews.
    """

    request: Request
    state: CanvasState
    geometry: Geometry
    content: dict[str, Tensor] = field(default_factory=dict)
    style: dict[str, Tensor] = field(default_factory=dict)
    guides: Guides | None = None
    photo_to_keep: Tensor | None = None
    cache_hits: int = 0
    cache_misses: int = 0
    notes: list[str] = field(default_factory=list)
    ended: bool = False
    history: Points = ()
    small_photo: Tensor | None = None

    def note(self, text: str) -> None:
        """Add a note for the report, once."""
        if text not in self.notes:
            self.notes.append(text)

    @property
    def has_targets(self) -> bool:
        """Tell whether the targets of the current scale are there."""
        return bool(self.content or self.style)

    @cached_property
    def places(self) -> PaintedPlaces | None:
        """What differs by place, None if nothing does."""
        return painted_places(self.request)

    @property
    def recipe(self) -> Recipe:
        """Return the request's recipe."""
        return self.request.recipe

    @property
    def size(self) -> int:
        """Return the long side of the current scale in pixels."""
        return self.recipe.sizes()[self.state.scale_index]

    @property
    def is_last_scale(self) -> bool:
        """Tell whether no finer scale follows."""
        return self.state.scale_index + 1 == len(self.recipe.sizes())

    @property
    def evaluations(self) -> int:
        """Return the evaluations of all scales so far."""
        return sum(self.state.iterations) + self.state.iteration

    def record(self, losses: Losses, by_layer: tuple[float, ...] = ()) -> None:
        """Record the losses of ``state.pixels``; those ``by_layer`` are for the history."""
        state = self.state
        state.iteration += 1
        if by_layer:
            self._add_to_history(losses, by_layer)
        if state.iteration == 1:
            state.first = losses
        least = min([losses.total, *state.plateau[-1:]])
        if self.recipe.ema_decay:
            self._add_to_average()
        if self.recipe.ema_decay or losses.total < state.losses.total:
            state.losses, state.best = losses, state.pixels
        state.plateau = [*state.plateau[-PLATEAU_WINDOW:], least]

    def _add_to_average(self) -> None:
        state, share = self.state, 1 - self.recipe.ema_decay
        before = torch.zeros_like(state.pixels) if state.average is None else state.average
        state.average = before.lerp(state.pixels, share)

    @property
    def result(self) -> Tensor:
        """Return the pixels (1, 3, h, w) that this scale has come to: its best ones, or their running average.

        An average is bias-corrected, as Adam's are (Kingma and Ba 2015): it weighs nothing but evaluated pixels.
        """
        state = self.state
        if state.average is None:
            return state.best
        return state.average / (1 - math.pow(self.recipe.ema_decay, state.iteration))

    def _add_to_history(self, losses: Losses, by_layer: tuple[float, ...]) -> None:
        tv = max(0.0, losses.total - sum(by_layer)) if self.recipe.tv_weight else 0.0
        point = LossPoint(self.evaluations, self.state.scale_index, losses.total, tv, by_layer)
        self.history = with_point(self.history, point, sum(self.state.iterations) + 1)

    @property
    def pixel_count(self) -> int:
        """Return the pixels that are evaluated at the current scale."""
        return self.state.pixels[0, 0].numel()

    @property
    def scale_is_finished(self) -> bool:
        """Tell whether this scale has used up its evaluations or gains too little by them."""
        if self.state.iteration >= self.recipe.iterations_by_scale()[self.state.scale_index]:
            return True
        if self.places is not None and self.places.nothing_is_painted:
            return True
        return is_plateau(self.state.plateau, tolerance_at(self.recipe, self.state.scale_index))

    def move_to(self, pixels: Tensor) -> None:
        """Make ``pixels`` (1, 3, h, w) the next to evaluate, confined to the colors a file can hold.

        Confining them only at the end, after the optimization, costs up to a quarter of the style distance.
        """
        self.state.pixels = pixels.clamp(0, 1)

    def start_next_scale(self) -> None:
        """Begin the next scale with the result of this one."""
        state, coarse = self.state, self.geometry
        index = state.scale_index + 1
        shape = scaled(self.request.photo.shape[:2], self.recipe.sizes()[index])
        self.geometry = network_geometry(*shape)
        pixels = to_network(from_network(self.result.cpu(), coarse, shape), self.geometry)
        pixels = to_device(pixels.clamp(0, 1), state.best.device)
        self.state = CanvasState(
            pixels,
            pixels,
            make_optimizer(self.recipe).new_state(),
            scale_index=index,
            iterations=(*state.iterations, state.iteration),
        )

    def photo(self) -> Tensor:
        """Return the photo (1, 3, h, w), RGB 0..1, as the network sees it at this scale."""
        return photo_pixels(self.request, self.geometry)

    def shown(self, pixels: Tensor) -> Tensor:
        """Return ``pixels`` (1, 3, h, w) with the photo where it is kept: what is evaluated.

        The pixels that the optimizer moves are free everywhere: of what is kept it sees that its gradient is zero.
        """
        if self.photo_to_keep is None or self.guides is None or self.guides.free is None:
            return pixels
        return torch.lerp(self.photo_to_keep, pixels, self.guides.free)

    def picture(self, pixels: Tensor, shape: tuple[int, int] | None = None) -> npt.NDArray[Any]:
        """Return ``pixels`` (1, 3, h, w) as a picture of ``shape`` (None: the photo's), float32 (H, W, 3), 0..1."""
        height, width = shape or self.request.photo.shape[:2]
        picture = from_network(pixels.cpu(), self.geometry, (height, width))
        if self.recipe.keeps_photo_colors:
            picture = with_chroma_of(picture.clamp(0, 1), self._photo_at(height, width), self.recipe.color_mix)
        elif self.recipe.matches_colors and self.recipe.color_mix == 1:
            photo, seen = self._photo_at(height, width), self._painted_and_seen(height, width)
            picture = without_other_colors(picture.clamp(0, 1), photo, seen)
        if self.places is not None and self.places.kept is not None:
            kept = averaged(self.places.kept, (height, width))
            picture = torch.lerp(picture.clamp(0, 1), self._photo_at(height, width), kept)
        return to_pixels(picture)

    def _painted_and_seen(self, height: int, width: int) -> Tensor | None:
        """Return how much of each place (1, 1, height, width) is painted and can be seen, None = all of all."""
        alpha, kept = opacity(self.request), None if self.places is None else self.places.kept
        parts = [each for each in (alpha, None if kept is None else 1 - kept) if each is not None]
        return averaged(math.prod(parts[1:], start=parts[0]), (height, width)) if parts else None

    def _photo_at(self, height: int, width: int) -> Tensor:
        """Return the photo (1, 3, height, width), RGB 0..1."""
        if self.request.photo.shape[:2] == (height, width):
            return to_tensor(self.request.photo)
        if self.small_photo is None or self.small_photo.shape[2:] != (height, width):
            self.small_photo = resample(to_tensor(self.request.photo), (height, width)).clamp(0, 1)
        return self.small_photo


def blank_canvas(request: Request, device: torch.device, first_pixels: FirstPixels = WITHOUT_PAINTINGS) -> Canvas:
    """Return a canvas at the coarsest scale with its first pixels. Raises what loading a painting raises."""
    geometry = geometry_at(request, 0)
    pixels = to_device(first_pixels.of(request, geometry), device)
    return Canvas(request, CanvasState(pixels, pixels, make_optimizer(request.recipe).new_state()), geometry)


def geometry_at(request: Request, scale_index: int) -> Geometry:
    """Return where the pixels of a request lie at one of its scales."""
    return network_geometry(*scaled(request.photo.shape[:2], request.recipe.sizes()[scale_index]))


def _with_own_lists(state: Any) -> Any:
    own = copy.copy(state)
    for each in dataclasses.fields(own):
        value = getattr(own, each.name)
        if isinstance(value, list):
            setattr(own, each.name, list(value))
    return own
