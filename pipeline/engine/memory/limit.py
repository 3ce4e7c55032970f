"""Decides how much memory pictures may take: what they are planned by, and what may be in progress at once."""

from __future__ import annotations

import math
from typing import Final

from pipeline.engine.memory.available import lasting_bytes, machine_bytes
from pipeline.engine.memory.requirements import usual_program_bytes

# Other programs want memory too, and what a picture needs is only predicted.
_SHARE: Final = 0.6


def planned_limit(memory_bytes: int | None, lasting: float | None = None) -> float:
    """Return what a picture may take as planned, infinity if that is unknown.

    ``memory_bytes``: what a worker may take in all, None = three fifths of what there is. ``lasting``: what there is
    for this process, whatever else runs; None = it is found out.
    """
    if memory_bytes is not None:
        return max(0, memory_bytes - usual_program_bytes())
    there = lasting_bytes() if lasting is None else lasting
    return math.inf if there is None else there * _SHARE


def possible_limit(memory_bytes: int | None) -> float:
    """Return what a picture could take at most if nothing else ran, infinity if that is unknown."""
    return min(machine_bytes() or math.inf, math.inf if memory_bytes is None else planned_limit(memory_bytes))


def running_limit(memory_bytes: int | None, available: int | None) -> float:
    """Return what all pictures in progress may take together, where so many bytes are ``available`` now."""
    free = math.inf if available is None else available * _SHARE
    return free if memory_bytes is None else min(planned_limit(memory_bytes), max(free, 0.0))
