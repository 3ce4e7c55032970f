"""Who may be in work at once, by the memory they need. Refuses to know who they are and to measure anything.

What fits is begun in the order it comes; one is always in work, whatever it needs. Whoever runs out of memory comes
back alone, then alone and frugally, and then is given up: :meth:`Room.retreat`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from enum import IntEnum
from typing import Generic, TypeVar

from pipeline.engine.memory.requirements import Need

K = TypeVar("K", bound=Hashable)


class Straits(IntEnum):
    """How one of them is worked on, from the usual way to the last."""

    BESIDE_OTHERS = 0
    ALONE = 1
    ALONE_AND_FRUGALLY = 2


class Room(Generic[K]):
    """``limit``: bytes that all in work may need together."""

    def __init__(self, limit: float = math.inf) -> None:
        self.limit = limit
        self._inside: dict[K, float] = {}
        self._straits: dict[K, Straits] = {}

    def inside(self, waiting: Iterable[K], need: Callable[[K], Need]) -> list[K]:
        """Let in whoever fits of ``waiting``, in this order, and return those of them that are inside."""
        found: list[K] = []
        closed = False
        for key in waiting:
            # Nobody passes by one that waits for room: it might wait for ever.
            if key in self._inside or (not closed and self._enter(key, need(key))):
                found.append(key)
            else:
                closed = True
        return found

    def is_alone(self, key: K) -> bool:
        """Tell whether nobody else is worked on beside ``key``."""
        return self._straits.get(key, Straits.BESIDE_OTHERS) >= Straits.ALONE

    def is_frugal(self, key: K, need: Need) -> bool:
        """Tell whether ``key`` has to be worked on frugally."""
        return need.plain > self.limit or self._straits.get(key) is Straits.ALONE_AND_FRUGALLY

    def retreat(self, key: K) -> bool:
        """Put ``key``, which ran out of memory, into worse straits and out of the room; False: there are none left.

        Those that were inside together will not be so again.
        """
        if len(self._inside) > 1 and not self.is_alone(key):
            self.limit = min(self.limit, max(math.nextafter(sum(self._inside.values()), 0), 0.0))
        self._inside.pop(key, None)
        straits = self._straits.get(key, Straits.BESIDE_OTHERS)
        if straits is Straits.ALONE_AND_FRUGALLY:
            return False
        self._straits[key] = Straits(straits + 1)
        return True

    def leave(self, key: K) -> None:
        """Forget ``key``."""
        self._inside.pop(key, None)
        self._straits.pop(key, None)

    def _enter(self, key: K, need: Need) -> bool:
        bytes_ = math.inf if self.is_alone(key) else need.frugal if need.plain > self.limit else need.plain
        together = sum(self._inside.values()) + bytes_
        # Whoever is to be alone is so without a limit, too.
        if self._inside and (together > self.limit or math.isinf(together)):
            return False
        self._inside[key] = bytes_
        return True
