"""Retries what a thread needs to start and to write: shares that are not mounted yet, a ledger that is locked.

A daemon is started at boot, when no user reads why it ended. So errors that may go away are reported once and
retried; all others are raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from pipeline.daemon.pause_tracker import PauseReason, PauseTracker
from pipeline.errors import LedgerLockedError, StorageError, files_explained

_MAX_WAIT_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.25

_Result = TypeVar("_Result")


class StoppedError(Exception):
    """The daemon was stopped before it could start."""


class Startup:
    """The retries of one thread; also its :class:`pipeline.ledger.LockWait`."""

    def __init__(
        self,
        pauses: PauseTracker,
        is_stopped: Callable[[], bool],
        on_poll: Callable[[], None] = lambda: None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``is_stopped`` tells whether to give up; ``on_poll`` is called several times a second while waiting."""
        self._pauses = pauses
        self._is_stopped = is_stopped
        self._on_poll = on_poll
        self._sleep = sleep

    def retry_until_done(self, action: Callable[[], _Result], reason: PauseReason) -> _Result:
        """Return the result of ``action``, retried while a disk is missing or a lock is held. Raises StoppedError."""
        while not self._is_stopped():
            try:
                with files_explained():
                    result = action()
            except StorageError as error:
                self._wait(reason, error)
            except LedgerLockedError as error:
                self._wait("ledger", error)
            else:
                self._end(reason)
                self.acquired()
                return result
        raise StoppedError

    def keep_waiting(self, message: str) -> bool:
        """Report once that the ledger is locked; tells whether to wait any longer."""
        self._pauses.report("ledger", message)
        self._on_poll()
        return not self._is_stopped()

    def acquired(self) -> None:
        """Report that the ledger can be written again."""
        self._end("ledger")

    def _end(self, reason: PauseReason) -> None:
        self._pauses.end(reason)
        self._on_poll()

    def _wait(self, reason: PauseReason, error: StorageError | LedgerLockedError) -> None:
        left_seconds = min(self._pauses.report(reason, str(error)), _MAX_WAIT_SECONDS)
        while left_seconds > 0 and not self._is_stopped():
            self._on_poll()
            self._sleep(_POLL_SECONDS)
            left_seconds -= _POLL_SECONDS
