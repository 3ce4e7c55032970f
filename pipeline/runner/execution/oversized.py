"""Which pictures are known not to fit into memory, and for how long that is believed. Owns what is spared by it.

It may take hours of work to find out that a picture does not fit. Then neither does any of the same style and recipe
with as many pixels; but other programs take memory and give it back. So it is believed for a while, and so long that
finding out takes a tenth of the time at most; after that the next picture is tried, whichever it is.
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

_TIMES_THE_WORK: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Finding:
    """Pictures of at least so many ``pixels`` do not fit; believed until then, by the clock."""

    pixels: int
    reason: str
    until: float


class OversizedPictures:
    """What is known by one program on one device; it is believed for half of ``longest_wait_seconds`` at least."""

    def __init__(self, longest_wait_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._least_seconds = longest_wait_seconds / 2
        self._clock = clock
        self._known: dict[tuple[Recipe, Style], _Finding] = {}
        self._begun: dict[str, float] = {}

    def begin(self, token: str) -> None:
        """Take in that work on a picture begins."""
        self._begun[token] = self._clock()

    def end(self, token: str) -> None:
        """Take in that work on it is over."""
        self._begun.pop(token, None)

    def note(self, assignment: Assignment, reason: str) -> float:
        """Take in that a picture in work did not fit even alone; returns for how many seconds that is believed."""
        now = self._clock()
        worked_seconds = now - self._begun.get(assignment.token, now)
        seconds = max(self._least_seconds, _TIMES_THE_WORK * worked_seconds)
        pixels = _pixels(assignment)
        if pixels:
            self._known[assignment.recipe, assignment.style] = _Finding(pixels, reason, now + seconds)
        return seconds

    def find(self, assignment: Assignment) -> tuple[str, float] | None:
        """Return why a picture need not be tried now, and for how many seconds; None if it is to be tried."""
        known = self._known.get((assignment.recipe, assignment.style))
        if known is None or _pixels(assignment) < known.pixels:
            return None
        seconds = known.until - self._clock()
        return (known.reason, seconds) if seconds > 0 else None


def _pixels(assignment: Assignment) -> int:
    """Return how many pixels a photo's picture has, 0 if its header can't be read."""
    try:
        with open_assigned(assignment) as file:
            width, height = read_size(file)
    except (JobError, OSError, MemoryError):
        return 0
    return picture_pixels(assignment.recipe, height, width)
