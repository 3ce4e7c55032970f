"""Hears the events and calls the user's commands. Owns how long they may take, and what the log says of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline.hooks.call_queue import CallQueue
from pipeline.hooks.calls import Call, Fields, Folders, filled
from pipeline.hooks.process import Ended, execute
from pipeline.model import HookMoment, HookSettings, RunEvent, RunFinished, WatchNotice, exit_in_words

_LOG: Final = logging.getLogger("stylewatch")

#: What is left of a call once the program was told to stop.
LAST_SECONDS: Final = 5.0
#: At the program's end all that wait have, together, this many times what one may take.
_LAST_CALLS: Final = 10
_GLANCE_SECONDS: Final = 0.1


class Hooks:
    """Runs beside the work: an event that calls for a command is only put down here."""

    def __init__(
        self,
        settings: HookSettings,
        photos: Path,
        pictures: Path,
        *,
        report: Callable[[], Path | None] = lambda: None,
        last_seconds: float = LAST_SECONDS,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """``photos`` and ``pictures`` are the folders; ``report`` returns that of the run that just ended.

        ``on_turn`` is called several times a second while :meth:`close` waits.
        """
        self._settings = settings
        self._folders = Folders(photos, pictures)
        self._report = report
        self._last_seconds = last_seconds
        self._on_turn = on_turn
        self._line = CallQueue(self._make, settings.at_once)
        self._hurried_at: float | None = None
        self._stopped = False

    def __call__(self, event: RunEvent) -> None:
        """Call the command that an event calls for, if there is one."""
        self._stopped |= isinstance(event, RunFinished) and event.interrupted
        self._stopped |= isinstance(event, WatchNotice) and event.kind == "stopped"
        if not self._settings.commands:
            return
        occasion = self._folders.occasion(event, self._report())
        if occasion is not None:
            self._put(*occasion)

    def trouble(self, reason: str) -> None:
        """Call ``on_failure`` because the program can't go on."""
        self._put("on_failure", self._folders.failure(reason, "stopped"))

    def hurry(self) -> None:
        """Leave what runs a few seconds, and leave out what waits. Safe to call from a signal handler."""
        self._hurried_at = self._hurried_at or time.monotonic()

    def close(self) -> None:
        """Wait for what runs and waits; if the program was told to stop, only a few seconds."""
        if self._stopped:
            self.hurry()
        until = time.monotonic() + _LAST_CALLS * self._settings.timeout_seconds
        while not self._line.is_empty(_GLANCE_SECONDS):
            self._on_turn()
            if self._hurried_at is None and time.monotonic() > until:
                self.hurry()
            if self._hurried_at is not None and (left_out := self._line.shorten()):
                _LOG.warning("hooks: %d calls were left out at the end", left_out)

    def _put(self, moment: HookMoment, fields: Fields) -> None:
        command = self._settings.commands.get(moment)
        if command:
            self._line.put(filled(moment, command, fields))

    def _make(self, call: Call) -> None:
        began = time.monotonic()
        try:
            ended = execute(call, lambda: self._deadline(began))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            _LOG.warning("hook %s can't be started (%s); see hooks.%s", call, reason, call.moment)
            return
        seconds = time.monotonic() - began
        _LOG.log(logging.DEBUG if ended.code == 0 else logging.WARNING, "hook %s %s", call, _fate(ended, seconds))
        for line in ended.output:
            _LOG.info("hook %s: %s", call, line)

    def _deadline(self, began: float) -> float:
        whole = began + self._settings.timeout_seconds
        if self._hurried_at is None:
            return whole
        return min(whole, max(began, self._hurried_at) + self._last_seconds)


def _fate(ended: Ended, seconds: float) -> str:
    if ended.code is None:
        return f"was ended after {seconds:.1f} s, with all it had started"
    if ended.code < 0:
        return f"died by {exit_in_words(ended.code)} after {seconds:.1f} s"
    return f"ended with exit code {ended.code} after {seconds:.1f} s"
