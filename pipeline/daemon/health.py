"""Does the daemon get on? Owns when that is said, in the state folder and to systemd; refuses to do the work.

It is said only while both threads get on. The main one calls here at every turn, at every event of a pass and several
times a second while it waits for the worker, which in turn is ended if it hangs (see
:mod:`pipeline.executors.hang_detector`). So whatever it is that stands still, the beat stops or the standstill ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from pipeline.daemon.notify import Notifier

#: A look at a large archive or at a slow share may take minutes; beyond this nobody need wait for it.
_LOOK_SECONDS: Final = 3600.0

_WATCHDOG_SECONDS: Final = 10.0
_STATUS_SECONDS: Final = 1.0


class HeartbeatWriter(Protocol):
    """What is needed of :class:`pipeline.report.heartbeat.Heartbeat`."""

    last_scan: float | None

    def beat(self) -> None:
        """Say that the program gets on."""
        ...

    def words(self) -> str:
        """Return what is being done, for people."""
        ...


class Health:
    """Collects the signs of both threads and passes them on."""

    def __init__(
        self,
        heart: HeartbeatWriter | None = None,
        notify: Notifier | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` returns monotonic seconds, ``now`` seconds since the epoch."""
        self._heart = heart
        self._notify = notify or Notifier()
        self._clock = clock
        self._now = now
        self._scan_at: float | None = None
        self._is_ready = self._is_stopping = False
        self._watchdog_at = self._status_at = clock()
        self._status = ""
        within = self._notify.watchdog_seconds / 4
        self._watchdog_every = min(_WATCHDOG_SECONDS, within) if within else 0.0

    def scan_turned(self, *, looked_everywhere: bool = False) -> None:
        """Note that the thread that looks at the folder gets on. Called by it."""
        self._scan_at = self._clock()
        if looked_everywhere and self._heart is not None:
            self._heart.last_scan = self._now()

    def scan_left(self) -> None:
        """Note that nobody looks at the folder for the time being. Called by that thread, when it ends."""
        self._scan_at = None

    def main_turned(self) -> None:
        """Note that the main thread gets on, and say so if the other one does, too. Called often."""
        now, reception_at = self._clock(), self._scan_at
        if reception_at is not None and now - reception_at > _LOOK_SECONDS:
            return
        if self._heart is not None:
            self._heart.beat()
        if not self._is_ready:
            self._is_ready = True
            self._notify("READY=1")
        if self._watchdog_every and now >= self._watchdog_at:
            self._watchdog_at = now + self._watchdog_every
            self._notify("WATCHDOG=1")
        if now >= self._status_at:
            self._status_at = now + _STATUS_SECONDS
            self._tell_status()

    def _tell_status(self) -> None:
        status = "" if self._heart is None else self._heart.words().replace("\n", " ")
        if status != self._status:
            self._status = status
            self._notify(f"STATUS={status}")

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Say that another config is being read, and afterwards that it is."""
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._notify("READY=1")

    def stopping(self) -> None:
        """Say, once, that the daemon ends."""
        if not self._is_stopping:
            self._is_stopping = True
            self._notify("STOPPING=1")
