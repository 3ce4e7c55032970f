"""Watches the input folder by file events; polls where there are none or they stop. Owns the watcher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from pipeline.daemon.watch_policy import WatchPolicy
from pipeline.model import WatchNotice
from pipeline.report.formatting import duration

#: The longest time between full scans without events. On a small folder a scan takes a few milliseconds.
_POLLING_SECONDS: Final = 5.0
#: New folders may not be watched yet: after so long the next scan counts again.
_RECOUNT_SECONDS: Final = 1.0


class EventSource(Protocol):
    """What is needed of :class:`pipeline.intake.watch.Watcher`."""

    def start(self) -> str:
        """Start; returns why that is impossible, or nothing."""
        ...

    def failure(self) -> str:
        """Return why no events come any more, or nothing."""
        ...

    def unwatched_reason(self, folders: int) -> str:
        """Return why not all of so many folders are watched, or nothing."""
        ...

    def stop(self) -> None:
        """Stop."""
        ...


class EventWatch:
    """Starts and replaces the watcher of one folder, and falls back to polling permanently when events fail."""

    def __init__(
        self,
        policy: WatchPolicy,
        make_watcher: Callable[[], EventSource],
        emit: Callable[[WatchNotice], None],
    ) -> None:
        """``make_watcher`` returns a new one, not yet started."""
        self._policy = policy
        self._make_watcher = make_watcher
        self._emit = emit
        self._watcher: EventSource | None = None
        self._has_unwatched = False

    def start(self) -> None:
        """Start watching, before the first scan, so that no change between the two is missed."""
        reason = self._start_watcher() if self._policy.mode == "events" else self._policy.reason
        if self._watcher is None:
            self._report_polling(reason)
        else:
            self._emit(WatchNotice("watching", f"watching {self._policy.folder} by file events"))

    def stop(self) -> None:
        """Stop watching."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()

    def restart(self) -> None:
        """Watch the folder that is in place now: the events of the former one have ended with it."""
        if self._watcher is not None:
            self.stop()
            if reason := self._start_watcher():
                self._report_polling(reason)

    def has_failed(self) -> bool:
        """Tell, once, that no events come any more: the folder is polled from now on and must be scanned."""
        reason = "" if self._watcher is None else self._watcher.failure()
        if reason:
            self._fall_back(reason)
        return bool(reason)

    def rescan_seconds(self) -> float:
        """Return the time between two full scans."""
        seconds = self._policy.rescan_seconds
        return seconds if self._watcher is not None else min(seconds, _POLLING_SECONDS)

    def check_coverage(self, folders: int) -> float | None:
        """Check that all of so many folders are watched; returns after how many seconds to scan again if not.

        New folders may only not be watched yet, so it takes two checks to fall back to polling.
        """
        reason = "" if self._watcher is None else self._watcher.unwatched_reason(folders)
        has_been_short, self._has_unwatched = self._has_unwatched, bool(reason)
        if not reason:
            return None
        if not has_been_short:
            return _RECOUNT_SECONDS
        self._fall_back(reason)
        return 0.0

    def _start_watcher(self) -> str:
        """Start a new watcher; returns why that is impossible, or nothing."""
        watcher = self._make_watcher()
        if reason := watcher.start():
            watcher.stop()
        else:
            self._watcher = watcher
        return reason

    def _fall_back(self, reason: str) -> None:
        self.stop()
        self._report_polling(reason)

    def _report_polling(self, reason: str) -> None:
        interval = duration(min(self._policy.rescan_seconds, _POLLING_SECONDS))
        because = f": {reason}" if reason else ""
        self._emit(WatchNotice("polling", f"polling {self._policy.folder}, at most every {interval}{because}"))
