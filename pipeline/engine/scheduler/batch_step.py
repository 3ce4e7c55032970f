"""One evaluation of a batch, wholly done or not at all. Refuses to know how it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.engine.devices import free_what_is_cached, is_out_of_memory
from pipeline.engine.events import Event
from pipeline.engine.transfer.canvas import Canvas


@dataclass(frozen=True, slots=True)
class BatchStep:
    """A batch that has been evaluated once, and what is to be told of it.

    ``short``: memory ran out, and the canvases are as they were before. ``low_memory``: how it was evaluated.
    """

    batch: Sequence[Canvas]
    low_memory: bool
    events: list[Event] = field(default_factory=list)
    short: bool = False


def run_batch_step(
    batch: Sequence[Canvas], work: Callable[[Sequence[Canvas], bool], list[Event]], low_memory: bool
) -> BatchStep:
    """Let ``work`` evaluate and move the canvases of a batch, and put them back if memory runs out."""
    before = [_contents(canvas) for canvas in batch]
    try:
        return BatchStep(batch, low_memory, work(batch, low_memory))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    # Here the failed attempt's tensors are gone with their frames.
    for canvas, contents in zip(batch, before, strict=True):
        vars(canvas).update(contents)
    free_what_is_cached()
    return BatchStep(batch, low_memory, short=True)


def _contents(canvas: Canvas) -> dict[str, Any]:
    """Return all that a canvas consists of, so that nothing that happens to it changes what is returned."""
    return {**vars(canvas), "state": canvas.state.copied(), "notes": list(canvas.notes)}
