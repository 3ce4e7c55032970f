"""Does one step of a batch as a transaction: done completely, or undone if memory runs out or the run is to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.engine.cpu.allocator import give_memory_back
from pipeline.engine.devices import empty_device_caches, is_out_of_memory
from pipeline.engine.events import Event
from pipeline.engine.transfer.canvas import Canvas
from pipeline.engine.transfer.step import SuspendedError


@dataclass(frozen=True, slots=True)
class BatchStep:
    """A step of a batch, and the events to report of it.

    ``short``: memory ran out. ``suspended``: the run is to end. In both cases the canvases are as they were before.
    ``in_blocks``: it was evaluated with less memory, in more time.
    """

    batch: Sequence[Canvas]
    in_blocks: bool
    events: list[Event] = field(default_factory=list)
    short: bool = False
    suspended: bool = False

    @property
    def is_undone(self) -> bool:
        """Tell whether the canvases are as they were before."""
        return self.short or self.suspended


def run_batch_step(
    batch: Sequence[Canvas], step: Callable[[Sequence[Canvas], bool], list[Event]], in_blocks: bool
) -> BatchStep:
    """Let ``step`` evaluate and move the canvases of a batch; restore them if memory runs out or it is suspended."""
    saved = [_contents(canvas) for canvas in batch]
    try:
        return BatchStep(batch, in_blocks, step(batch, in_blocks))
    except SuspendedError:
        undone = BatchStep(batch, in_blocks, suspended=True)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        undone = BatchStep(batch, in_blocks, short=True)
    # Only here are the failed attempt's tensors freed with their frames.
    for canvas, contents in zip(batch, saved, strict=True):
        vars(canvas).update(contents)
    empty_device_caches()
    give_memory_back()
    return undone


def _contents(canvas: Canvas) -> dict[str, Any]:
    """Return a copy of everything a canvas consists of."""
    return {**vars(canvas), "state": canvas.state.copied(), "notes": list(canvas.notes)}
