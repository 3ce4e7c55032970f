"""Tracks what keeps the daemon from working; reports when a pause begins and ends. Any thread may call it.

A pause is for an error that may pass: it is reported, retried, and ends by itself. A condition under which no
pictures may be made, such as the schedule, is no error: it gets a gate like :mod:`pipeline.daemon.schedule_gate`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.model import WatchNotice

PauseReason = Literal["input", "work", "ledger", "scan_startup"]

_SHORTEST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 300.0

_RESUMED_TEXTS: Final[dict[PauseReason, str]] = {
    "input": "photos can be looked for again",
    "work": "pictures can be made again",
    "ledger": "the ledger can be written again",
    "scan_startup": "the ledger can be opened",
}


_ADVICE: Final = "work resumes by itself once that is fixed"


@dataclass(slots=True)
class _Pause:
    message: str
    is_reported: bool
    delay_seconds: float = _SHORTEST_SECONDS


class PauseTracker:
    """The pauses that are on, by reason.

    ``input``: the folder of photos can't be read. ``work``: pictures can't be made or written. ``ledger``: nothing
    can be recorded, since another program keeps the ledger locked. ``scan_startup``: the scan thread can't start.
    """

    def __init__(self, emit: Callable[[WatchNotice], None]) -> None:
        """``emit`` is called in the thread that reports, and must not call this object."""
        self._emit = emit
        self._lock = threading.Lock()
        self._active: dict[PauseReason, _Pause] = {}

    def report(self, reason: PauseReason, message: str) -> float:
        """Record a failure; returns the seconds to wait before the next attempt, which double each time."""
        with self._lock:
            pause = self._active.get(reason)
            if pause is not None:
                pause.delay_seconds = min(2 * pause.delay_seconds, _LONGEST_SECONDS)
                return pause.delay_seconds
            # Both threads may meet the same full disk: it is reported once.
            is_new = all(message != other.message for other in self._active.values())
            self._active[reason] = _Pause(message, is_reported=is_new)
            if is_new:
                self._emit(WatchNotice("paused", f"paused: {message}; {_ADVICE}"))
            return _SHORTEST_SECONDS

    def end(self, reason: PauseReason) -> None:
        """Record that it works again. A pause that is left is reported once more, since it is the cause now."""
        with self._lock:
            pause = self._active.pop(reason, None)
            if pause is None or not pause.is_reported:
                return
            self._emit(WatchNotice("resumed", f"resumed: {_RESUMED_TEXTS[reason]}"))
            if self._active:
                latest = list(self._active.values())[-1]
                latest.is_reported = True
                self._emit(WatchNotice("paused", f"still paused: {latest.message}; {_ADVICE}"))

    def __contains__(self, reason: PauseReason) -> bool:
        """Tell whether this pause is on."""
        return reason in self._active
