"""When a worker's work is to end. Owns that moment; refuses to end anything."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class StopDeadline:
    """Announced by one thread, looked at by others; ``clock`` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = math.inf

    def set(self, grace_seconds: float) -> None:
        """Let nothing be begun from now on, and everything end in ``grace_seconds``; never later than said before."""
        self._at = min(self._at, self._clock() + grace_seconds)

    @property
    def is_set(self) -> bool:
        """Tell whether nothing is to be begun any more."""
        return self._at < math.inf

    def has_passed(self) -> bool:
        """Tell whether everything is to end."""
        return self._clock() >= self._at
