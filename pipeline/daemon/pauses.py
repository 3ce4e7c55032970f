"""What keeps the daemon from working, told when it begins and when it is over. Any thread may report."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.model import WatchNotice

Reason = Literal["input", "work", "ledger", "opening"]

_SHORTEST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 300.0

_MENDED: Final[dict[Reason, str]] = {
    "input": "the folder of photos can be looked at again",
    "work": "pictures can be made again",
    "ledger": "the ledger can be written again",
    "opening": "the ledger can be opened",
}


_ADVICE: Final = "work goes on by itself once that is mended"


@dataclass(slots=True)
class _Pause:
    words: str
    is_told: bool
    delay_seconds: float = _SHORTEST_SECONDS


class Pauses:
    """``input``: the folder of photos can't be looked at. ``work``: pictures can't be made or put down.

    ``ledger``: nothing can be recorded, since another program keeps the ledger locked. ``opening``: the thread that
    looks at the folder can't begin.
    """

    def __init__(self, emit: Callable[[WatchNotice], None]) -> None:
        """``emit`` is called from whatever thread reports, and must not report itself."""
        self._emit = emit
        self._lock = threading.Lock()
        self._on: dict[Reason, _Pause] = {}

    def report(self, reason: Reason, words: str) -> float:
        """Note a failure; returns the seconds until trying again makes sense, more from time to time."""
        with self._lock:
            pause = self._on.get(reason)
            if pause is not None:
                pause.delay_seconds = min(2 * pause.delay_seconds, _LONGEST_SECONDS)
                return pause.delay_seconds
            # Both threads may meet the same full disk; what one of them tells is then the other's, too.
            news = all(words != other.words for other in self._on.values())
            self._on[reason] = _Pause(words, is_told=news)
            if news:
                self._emit(WatchNotice("paused", f"paused: {words}; {_ADVICE}"))
            return _SHORTEST_SECONDS

    def end(self, reason: Reason) -> None:
        """Note that it works again; what else is on is told once more, since it is what is waited for now."""
        with self._lock:
            pause = self._on.pop(reason, None)
            if pause is None or not pause.is_told:
                return
            self._emit(WatchNotice("resumed", f"resumed: {_MENDED[reason]}"))
            if self._on:
                latest = list(self._on.values())[-1]
                latest.is_told = True
                self._emit(WatchNotice("paused", f"still paused: {latest.words}; {_ADVICE}"))

    def __contains__(self, reason: Reason) -> bool:
        """Tell whether this pause is on."""
        return reason in self._on
