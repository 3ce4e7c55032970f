"""Remembers which pictures do not fit into memory, so that others as large are skipped.

It may take hours of work to find out that a picture does not fit. Then neither does any of the same style and recipe
with as many pixels; but other programs take memory and free it again. So what was found out is valid for a limited
time, ten times as long as the work took at least; after that the next picture is tried, whichever it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipeline.engine.memory.requirements import picture_pixels
from pipeline.errors import JobError
from pipeline.images.decode import read_size
from pipeline.intake.safe_open import open_assigned
from pipeline.model import Assignment, Recipe, Style

_VALID_PER_WORK_SECOND: Final = 10.0


@dataclass(frozen=True, slots=True)
class _SizeLimit:
    """Pictures of at least so many ``pixels`` do not fit; valid until then, by the clock."""

    pixels: int
    reason: str
    valid_until: float


class OversizedPictures:
    """What one program found out on one device; it is valid for half of ``max_delay_seconds`` at least."""

    def __init__(self, max_delay_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._least_seconds = max_delay_seconds / 2
        self._clock = clock
        self._known: dict[tuple[Recipe, Style], _SizeLimit] = {}
        self._begun: dict[str, float] = {}

    def work_began(self, token: str) -> None:
        """Note when work on a picture began."""
        self._begun[token] = self._clock()

    def work_ended(self, token: str) -> None:
        """Note that work on it is over."""
        self._begun.pop(token, None)

    def note(self, assignment: Assignment, reason: str) -> float:
        """Note that a picture in progress did not fit even alone; returns for how many seconds that is valid."""
        now = self._clock()
        worked_seconds = now - self._begun.get(assignment.token, now)
        seconds = max(self._least_seconds, _VALID_PER_WORK_SECOND * worked_seconds)
        pixels = _pixels(assignment)
        if pixels:
            self._known[assignment.recipe, assignment.style] = _SizeLimit(pixels, reason, now + seconds)
        return seconds

    def find(self, assignment: Assignment) -> tuple[str, float] | None:
        """Return why a picture need not be tried now, and for how many seconds; None if it is to be tried."""
        known = self._known.get((assignment.recipe, assignment.style))
        if known is None or _pixels(assignment) < known.pixels:
            return None
        seconds = known.valid_until - self._clock()
        return (known.reason, seconds) if seconds > 0 else None


def _pixels(assignment: Assignment) -> int:
    """Return how many pixels a photo's picture has, 0 if its header can't be read."""
    try:
        with open_assigned(assignment) as file:
            width, height = read_size(file)
    except (JobError, OSError, MemoryError):
        return 0
    return picture_pixels(assignment.recipe.for_photo(width, height), height, width)
