"""A deadline for stopping, shared between threads. Does not stop anything."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class StopDeadline:
    """Set by one thread and read by others; ``clock`` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = math.inf

    def set(self, grace_seconds: float) -> None:
        """Start nothing from now on and end in ``grace_seconds``; a second call never moves the deadline back."""
        self._at = min(self._at, self._clock() + grace_seconds)

    @property
    def is_set(self) -> bool:
        """Return whether no more pictures are to be started."""
        return self._at < math.inf

    def has_passed(self) -> bool:
        """Return whether all work has to end now."""
        return self._clock() >= self._at
