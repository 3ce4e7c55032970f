"""Decides which pictures run at once, by the memory they need; does not measure anything.

Pictures that fit are admitted in the order they come; one is always admitted, whatever it needs. A picture that runs
out of memory is tried again alone, then alone in blocks, and then has failed:
:meth:`MemoryAdmission.fall_back`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """The most bytes that a picture in progress takes: as it is planned, and evaluated in blocks."""

    planned: int
    in_blocks: int


class FallbackLevel(IntEnum):
    """How a picture is worked on after it ran out of memory, from the usual way to the last."""

    WITH_OTHERS = 0
    ALONE = 1
    ALONE_IN_BLOCKS = 2


class MemoryAdmission(Generic[K]):
    """Admits pictures, known by a key. ``limit``: bytes that all admitted ones may need together."""

    def __init__(self, limit: float = math.inf) -> None:
        self.limit = limit
        self._admitted: dict[K, float] = {}
        self._levels: dict[K, FallbackLevel] = {}

    def admit(self, waiting: Iterable[K], need: Callable[[K], MemoryNeed]) -> list[K]:
        """Admit what fits of ``waiting``, in this order; return those that are admitted now or were before."""
        found: list[K] = []
        closed = False
        for key in waiting:
            # None may overtake one that waits for memory: it might wait for ever.
            if key in self._admitted or (not closed and self._try_to_admit(key, need(key))):
                found.append(key)
            else:
                closed = True
        return found

    def is_alone(self, key: K) -> bool:
        """Tell whether ``key`` is worked on without any other."""
        return self._levels.get(key, FallbackLevel.WITH_OTHERS) >= FallbackLevel.ALONE

    def needs_blocks(self, key: K, need: MemoryNeed) -> bool:
        """Tell whether ``key`` has to be evaluated in blocks, whatever was planned."""
        return need.planned > self.limit or self._levels.get(key) is FallbackLevel.ALONE_IN_BLOCKS

    def fall_back(self, key: K) -> bool:
        """Release ``key``, which ran out of memory, to its next fallback level; return False if there is none left.

        Those that were admitted together will not be so again.
        """
        if len(self._admitted) > 1 and not self.is_alone(key):
            self.limit = min(self.limit, max(math.nextafter(sum(self._admitted.values()), 0), 0.0))
        self._admitted.pop(key, None)
        level = self._levels.get(key, FallbackLevel.WITH_OTHERS)
        if level is FallbackLevel.ALONE_IN_BLOCKS:
            return False
        self._levels[key] = FallbackLevel(level + 1)
        return True

    def release(self, key: K) -> None:
        """Forget ``key``."""
        self._admitted.pop(key, None)
        self._levels.pop(key, None)

    def _try_to_admit(self, key: K, need: MemoryNeed) -> bool:
        bytes_ = math.inf if self.is_alone(key) else need.in_blocks if need.planned > self.limit else need.planned
        together = sum(self._admitted.values()) + bytes_
        # One that is to be alone is so without a limit, too.
        if self._admitted and (together > self.limit or math.isinf(together)):
            return False
        self._admitted[key] = bytes_
        return True
