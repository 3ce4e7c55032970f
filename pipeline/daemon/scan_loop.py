"""Decides when the input folder is scanned: after file events, at intervals, and after a pause.

One step of the loop is one method, and the clock is an argument; :mod:`pipeline.daemon.scan_thread` runs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipeline.daemon.clock import SYSTEM_CLOCK, Clock
from pipeline.daemon.event_watch import EventWatch
from pipeline.daemon.pause_tracker import PauseReason, PauseTracker
from pipeline.errors import LedgerLockedError, StorageError, files_explained
from pipeline.intake.watch import MAX_PATHS, Hints
from pipeline.model import PhotoSetAside, PhotosSkipped, Remark, WatchNotice
from pipeline.report.formatting import as_before_text
from pipeline.runner.ingest.incremental import IncrementalIngest, IngestChanges
from pipeline.runner.input_root import InputRoot

#: A full scan is repeated after so many times its processor time at the earliest: a third of a percent of a core.
_REST_PER_CPU_SECOND: Final = 300.0
#: Likewise of its duration, for a scan that waited for a slow disk or share.
_REST_PER_SECOND: Final = 10.0
#: How soon a missing folder or a stopped watcher is noticed.
_STEP_SECONDS: Final = 1.0
#: How soon the return of a missing folder is noticed.
_MISSING_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCallbacks:
    """Whom the scan loop calls. ``emit``: for each photo that is set aside, for those that are skipped, and
    for how many are as before.

    ``on_change``: after the first scan, and after each one that changed the ledger. ``on_full_scan``: after each scan
    of the whole folder.
    """

    emit: Callable[[PhotoSetAside | PhotosSkipped | Remark | WatchNotice], None]
    on_change: Callable[[], None]
    on_full_scan: Callable[[], None] = lambda: None


class ScanLoop:
    """Scans the paths that hints point to, and the whole folder when that is due."""

    def __init__(
        self,
        ingest: IncrementalIngest,
        root: InputRoot,
        hints: Hints,
        watch: EventWatch,
        pauses: PauseTracker,
        callbacks: ScanCallbacks,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """All arguments belong to the thread that calls :meth:`step`, but ``hints`` and ``pauses``."""
        self._ingest = ingest
        self._root = root
        self._hints = hints
        self._watch = watch
        self._pauses = pauses
        self._callbacks = callbacks
        self._clock = clock
        self._next_full_scan = -math.inf
        self._paused_until = -math.inf
        self._full_scan_rest = 0.0
        self._has_scanned = False
        self._is_locked_out = False

    def open(self) -> None:
        """Start watching, before the first scan: changes between the two leave hints."""
        self._watch.start()

    def close(self) -> None:
        """Stop watching."""
        self._watch.stop()

    def step(self) -> float:
        """Do what is due; returns for how many seconds, at most, nothing else is, unless a hint comes."""
        if self._clock.monotonic() < self._paused_until:
            self._postpone()
            return self._paused_until - self._clock.monotonic()
        try:
            self._root.require()
            was_replaced = self._root.replaced_since_last_call()
        except StorageError as error:
            self._postpone()
            return self._pause("input", error, _MISSING_SECONDS)
        try:
            if was_replaced or "input" in self._pauses:
                self._watch.restart()
                self._next_full_scan = -math.inf
            with files_explained():
                self._scan_where_needed()
        except (StorageError, LedgerLockedError) as error:
            self._postpone()
            if not isinstance(error, LedgerLockedError):
                return self._pause("input", error)
            self._is_locked_out = True
            return self._pause("ledger", error)
        self._end_pauses()
        return self._seconds_until_due()

    def _seconds_until_due(self) -> float:
        left = self._ingest.seconds_left()
        due = [_STEP_SECONDS, self._next_full_scan - self._clock.monotonic(), *([] if left is None else [left])]
        return max(0.0, min(due))

    def _postpone(self) -> None:
        """Scan everything once that is possible. A hint that is left would end every wait until then."""
        self._hints.take()
        self._next_full_scan = -math.inf

    def _end_pauses(self) -> None:
        self._pauses.end("input")
        if self._is_locked_out:  # otherwise it is the main thread that waits for the ledger
            self._is_locked_out = False
            self._pauses.end("ledger")

    def _pause(
        self, reason: PauseReason, error: StorageError | LedgerLockedError, max_seconds: float = math.inf
    ) -> float:
        seconds = min(self._pauses.report(reason, str(error)), max_seconds)
        self._paused_until = self._clock.monotonic() + seconds
        return seconds

    def _scan_where_needed(self) -> None:
        hinted = self._hints.take()
        if self._watch.has_failed():
            self._next_full_scan = -math.inf
        if hinted.everywhere or self._clock.monotonic() >= self._next_full_scan:
            self._scan_everything()
        elif paths := hinted.paths.union(self._ingest.due()):
            if len(paths) > MAX_PATHS:
                self._scan_everything()
            else:
                self._report(self._ingest.ingest_paths(paths))

    def _scan_everything(self) -> None:
        started, cpu_started = self._clock.monotonic(), self._clock.thread_cpu()
        changes = self._ingest.ingest_folder()
        now, cpu_seconds = self._clock.monotonic(), self._clock.thread_cpu() - cpu_started
        if changes.is_empty:  # recording changes costs more than finding out that there are none
            self._full_scan_rest = max(_REST_PER_CPU_SECOND * cpu_seconds, _REST_PER_SECOND * (now - started))
        self._next_full_scan = now + max(self._watch.rescan_seconds(), self._full_scan_rest)
        self._report(changes)
        self._has_scanned = True
        self._callbacks.on_full_scan()
        rescan_after = self._watch.check_coverage(changes.folders)
        if rescan_after is not None:
            self._next_full_scan = self._clock.monotonic() + rescan_after

    def _report(self, changes: IngestChanges) -> None:
        for photo in changes.set_aside:
            self._callbacks.emit(photo)
        if event := changes.skipped_event():
            self._callbacks.emit(event)
        if changes.known:
            self._callbacks.emit(Remark("", as_before_text(changes.known)))
        if not changes.is_empty or not self._has_scanned:
            self._callbacks.on_change()
