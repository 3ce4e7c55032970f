"""Bounds how many lines of one kind a log or a terminal gets. Owns the count of those left out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

_MOST: Final = 20
_SECONDS: Final = 600.0


class RateLimit:
    """Admits ``most`` lines within ``seconds``."""

    def __init__(
        self, most: int = _MOST, seconds: float = _SECONDS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``clock`` returns monotonic seconds."""
        self._admitted_at: deque[float] = deque(maxlen=most)
        self._seconds = seconds
        self._clock = clock
        self._left_out = 0

    def admits(self) -> bool:
        """Tell whether one more line may be written; counts it either way."""
        now, admitted = self._clock(), self._admitted_at
        if len(admitted) == admitted.maxlen and now - admitted[0] < self._seconds:
            self._left_out += 1
            return False
        admitted.append(now)
        return True

    def take_left_out(self) -> int:
        """Return how many lines were left out since the last call."""
        count, self._left_out = self._left_out, 0
        return count
