"""Who may be in work at once, by the memory they need. Refuses to know who they are and to measure anything.

What fits is begun in the order it comes; one is always in work, whatever it needs. Whoever runs out of memory comes
back alone, then alone and frugally, and then is given up: :meth:`MemoryAdmission.fall_back`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from enum import IntEnum
from typing import Generic, TypeVar

from pipeline.engine.memory.requirements import Need

K = TypeVar("K", bound=Hashable)


class FallbackLevel(IntEnum):
    """How one of them is worked on, from the usual way to the last."""

    WITH_OTHERS = 0
    ALONE = 1
    ALONE_LOW_MEMORY = 2


class MemoryAdmission(Generic[K]):
    """``limit``: bytes that all in work may need together."""

    def __init__(self, limit: float = math.inf) -> None:
        self.limit = limit
        self._admitted: dict[K, float] = {}
        self._levels: dict[K, FallbackLevel] = {}

    def admit(self, waiting: Iterable[K], need: Callable[[K], Need]) -> list[K]:
        """Let in whoever fits of ``waiting``, in this order, and return those of them that are inside."""
        found: list[K] = []
        closed = False
        for key in waiting:
            # Nobody passes by one that waits for room: it might wait for ever.
            if key in self._admitted or (not closed and self._try_to_admit(key, need(key))):
                found.append(key)
            else:
                closed = True
        return found

    def is_alone(self, key: K) -> bool:
        """Tell whether nobody else is worked on beside ``key``."""
        return self._levels.get(key, FallbackLevel.WITH_OTHERS) >= FallbackLevel.ALONE

    def needs_low_memory(self, key: K, need: Need) -> bool:
        """Tell whether ``key`` has to be worked on frugally."""
        return need.plain > self.limit or self._levels.get(key) is FallbackLevel.ALONE_LOW_MEMORY

    def fall_back(self, key: K) -> bool:
        """Put ``key``, which ran out of memory, into worse straits and out of the room; False: there are none left.

        Those that were inside together will not be so again.
        """
        if len(self._admitted) > 1 and not self.is_alone(key):
            self.limit = min(self.limit, max(math.nextafter(sum(self._admitted.values()), 0), 0.0))
        self._admitted.pop(key, None)
        level = self._levels.get(key, FallbackLevel.WITH_OTHERS)
        if level is FallbackLevel.ALONE_LOW_MEMORY:
            return False
        self._levels[key] = FallbackLevel(level + 1)
        return True

    def release(self, key: K) -> None:
        """Forget ``key``."""
        self._admitted.pop(key, None)
        self._levels.pop(key, None)

    def _try_to_admit(self, key: K, need: Need) -> bool:
        bytes_ = math.inf if self.is_alone(key) else need.low_memory if need.plain > self.limit else need.plain
        together = sum(self._admitted.values()) + bytes_
        # Whoever is to be alone is so without a limit, too.
        if self._admitted and (together > self.limit or math.isinf(together)):
            return False
        self._admitted[key] = bytes_
        return True
