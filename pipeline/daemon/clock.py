"""The clocks that the daemon reads, as one argument. Tests pass clocks that they set."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """``monotonic`` and ``thread_cpu`` return seconds, ``now`` the time of day with its zone."""

    monotonic: Callable[[], float] = time.monotonic
    thread_cpu: Callable[[], float] = time.thread_time
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


#: The clocks of this machine.
SYSTEM_CLOCK: Final = Clock()
