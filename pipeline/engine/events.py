"""What the stylizer is asked for and what it tells. Refuses torch, so that everybody can speak these words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import OutOfMemoryError, StylewatchError, StylizeError
from pipeline.model import Losses, Occupancy, Recipe, Style

if TYPE_CHECKING:
    from pipeline.engine.canvas import Canvas


@dataclass(frozen=True, eq=False)
class Commission:
    """A picture to make. ``photo``: uint8 sRGB (H, W, 3), its long side the recipe's size."""

    token: str
    photo: npt.NDArray[np.uint8]
    style: Style
    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One evaluation of one canvas; ``iteration`` of at most ``iterations`` at this scale, from 1."""

    token: str
    scale_index: int
    scale_count: int
    size: int
    iteration: int
    iterations: int
    losses: Losses


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot:
    """An intermediate picture: float32 (H, W, 3), 0..1, of the photo's shape. ``iteration`` counts all scales."""

    token: str
    iteration: int
    scale_index: int
    pixels: npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Finished:
    """A picture, float32 (H, W, 3), 0..1, of its photo's shape.

    ``iterations`` are the evaluations at each of ``sizes``. ``first`` are the losses of the finest scale's first
    evaluation, ``last`` those of this very picture.
    """

    token: str
    pixels: npt.NDArray[Any]
    sizes: tuple[int, ...]
    iterations: tuple[int, ...]
    first: Losses
    last: Losses
    cache_hits: int
    cache_misses: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """A picture that could not be made, and why."""

    token: str
    error: StylewatchError


Event = Step | Snapshot | Finished | Broken | Occupancy


def step_of(canvas: Canvas, losses: Losses) -> Step:
    """Return that ``canvas`` was evaluated and had ``losses``."""
    state, recipe = canvas.state, canvas.recipe
    return Step(
        token=canvas.commission.token,
        scale_index=state.scale_index,
        scale_count=len(recipe.sizes()),
        size=canvas.size,
        iteration=state.iteration,
        iterations=recipe.iterations_by_scale()[state.scale_index],
        losses=losses,
    )


def snapshot_of(canvas: Canvas) -> Snapshot:
    """Return the pixels of ``canvas`` that were evaluated last as an intermediate picture."""
    return Snapshot(
        token=canvas.commission.token,
        iteration=canvas.evaluations,
        scale_index=canvas.state.scale_index,
        pixels=canvas.picture(canvas.state.pixels),
    )


def finished_picture(canvas: Canvas) -> Finished:
    """Return the best pixels that ``canvas`` had at its last scale as the picture."""
    state = canvas.state
    return Finished(
        token=canvas.commission.token,
        pixels=canvas.picture(state.best),
        sizes=canvas.recipe.sizes(),
        iterations=(*state.iterations, state.iteration),
        first=state.first,
        last=state.losses,
        cache_hits=canvas.cache_hits,
        cache_misses=canvas.cache_misses,
        notes=tuple(canvas.notes),
    )


def out_of_memory(canvas: Canvas) -> OutOfMemoryError:
    """Return that ``canvas`` does not fit into the device's memory."""
    height, width = canvas.geometry.outer
    return OutOfMemoryError(
        f"a picture of {width} × {height} pixels does not fit into the device's memory, even alone; "
        f"use a smaller size in recipe {canvas.recipe.name!r} or another device"
    )


def not_finite(canvas: Canvas, total: float) -> StylizeError:
    """Return that the loss of ``canvas`` became ``total``."""
    return StylizeError(
        f"the loss became {total} at {canvas.size} pixels, evaluation {canvas.state.iteration + 1}; "
        f"use a smaller learning_rate, smaller weights or optimizer lbfgs in recipe {canvas.recipe.name!r}"
    )
