"""Reports that the daemon is alive: a heartbeat in the state folder, and systemd's watchdog. Owns when they are sent.

Both are sent only while both threads are alive. The main thread calls here at every step, at every event of a pass
and several times a second while it waits for the worker, which in turn is replaced if it hangs (see
:mod:`pipeline.executors.hang_detector`). So whatever hangs, either the heartbeat stops or the hang is ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from pipeline.daemon.notify import Notifier

#: Scanning a large archive or a slow share may take minutes; a thread that is silent for longer counts as hung.
_SCAN_TIMEOUT_SECONDS: Final = 3600.0

_WATCHDOG_SECONDS: Final = 10.0
_STATUS_SECONDS: Final = 1.0


class HeartbeatWriter(Protocol):
    """What is needed of :class:`pipeline.report.heartbeat.Heartbeat`."""

    last_scan: float | None

    def beat(self) -> None:
        """Record that the program is alive."""
        ...

    def activity_text(self) -> str:
        """Return what the program is doing, for people."""
        ...


class Health:
    """Collects the liveness reports of both threads; sends heartbeats and notifications."""

    def __init__(
        self,
        heartbeat: HeartbeatWriter | None = None,
        notify: Notifier | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` returns monotonic seconds, ``now`` seconds since the epoch."""
        self._heartbeat = heartbeat
        self._notify = notify or Notifier()
        self._clock = clock
        self._now = now
        self._scan_alive_at: float | None = None
        self._is_ready = self._is_stopping = False
        self._watchdog_at = self._status_at = clock()
        self._status = ""
        interval = self._notify.watchdog_seconds / 4
        self._watchdog_interval = min(_WATCHDOG_SECONDS, interval) if interval else 0.0

    def report_scan_alive(self, *, full_scan: bool = False) -> None:
        """Record that the scan thread is alive. Called by that thread."""
        self._scan_alive_at = self._clock()
        if full_scan and self._heartbeat is not None:
            self._heartbeat.last_scan = self._now()

    def report_scan_ended(self) -> None:
        """Record that no scan thread runs for the time being. Called by that thread when it ends."""
        self._scan_alive_at = None

    def report_main_alive(self) -> None:
        """Record that the main thread is alive; report it if the scan thread is, too. Called often."""
        now, scan_alive_at = self._clock(), self._scan_alive_at
        if scan_alive_at is not None and now - scan_alive_at > _SCAN_TIMEOUT_SECONDS:
            return
        if self._heartbeat is not None:
            self._heartbeat.beat()
        if not self._is_ready:
            self._is_ready = True
            self._notify("READY=1")
        if self._watchdog_interval and now >= self._watchdog_at:
            self._watchdog_at = now + self._watchdog_interval
            self._notify("WATCHDOG=1")
        if now >= self._status_at:
            self._status_at = now + _STATUS_SECONDS
            self._send_status()

    def _send_status(self) -> None:
        status = "" if self._heartbeat is None else self._heartbeat.activity_text().replace("\n", " ")
        if status != self._status:
            self._status = status
            self._notify(f"STATUS={status}")

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Notify systemd that the config is being reloaded, and afterwards that the daemon is ready."""
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._notify("READY=1")

    def stopping(self) -> None:
        """Notify systemd, once, that the daemon is stopping."""
        if not self._is_stopping:
            self._is_stopping = True
            self._notify("STOPPING=1")
