"""What a daemon's thread needs to begin and to write, waited for: shares not mounted yet, a ledger that is locked.

A daemon is started at boot, by nobody who would read why it ended. So what may pass is told once and waited for;
everything else is raised. Refuses to know what is waited for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from pipeline.daemon.pauses import Pauses, Reason
from pipeline.errors import LedgerLockedError, StorageError, files_explained
from pipeline.ledger import Ledger
from pipeline.report.formatting import counted
from pipeline.runner.input_root import Root

_LONGEST_SECONDS: Final = 5.0
_NAP_SECONDS: Final = 0.25

_Result = TypeVar("_Result")


class StoppedError(Exception):
    """The daemon was told to end before it could begin."""


class Startup:
    """The patience of one thread. A :class:`pipeline.ledger.LockWatch`, too."""

    def __init__(
        self,
        pauses: Pauses,
        over: Callable[[], bool],
        pulse: Callable[[], None] = lambda: None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``over`` tells that there is no use in waiting any longer; ``pulse`` is called while it goes on."""
        self._pauses = pauses
        self._over = over
        self._pulse = pulse
        self._sleep = sleep

    def retry_until_done(self, act: Callable[[], _Result], reason: Reason) -> _Result:
        """Return what ``act`` returns as soon as neither the disk nor a lock is in its way. Raises StoppedError."""
        while not self._over():
            try:
                with files_explained():
                    result = act()
            except StorageError as error:
                self._wait(reason, error)
            except LedgerLockedError as error:
                self._wait("ledger", error)
            else:
                self._end(reason)
                self.is_over()
                return result
        raise StoppedError

    def go_on(self, words: str) -> bool:
        """Tell once that the ledger is locked; wait as long as the daemon is there."""
        self._pauses.report("ledger", words)
        self._pulse()
        return not self._over()

    def is_over(self) -> None:
        """Tell that the ledger is free again."""
        self._end("ledger")

    def _end(self, reason: Reason) -> None:
        self._pauses.end(reason)
        self._pulse()

    def _wait(self, reason: Reason, error: StorageError | LedgerLockedError) -> None:
        left_seconds = min(self._pauses.report(reason, str(error)), _LONGEST_SECONDS)
        while left_seconds > 0 and not self._over():
            self._pulse()
            self._sleep(_NAP_SECONDS)
            left_seconds -= _NAP_SECONDS


def find_root(folder: Path, ledger: Ledger, *, look: Callable[[Path], Root] = Root) -> Root:
    """Return the input folder as it is now. Raises StorageError if it is not there, or is only its mount point.

    An empty folder that had photos when it was last seen is taken for the latter: it has nothing to offer anyway.
    """
    root = look(folder)
    try:
        with os.scandir(folder) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        raise StorageError(
            f"input.folder: {folder} can't be read ({error.strerror}); mount its disk or share"
        ) from error
    if empty and (photos := ledger.queries.photo_count()):
        raise StorageError(
            f"input.folder: {folder} is empty, and {counted(photos, 'photo')} lay there when it was last seen; "
            f"nothing is taken for deleted: mount its disk or share, or put a photo into it"
        )
    return root
