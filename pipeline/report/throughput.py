"""Measures how many pictures a program makes in an hour of work. Owns which time counts as work; has no clock."""

from __future__ import annotations

from collections import deque
from typing import Final

from pipeline.model import JobFinished, RunEvent, RunFinished, RunStarted

#: The speed is that of the latest pictures, at most so many.
_RECENT_PICTURES: Final = 50


class Throughput:
    """Pictures per hour of work, over one run after another; times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._work_seconds = 0.0
        self._since: float | None = None
        self._finished_at: deque[float] = deque([0.0], maxlen=_RECENT_PICTURES + 1)

    def update(self, event: RunEvent, now: float) -> None:
        """Count one event; a copied picture took no work."""
        match event:
            case RunStarted():
                self._since = now
            case RunFinished():
                self._work_seconds, self._since = self._at(now), None
            case JobFinished() if event.artwork is not None:
                self._finished_at.append(self._at(now))
            case _:
                pass

    def per_hour(self, now: float) -> float | None:
        """Return the pictures per hour, None before the first one."""
        pictures, seconds = len(self._finished_at) - 1, self._at(now) - self._finished_at[0]
        return 3600 * pictures / seconds if pictures and seconds > 0 else None

    def _at(self, now: float) -> float:
        return self._work_seconds + (0.0 if self._since is None else now - self._since)
