"""The daemon's second thread: scans the input folder while the main thread makes pictures. Owns its start and end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from pipeline.config.settings import ingest_settings, watch_settings
from pipeline.daemon.clock import Clock
from pipeline.daemon.config_reloader import ConfigVersion
from pipeline.daemon.event_watch import EventWatch
from pipeline.daemon.health import Health
from pipeline.daemon.pause_tracker import PauseTracker
from pipeline.daemon.scan_loop import ScanCallbacks, ScanLoop
from pipeline.daemon.startup import Startup, StoppedError
from pipeline.daemon.watch_policy import watch_policy
from pipeline.intake.masks import MASKS_ELSEWHERE
from pipeline.intake.mounts import knows_kinds, shared_mount
from pipeline.intake.stability import StabilityTimes, StabilityTracker
from pipeline.intake.watch import Hints, Watcher
from pipeline.ledger import Ledger
from pipeline.model import IngestSettings, PhotoSetAside, PhotosSkipped, Remark, WatchNotice
from pipeline.runner.ingest.archives import ArchiveIngest
from pipeline.runner.ingest.incremental import IncrementalIngest
from pipeline.runner.input_root import InputRoot
from pipeline.runner.preparation import open_ledger

_POLL_SECONDS: Final = 0.5

#: A thread that hangs on a missing share is left behind after this long.
_JOIN_SECONDS: Final = 10.0


class ScanThread:
    """Runs a :class:`pipeline.daemon.scan_loop.ScanLoop` with a ledger connection of its own.

    ``work_available`` is set when there may be something to do. ``has_scanned`` tells whether the folder was scanned
    under the present config; before that the jobs in the ledger may be those of a former one. ``error`` is what ended
    the thread.
    """

    def __init__(
        self,
        pauses: PauseTracker,
        health: Health,
        emit: Callable[[PhotoSetAside | PhotosSkipped | Remark | WatchNotice], None],
        on_error: Callable[[], None],
        clock: Clock,
    ) -> None:
        """``emit`` and ``on_error`` are called in the second thread, the latter if it can't continue."""
        self.hints = Hints()
        self.work_available = threading.Event()
        self.has_scanned = False
        self.error: BaseException | None = None
        self._pauses = pauses
        self._health = health
        self._emit = emit
        self._on_error = on_error
        self._clock = clock

    @contextlib.contextmanager
    def running(self, version: ConfigVersion, root: InputRoot, must_join: Callable[[], bool]) -> Iterator[None]:
        """Scan the folder as long as the block takes.

        Afterwards a thread that hangs is left behind, unless it ``must_join``: two threads with two configs would
        pair photos against each other.
        """
        self.has_scanned = False
        stopped = threading.Event()
        thread = threading.Thread(target=self._run, args=(version, root, stopped), name="scan_thread", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            self.hints.wake()
            deadline = self._clock.monotonic() + _JOIN_SECONDS
            while thread.is_alive() and (self._clock.monotonic() < deadline or must_join()):
                thread.join(_POLL_SECONDS)
                self._health.report_main_alive()

    def _run(self, version: ConfigVersion, root: InputRoot, stopped: threading.Event) -> None:
        def is_stopped() -> bool:
            self._health.report_scan_alive()
            return stopped.is_set()

        try:
            self._scan(version, root, is_stopped)
        except StoppedError:
            pass
        except BaseException as error:  # raised again by the main thread, which ends the daemon
            self.error = error
            self._on_error()
        finally:
            self._health.report_scan_ended()
            self.work_available.set()

    def _scan(self, version: ConfigVersion, root: InputRoot, is_stopped: Callable[[], bool]) -> None:
        startup = Startup(self._pauses, is_stopped)
        opened = startup.retry_until_done(partial(open_ledger, version.config, startup), "scan_startup")
        with opened as ledger, contextlib.closing(self._scan_loop(version, root, ledger, is_stopped)) as scan_loop:
            scan_loop.open()
            while not is_stopped():
                self.hints.wait(scan_loop.step())

    def _scan_loop(
        self, version: ConfigVersion, root: InputRoot, ledger: Ledger, is_stopped: Callable[[], bool]
    ) -> ScanLoop:
        settings = watch_settings(version.config)
        ingest = ingest_settings(version.config)
        policy = watch_policy(settings, shared_mount(settings.folder), knows_mounts=knows_kinds())
        archives = ArchiveIngest(ingest, ledger)
        times = StabilityTimes(ingest.settle_seconds, ingest.incomplete_seconds)
        tracker = StabilityTracker(ingest.folder, times, examine=archives.examine, trust_times=policy.trust_times)
        masks = None
        if ingest.masks is not None:
            mask_policy = watch_policy(settings, shared_mount(ingest.masks), knows_mounts=knows_kinds())
            masks = StabilityTracker(ingest.masks, times, trust_times=mask_policy.trust_times)
        return ScanLoop(
            IncrementalIngest(ingest, version.resolved, ledger, tracker, root, is_stopped, archives, masks),
            root,
            self.hints,
            EventWatch(
                policy, partial(Watcher, settings.folder, self.hints, also=_masks_elsewhere(ingest)), self._emit
            ),
            self._pauses,
            ScanCallbacks(
                emit=self._emit,
                on_change=self._on_change,
                on_full_scan=partial(self._health.report_scan_alive, full_scan=True),
            ),
            self._clock,
        )

    def _on_change(self) -> None:
        self.has_scanned = True
        self.work_available.set()


def _masks_elsewhere(settings: IngestSettings) -> dict[Path, str]:
    """Return the folder of masks, unless it is watched with the photos, with what hints about it begin with."""
    masks = settings.masks
    return {} if masks is None or masks.is_relative_to(settings.folder) else {masks: f"{MASKS_ELSEWHERE}/"}
