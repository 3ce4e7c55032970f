"""Reads the events and calls the user's commands. Owns their time limits and what the log says of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline.hooks.call_queue import CallQueue
from pipeline.hooks.calls import Fields, HookCall, HookFolders, build_call
from pipeline.hooks.process import CompletedCall, execute
from pipeline.model import HookName, HookSettings, RunEvent, RunFinished, WatchNotice, exit_in_words

_LOG: Final = logging.getLogger("stylewatch")

#: How long a call may still take once the program was told to stop.
STOP_SECONDS: Final = 5.0
#: When the program ends, all waiting calls together get this many times the limit of one.
_CLOSE_TIMEOUTS: Final = 10
_POLL_SECONDS: Final = 0.1


class Hooks:
    """Runs commands in the background: an event only adds its call to the queue."""

    def __init__(
        self,
        settings: HookSettings,
        photos: Path,
        pictures: Path,
        *,
        report: Callable[[], Path | None] = lambda: None,
        stop_seconds: float = STOP_SECONDS,
        on_poll: Callable[[], None] = lambda: None,
    ) -> None:
        """``photos`` and ``pictures`` are the folders; ``report`` returns the last run's report folder.

        ``on_poll`` is called several times a second while :meth:`close` waits.
        """
        self._settings = settings
        self._folders = HookFolders(photos, pictures)
        self._report = report
        self._stop_seconds = stop_seconds
        self._on_poll = on_poll
        self._queue = CallQueue(self._run_call, settings.at_once)
        self._stop_soon_at: float | None = None
        self._stopped = False

    def __call__(self, event: RunEvent) -> None:
        """Call the command that an event calls for, if there is one."""
        self._stopped |= isinstance(event, RunFinished) and event.interrupted
        self._stopped |= isinstance(event, WatchNotice) and event.kind == "stopped"
        if not self._settings.commands:
            return
        call = self._folders.call_for(event, self._report())
        if call is not None:
            self._enqueue(*call)

    def report_failure(self, reason: str) -> None:
        """Call ``on_failure`` because the program ends with an error."""
        self._enqueue("on_failure", self._folders.failure_fields(reason, "stopped"))

    def stop_soon(self) -> None:
        """Give running calls a few more seconds and drop waiting ones. Safe to call from a signal handler."""
        self._stop_soon_at = self._stop_soon_at or time.monotonic()

    def close(self) -> None:
        """Wait for all calls; only a few seconds if the program was told to stop."""
        if self._stopped:
            self.stop_soon()
        until = time.monotonic() + _CLOSE_TIMEOUTS * self._settings.timeout_seconds
        while not self._queue.is_empty(_POLL_SECONDS):
            self._on_poll()
            if self._stop_soon_at is None and time.monotonic() > until:
                self.stop_soon()
            if self._stop_soon_at is not None and (left_out := self._queue.drop_waiting()):
                _LOG.warning("hooks: %d calls were left out at the end", left_out)

    def _enqueue(self, name: HookName, fields: Fields) -> None:
        command = self._settings.commands.get(name)
        if command:
            self._queue.put(build_call(name, command, fields))

    def _run_call(self, call: HookCall) -> None:
        began = time.monotonic()
        try:
            completed = execute(call, lambda: self._deadline(began))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            _LOG.warning("hook %s can't be started (%s); see hooks.%s", call, reason, call.name)
            return
        seconds = time.monotonic() - began
        _LOG.log(
            logging.DEBUG if completed.code == 0 else logging.WARNING,
            "hook %s %s",
            call,
            _describe_end(completed, seconds),
        )
        for line in completed.output:
            _LOG.info("hook %s: %s", call, line)

    def _deadline(self, began: float) -> float:
        whole = began + self._settings.timeout_seconds
        if self._stop_soon_at is None:
            return whole
        return min(whole, max(began, self._stop_soon_at) + self._stop_seconds)


def _describe_end(completed: CompletedCall, seconds: float) -> str:
    if completed.code is None:
        return f"was killed after {seconds:.1f} s, with all processes it had started"
    if completed.code < 0:
        return f"was killed by {exit_in_words(completed.code)} after {seconds:.1f} s"
    return f"ended with exit code {completed.code} after {seconds:.1f} s"
