"""Says what a reloaded config makes again, before anything is made. Owns that it is said once for each reload."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from pipeline.errors import LedgerLockedError, StorageError
from pipeline.ledger import Ledger
from pipeline.model import PassSettings, WatchNotice
from pipeline.runner.planning.run_scope import describe_backlog


class ReloadCost:
    """The pictures that a change of the config makes due."""

    def __init__(self, emit: Callable[[WatchNotice], None]) -> None:
        self._emit = emit
        self._is_expected = False

    def expect(self) -> None:
        """Report it the next time: the config was reloaded."""
        self._is_expected = True

    def report_if_expected(self, settings: PassSettings, ledger: Ledger) -> None:
        """Emit it, once the folder was scanned under the new config. Needs a readable ledger, else waits."""
        if self._is_expected:
            with contextlib.suppress(StorageError, LedgerLockedError):
                text = describe_backlog(ledger, settings.order, settings.on_change)
                self._is_expected = False
                self._emit(WatchNotice("reloaded", text))
