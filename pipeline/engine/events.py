"""What the stylizer is asked for and what it tells. Refuses torch, so that everybody can speak these words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import MemoryShortError, OutOfMemoryError, StylewatchError, StylizeError
from pipeline.model import Losses, Occupancy, Progress, Recipe, Style

if TYPE_CHECKING:
    from pipeline.engine.transfer.canvas import Canvas


@dataclass(frozen=True, eq=False)
class Request:
    """A picture to make. ``photo``: uint8 sRGB (H, W, 3), its long side the recipe's size.

    ``checkpoint``: where what was made of it before may be found.
    """

    token: str
    photo: npt.NDArray[np.uint8]
    style: Style
    recipe: Recipe
    checkpoint: Path | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot:
    """An intermediate picture: float32 (H, W, 3), 0..1, of the photo's shape. ``iteration`` counts all scales."""

    token: str
    iteration: int
    scale_index: int
    pixels: npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class CheckpointReady:
    """What is made of a picture so far, after ``iteration`` of at most ``iterations`` evaluations at this ``size``.

    ``evaluations`` counts all sizes. ``save(path, seconds)`` writes about ``size_bytes`` to ``path``, in the place of
    what is there, with the seconds spent on the picture; it may be called from any thread, whatever the engine does
    meanwhile, and raises OSError. ``last``: the engine was told to suspend its work and does no more about it.
    """

    token: str
    size: int
    iteration: int
    iterations: int
    evaluations: int
    size_bytes: int
    save: Callable[[Path, float], None]
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A picture goes on from its checkpoint, on which ``seconds`` had been spent; see :class:`CheckpointReady`."""

    token: str
    size: int
    iteration: int
    iterations: int
    evaluations: int
    seconds: float


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
class Failed:
    """A picture that could not be made, and why."""

    token: str
    error: StylewatchError


Event = Progress | Snapshot | CheckpointReady | Resumed | Finished | Failed | Occupancy


@dataclass(frozen=True, slots=True)
class RunControl:
    """What an engine asks between evaluations, always in the thread that runs it.

    ``suspend``: is it to end, and to tell the last draft of every picture in work? ``wants_checkpoint(token)``: is it
    to tell a draft of this one now?
    """

    suspend: Callable[[], bool] = lambda: False
    wants_checkpoint: Callable[[str], bool] = lambda _: False


def progress_of(canvas: Canvas, losses: Losses) -> Progress:
    """Return that ``canvas`` was evaluated and had ``losses``."""
    state, recipe = canvas.state, canvas.recipe
    return Progress(
        token=canvas.request.token,
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
        token=canvas.request.token,
        iteration=canvas.evaluations,
        scale_index=canvas.state.scale_index,
        pixels=canvas.picture(canvas.state.pixels),
    )


def report_of(canvas: Canvas, losses: Losses) -> Iterator[Event]:
    """Tell that ``canvas`` was evaluated and had ``losses``, with a snapshot if it is time for one."""
    yield progress_of(canvas, losses)
    every = canvas.recipe.snapshot_every
    if every and canvas.evaluations % every == 0:
        yield snapshot_of(canvas)


def failed(canvas: Canvas, error: StylewatchError) -> Failed:
    """Give ``canvas`` up."""
    canvas.over = True
    return Failed(canvas.request.token, error)


def finished_picture(canvas: Canvas) -> Finished:
    """Return the best pixels that ``canvas`` had at its last scale as the picture."""
    state = canvas.state
    return Finished(
        token=canvas.request.token,
        pixels=canvas.picture(state.best),
        sizes=canvas.recipe.sizes(),
        iterations=(*state.iterations, state.iteration),
        first=state.first,
        last=state.losses,
        cache_hits=canvas.cache_hits,
        cache_misses=canvas.cache_misses,
        notes=tuple(canvas.notes),
    )


def out_of_memory(request: Request, *, alone: bool = True) -> OutOfMemoryError | MemoryShortError:
    """Return that the picture does not fit into the device's memory; or not beside others, which tells little."""
    if not alone:
        return MemoryShortError("not enough memory to begin with the picture while others are in work")
    recipe, sides = request.recipe, request.photo.shape[:2]
    height, width = (round(side * recipe.size / max(sides)) for side in sides)
    return OutOfMemoryError(
        f"a picture of {width} × {height} pixels does not fit into the device's memory, even alone; "
        f"use a smaller size in recipe {recipe.name!r} or another device, or free memory; "
        f"'stylewatch retry' tries it again"
    )


def not_finite(canvas: Canvas, total: float) -> StylizeError:
    """Return that the loss of ``canvas`` became ``total``."""
    return StylizeError(
        f"the loss became {total} at {canvas.size} pixels, evaluation {canvas.state.iteration + 1}; "
        f"use a smaller learning_rate, smaller weights or optimizer lbfgs in recipe {canvas.recipe.name!r}"
    )
