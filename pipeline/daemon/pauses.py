"""What keeps the daemon from working, told once when it begins and once when it is over. Any thread may report."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Literal

from pipeline.model import WatchNotice

Reason = Literal["input", "work", "ledger", "opening"]

_SHORTEST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 300.0

_MENDED: Final[dict[Reason, str]] = {
    "input": "the folder of photos is back",
    "work": "pictures can be made again",
    "ledger": "the ledger can be written again",
    "opening": "the ledger can be opened",
}


class Pauses:
    """``input``: the folder of photos can't be looked at. ``work``: pictures can't be made or put down.

    ``ledger``: nothing can be recorded, since another program keeps the ledger locked. ``opening``: the thread that
    looks at the folder can't begin.
    """

    def __init__(self, tell: Callable[[WatchNotice], None]) -> None:
        """``tell`` is called from whatever thread reports."""
        self._tell = tell
        self._lock = threading.Lock()
        self._delays: dict[Reason, float] = {}
        self._words: dict[Reason, str] = {}

    def report(self, reason: Reason, words: str) -> float:
        """Note a failure; returns the seconds until trying again makes sense, more from time to time."""
        with self._lock:
            before = self._delays.get(reason)
            delay = _SHORTEST_SECONDS if before is None else min(2 * before, _LONGEST_SECONDS)
            self._delays[reason] = delay
            # Both threads may meet the same full disk; what one of them tells is then the other's, too.
            news = reason not in self._words and words not in self._words.values()
            if news:
                self._words[reason] = words
        if news:
            self._tell(WatchNotice("paused", f"paused: {words}; work goes on by itself once that is mended"))
        return delay

    def end(self, reason: Reason) -> None:
        """Note that it works again."""
        with self._lock:
            self._delays.pop(reason, None)
            was_told = self._words.pop(reason, None) is not None
        if was_told:
            self._tell(WatchNotice("resumed", f"resumed: {_MENDED[reason]}"))

    def __contains__(self, reason: Reason) -> bool:
        """Tell whether this pause is on."""
        return reason in self._delays
