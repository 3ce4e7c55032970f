"""Builds the engine's events and errors from a canvas."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.engine.events import Event, Failed, Finished, Preview, Request, Snapshot
from pipeline.engine.transfer.canvas import Canvas
from pipeline.engine.transfer.geometry import scaled
from pipeline.engine.transfer.losses import objective_of
from pipeline.errors import MemoryShortError, OutOfMemoryError, StylewatchError, StylizeError
from pipeline.model import Losses, LossHistory, Progress


def evaluated(canvas: Canvas, losses: Losses) -> Iterator[Event]:
    """Report an evaluation of ``canvas`` that had ``losses``, with a snapshot if one is due."""
    yield _progress(canvas, losses)
    every = canvas.recipe.snapshot_every
    if every and canvas.evaluations % every == 0:
        yield _snapshot(canvas)


def preview(canvas: Canvas, long_side: int) -> Preview:
    """Return the result of the canvas's scale so far with this long side, at most the picture's."""
    shape = canvas.request.photo.shape[:2]
    return Preview(
        token=canvas.request.token,
        evaluations=canvas.evaluations,
        pixels=canvas.picture(canvas.result, scaled(shape, min(long_side, max(shape)))),
    )


def failed(canvas: Canvas, error: StylewatchError) -> Failed:
    """Mark ``canvas`` as ended by ``error`` and report that."""
    canvas.ended = True
    return Failed(canvas.request.token, error)


def finished(canvas: Canvas) -> Finished:
    """Mark ``canvas`` as ended and report the result of its last scale as the picture."""
    canvas.ended = True
    state = canvas.state
    return Finished(
        token=canvas.request.token,
        pixels=canvas.picture(canvas.result),
        sizes=canvas.recipe.sizes(),
        iterations=(*state.iterations, state.iteration),
        first=state.first,
        last=state.losses,
        cache_hits=canvas.cache_hits,
        cache_misses=canvas.cache_misses,
        notes=tuple(canvas.notes),
        history=LossHistory(objective_of(canvas.recipe).series, canvas.history) if canvas.history else None,
    )


def out_of_memory(request: Request, *, alone: bool = True) -> OutOfMemoryError | MemoryShortError:
    """Return the error of a picture that the device's memory can't hold; ``alone``: even without any other."""
    if not alone:
        return MemoryShortError("not enough memory to begin with the picture while others are in progress")
    recipe, sides = request.recipe, request.photo.shape[:2]
    height, width = (round(side * recipe.size / max(sides)) for side in sides)
    return OutOfMemoryError(
        f"a picture of {width} × {height} pixels does not fit into the device's memory, even alone; "
        f"use a smaller size in recipe {recipe.name!r} or another device, or free memory; "
        f"'stylewatch retry' tries it again"
    )


def not_finite(canvas: Canvas, total: float) -> StylizeError:
    """Return the error of ``canvas`` whose loss became ``total``, which is no finite number."""
    return StylizeError(
        f"the loss became {total} at {canvas.size} pixels, evaluation {canvas.state.iteration + 1}; "
        f"use a smaller learning_rate, smaller weights or optimizer lbfgs in recipe {canvas.recipe.name!r}"
    )


def _progress(canvas: Canvas, losses: Losses) -> Progress:
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


def _snapshot(canvas: Canvas) -> Snapshot:
    """Return the pixels that were evaluated last, or their average so far, as an intermediate picture."""
    return Snapshot(
        token=canvas.request.token,
        iteration=canvas.evaluations,
        scale_index=canvas.state.scale_index,
        pixels=canvas.picture(canvas.result if canvas.recipe.ema_decay else canvas.state.pixels),
    )
