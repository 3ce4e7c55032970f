"""The daemon's main loop: passes while there is work, pauses while disks or the ledger forbid it, until stopped.

Two threads, each with its own ledger connection: this one makes pictures, another one scans the input folder (see
:mod:`pipeline.daemon.scan_thread`), so that photos that arrive during a pass of days are recorded at once and, newest
first, made next. All events are emitted by this thread.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from pipeline.config import Config
from pipeline.config.settings import folder_settings, ingest_settings, pass_settings
from pipeline.daemon.clock import SYSTEM_CLOCK, Clock
from pipeline.daemon.config_reloader import ConfigReloader, ConfigVersion
from pipeline.daemon.event_outbox import EventOutbox
from pipeline.daemon.health import Health
from pipeline.daemon.on_demand_executor import OnDemandExecutor
from pipeline.daemon.pause_tracker import PauseTracker
from pipeline.daemon.reload_cost import ReloadCost
from pipeline.daemon.scan_thread import ScanThread
from pipeline.daemon.schedule_gate import ScheduleGate
from pipeline.daemon.startup import Startup, StoppedError
from pipeline.errors import CannotRunError, LedgerLockedError, PaintingChangedError, StorageError, files_explained
from pipeline.executors import Executor
from pipeline.ledger import Ledger
from pipeline.model import (
    JobFailed,
    JobFinished,
    JobState,
    PhotoSetAside,
    Remark,
    RunEvent,
    RunFinished,
    RunStarted,
    WatchNotice,
)
from pipeline.runner.execution.oversized import OversizedPictures
from pipeline.runner.execution.publishing import make_output_folder, require_space
from pipeline.runner.execution.recovery import recover
from pipeline.runner.execution.session import Session
from pipeline.runner.execution.single_pass import PassOptions, SinglePass
from pipeline.runner.failure_cause import require_writable
from pipeline.runner.ingest.steps import IngestResult
from pipeline.runner.input_root import InputRoot, make_input_folder, open_input
from pipeline.runner.instance.folder_marks import OutputFolderCheck
from pipeline.runner.instance.moved_source import take_over_moved_source
from pipeline.runner.preparation import open_ledger, require_state_and_output, resolve_config
from pipeline.runner.style_folders import make_style_folders

#: A pass ends after so many pictures, and its report is written; the next one starts at once.
PICTURES_PER_PASS: Final = 1000

#: A config with a replaced painting is reloaded within this time, or the daemon pauses.
_RELOAD_SECONDS: Final = 3.0

#: So often the ledger is asked which jobs have become due, by time or by 'stylewatch retry' in another process.
_LEDGER_CHECK_SECONDS: Final = 10.0

_POLL_SECONDS: Final = 0.5


class Daemon:
    """Watches one config's folder until stopped. The caller holds the instance lock and handles signals."""

    def __init__(
        self,
        config: Config,
        make_executor: Callable[[Config], Executor],
        emit: Callable[[RunEvent], None],
        reloader: ConfigReloader,
        *,
        health: Health | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """``make_executor`` is called whenever there is work and no executor. ``reloader`` is ``config``'s own."""
        self._config = config
        self._reloader = reloader
        self._health = health or Health()
        self._clock = clock
        self._version: ConfigVersion | None = None
        self._next_version: ConfigVersion | None = None
        self._outbox = EventOutbox(emit, self._is_pass_expected, self._count_set_aside)
        self._pauses = PauseTracker(self._outbox.put)
        self._scan_thread = ScanThread(self._pauses, self._health, self._outbox.put, self._stop_pass, clock)
        self._schedule_gate = ScheduleGate(config.window_rules(), self._outbox.emit, clock.now)
        self._reload_cost = ReloadCost(self._outbox.emit)
        self._executor = OnDemandExecutor(make_executor, clock.monotonic)
        self._pass: SinglePass | None = None
        self._session: Session | None = None
        self._stopped = False
        self._paused_until = 0.0
        self._next_ledger_check = 0.0
        self._has_checked_paintings = False

    def stop(self) -> None:
        """Stop soon: publish what is done, return the rest to the queue. Safe to call from a signal handler."""
        # Flags only: the signal may arrive while this very thread holds any lock.
        self._stopped = True
        self._stop_pass()

    def report_alive(self) -> None:
        """Report that this thread is alive, and what came meanwhile. Called often while a worker is waited for."""
        self._health.report_main_alive()
        if (the_pass := self._pass) is not None:
            the_pass.check_backlog()

    def _stop_pass(self) -> None:
        if (the_pass := self._pass) is not None:
            the_pass.stop()

    def run(self) -> None:
        """Work until stopped, under one version of the config after another.

        Raises CannotRunError for what neither time nor another config resolves.
        """
        version = ConfigVersion(self._config, resolve_config(self._config))
        try:
            self._start(version, Startup(self._pauses, lambda: self._stopped, self._on_poll))
        except StoppedError:
            pass
        except LedgerLockedError:
            if not self._stopped:
                raise
        self._outbox.release_held()
        self._outbox.emit(WatchNotice("stopped", "stopped"))

    def _start(self, version: ConfigVersion, startup: Startup) -> None:
        config, output = self._config, self._config.output.folder
        opened = partial(open_ledger, config, startup, self._remark, self._reloader.file)
        # Before a folder is made where a disk should be mounted.
        startup.retry_until_done(partial(require_state_and_output, config), "work")
        startup.retry_until_done(partial(make_output_folder, output), "work")
        with startup.retry_until_done(opened, "work") as ledger:
            folder, guard = config.input.folder, OutputFolderCheck(output)
            if made := startup.retry_until_done(partial(make_input_folder, folder, ledger), "input"):
                self._remark(made)
            root = startup.retry_until_done(partial(open_input, folder, ledger), "input")
            if moved := startup.retry_until_done(
                partial(take_over_moved_source, folder_settings(config), ledger), "work"
            ):
                self._remark(moved)
            startup.retry_until_done(partial(recover, ledger, output), "work")
            while not self._stopped:
                oversized = OversizedPictures(version.config.state.max_retry_seconds)
                self._session = Session(guard, oversized, root, self._session.backlog_done if self._session else 0)
                self._run_version(version, ledger, root)
                version, self._next_version = self._next_version or version, None

    def _run_version(self, version: ConfigVersion, ledger: Ledger, root: InputRoot) -> None:
        """Work under one version of the config, until stopped or until there is another version."""
        if self._version is not None:
            self._reload_cost.expect()
        self._version, self._config = version, version.config
        self._schedule_gate.set_window_rules(version.config.window_rules())
        self._paused_until = self._next_ledger_check = 0.0
        self._has_checked_paintings = False
        if root.is_there():
            for remark in make_style_folders(ingest_settings(version.config), version.config.style_folders()):
                self._outbox.emit(remark)
        with self._scan_thread.running(version, root, self._is_replacing_config):
            try:
                while not (self._stopped or self._next_version):
                    self._step(version, ledger, root)
            finally:
                if self._stopped:
                    self._health.stopping()
                self._executor.close()
                self._outbox.deliver()

    def _is_replacing_config(self) -> bool:
        return self._next_version is not None and not self._stopped

    def _check_for_new_config(self) -> None:
        """Record a new version: pictures in progress are finished under the old one, and no more are claimed."""
        current = self._next_version or self._version
        # How a folder is to be watched can't be found out while it is missing.
        if current is None or self._stopped or "input" in self._pauses:
            return
        found = self._reloader.next_version(current, self._outbox.emit, self._health.reloading)
        if found is not None:
            self._next_version = found
            if self._pass is not None:
                self._pass.drain()

    # --- one step -----------------------------------------------------------------------------------------

    def _step(self, version: ConfigVersion, ledger: Ledger, root: InputRoot) -> None:
        if self._scan_thread.error is not None:
            raise self._scan_thread.error
        self._health.report_main_alive()
        self._outbox.deliver()
        self._check_for_new_config()
        if self._next_version is not None:
            return
        if self._scan_thread.has_scanned:
            self._reload_cost.report_if_expected(pass_settings(version.config), ledger)
        if not self._may_run_pass(ledger):
            self._executor.close_if_idle()
            time.sleep(_POLL_SECONDS)
        elif not self._run_pass_if_needed(version, ledger, root):
            self._executor.close_if_idle()
            self._scan_thread.work_available.wait(_POLL_SECONDS)

    def _may_run_pass(self, ledger: Ledger) -> bool:
        # Before the first scan the jobs in the ledger may be those of a former config.
        if not self._scan_thread.has_scanned:
            return False
        # A ledger that can't be read is reported where it is needed; the window is announced once it can.
        with contextlib.suppress(StorageError, LedgerLockedError):
            self._schedule_gate.announce(lambda: ledger.queries.counts()[JobState.PENDING])
        is_due = self._clock.monotonic() >= self._paused_until
        return self._schedule_gate.may_work() and "input" not in self._pauses and is_due

    def _has_work(self, ledger: Ledger) -> bool:
        """Query the ledger only when there may be something new."""
        if self._clock.monotonic() >= self._next_ledger_check:
            self._check_ledger(ledger)
        if not self._scan_thread.work_available.is_set() and "work" not in self._pauses:
            return False
        self._scan_thread.work_available.clear()
        has_work = ledger.queries.has_work()
        if self._session is not None and not has_work:
            self._session.backlog_done = 0
        return has_work or bool(self._outbox.held())

    def _check_ledger(self, ledger: Ledger) -> None:
        if ledger.was_changed_by_others():
            self._scan_thread.hints.note(*ledger.photos.unexamined())
        due = ledger.jobs.next_due()
        if due is not None and due <= time.time():
            ledger.jobs.requeue_due()
        self._next_ledger_check = self._clock.monotonic() + _LEDGER_CHECK_SECONDS
        self._scan_thread.work_available.set()

    def _run_pass_if_needed(self, version: ConfigVersion, ledger: Ledger, root: InputRoot) -> bool:
        """Run a pass if there is anything to do; tells whether there was."""
        try:
            if not self._has_work(ledger):
                return False
            if "work" in self._pauses:
                self._require_disk(ledger)
            self._run_pass(version, ledger)
        except CannotRunError as error:
            # A worker that died before it could start has only the plain error; it may have lacked memory just now.
            if error.final and type(error) is not CannotRunError:
                raise
            self._executor.close()
            self._back_off(error, root)
        else:
            self._pauses.end("work")
            # There may be more work than a pass may do, and failed jobs that are due.
            self._paused_until = self._next_ledger_check = 0.0
        self._executor.record_use()
        return True

    def _run_pass(self, version: ConfigVersion, ledger: Ledger) -> None:
        self._pass = SinglePass(
            pass_settings(version.config),
            version.resolved,
            ledger,
            self._executor.get(version.config),
            self._on_event,
            session=self._session,
            on_poll=self._health.report_main_alive,
        )
        try:
            if self._stopped or self._scan_thread.error:  # since before there was a pass to stop
                self._pass.stop()
            ingested = IngestResult(
                photos=ledger.queries.photo_count(),
                set_aside=list(self._outbox.held()),
                emitted_before=self._outbox.emitted_before_pass(),
            )
            with self._schedule_gate.stop_at_window_end(partial(self._stop_for_schedule, self._pass)):
                options = PassOptions(
                    limit=PICTURES_PER_PASS, is_continued=True, config_name=str(self._reloader.file)
                )
                self._pass.run(ingested, options)
        finally:
            self._pass = None
            self._executor.close_if_stopped()

    def _stop_for_schedule(self, the_pass: SinglePass, reason: str) -> None:
        self._executor.record_stop()
        the_pass.stop(reason)

    def _back_off(self, error: CannotRunError, root: InputRoot) -> None:
        if isinstance(error, PaintingChangedError) and self._may_reload_paintings():
            seconds = _RELOAD_SECONDS
        else:
            # A missing folder is reported by the scan thread, which also notices its return.
            seconds = self._pauses.report("work", str(error)) if root.is_there() else _POLL_SECONDS
        self._paused_until = self._clock.monotonic() + seconds
        self._scan_thread.work_available.set()

    def _may_reload_paintings(self) -> bool:
        """Have the paintings checked; tells whether that is the first time, so that a pause can wait."""
        self._reloader.check_paintings()
        is_first, self._has_checked_paintings = not self._has_checked_paintings, True
        return is_first

    def _require_disk(self, ledger: Ledger) -> None:
        """Raise StorageError while a pass would only fail again, and report that each time."""
        output = self._config.output
        ledger.require_in_place()
        if self._session is not None:
            self._session.output.require()
        with files_explained():
            require_space(output.folder, output.min_free_disk)
        require_writable(output.folder)

    # --- events -------------------------------------------------------------------------------------------

    def _on_event(self, event: RunEvent) -> None:
        """Pass an event of the running pass to the readers, after the queued ones of the scan thread."""
        if isinstance(event, RunStarted):
            self._outbox.discard_held()  # the pass emits them next
        elif not isinstance(event, RunFinished):  # what comes now is not among what that counts
            self._outbox.deliver()
        if isinstance(event, JobFailed) and event.state is JobState.PENDING:
            # The photo may have changed meanwhile: it is scanned at once, not only by the next full scan.
            self._scan_thread.hints.note(event.job.photo)
        if isinstance(event, JobFinished):
            self._pauses.end("work")
            self._has_checked_paintings = False
        self._outbox.emit(event)
        if self._stopped:
            self._health.stopping()
        self._health.report_main_alive()
        self._check_for_new_config()

    def _remark(self, text: str) -> None:
        self._outbox.emit(Remark("", text))

    def _on_poll(self) -> None:
        self._outbox.deliver()
        self._health.report_main_alive()

    def _count_set_aside(self, photo: PhotoSetAside) -> bool:
        if (the_pass := self._pass) is not None:
            the_pass.count_set_aside(photo)
        return the_pass is not None

    def _is_pass_expected(self) -> bool:
        return self._pass is None and self._schedule_gate.may_work() and "work" not in self._pauses
