"""The daemon's main loop: a pass whenever there is work, a pause when the surroundings forbid it, until its end.

Two threads, each with its own ledger connection: this one makes pictures, another one looks at the folder (see
:mod:`pipeline.daemon.scan_thread`), so that photos that come during a pass of days are taken in at once and, newest
first, made next. All events are told by this thread.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from pipeline.config import Config
from pipeline.daemon.config_reloader import ConfigReloader, ConfigVersion
from pipeline.daemon.health import Health
from pipeline.daemon.pause_tracker import PauseTracker
from pipeline.daemon.scan_loop import EventSource
from pipeline.daemon.scan_thread import ScanThread
from pipeline.daemon.schedule_gate import ScheduleGate
from pipeline.daemon.startup import Startup, StoppedError, find_root
from pipeline.errors import CannotRunError, LedgerLockedError, PaintingChangedError, StorageError, files_explained
from pipeline.executors import Executor
from pipeline.ledger import Ledger
from pipeline.model import JobFailed, JobFinished, JobState, PhotoSetAside, Remark, RunEvent, RunStarted, WatchNotice
from pipeline.runner.execution.oversized import OversizedPictures
from pipeline.runner.execution.publishing import make_folder, require_space
from pipeline.runner.execution.recovery import recover
from pipeline.runner.execution.single_pass import PassOptions, SinglePass
from pipeline.runner.failure_cause import require_writable
from pipeline.runner.ingest.ingest import IngestResult
from pipeline.runner.input_root import Root
from pipeline.runner.instance.folder_marks import OutputGuard
from pipeline.runner.instance.moved_source import follow_moved_source
from pipeline.runner.preparation import ResolvedConfig, open_ledger, prepare, require_state_and_output

#: A pass ends after so many pictures, and its report is written; the next one begins at once.
PICTURES_PER_PASS: Final = 1000

#: The worker holds the network's weights in memory; without work for so long it is ended.
_WORKER_IDLE_SECONDS: Final = 60.0

#: A painting that was replaced is taken over within this time, or has to be waited for.
_TAKE_OVER_SECONDS: Final = 3.0

#: So often the ledger is asked what has become due, by time or by 'stylewatch retry' in another process.
_INQUIRY_SECONDS: Final = 10.0

_NAP_SECONDS: Final = 0.5


class Daemon:
    """Watches one config's folder for good. The caller holds the instance lock, reads events, handles signals."""

    def __init__(
        self,
        config: Config,
        executor: Callable[[Config], Executor],
        emit: Callable[[RunEvent], None],
        *,
        config_name: str = "",
        reloading: ConfigReloader | None = None,
        health: Health | None = None,
        watcher: Callable[[], EventSource] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``executor`` makes one, for as long as there is work. ``watcher`` makes another than the real one.

        ``reloading`` looks for another config while the daemon is at work; ``health`` hears that it gets on. ``now``
        returns the time of day, which the schedule goes by.
        """
        self._config = config
        self._make_executor = executor
        self._tell_readers = emit
        self._config_name = config_name
        self._reloading = reloading
        self._health = health or Health()
        self._edition: ConfigVersion | None = None
        self._successor: ConfigVersion | None = None
        self._clock = clock
        self._outbox: queue.SimpleQueue[PhotoSetAside | WatchNotice] = queue.SimpleQueue()
        self._pauses = PauseTracker(self._outbox.put)
        self._scan_thread = ScanThread(
            self._pauses, self._health, self._outbox.put, watcher=watcher, on_death=self._stop_pass, clock=clock
        )
        self._schedule_gate = ScheduleGate(config.hours(), emit, now)
        self._executor: Executor | None = None
        self._executor_is_spent = False
        self._oversized = OversizedPictures(config.state.max_retry_seconds)
        self._pass: SinglePass | None = None
        self._output: OutputGuard | None = None
        self._stopped = False
        self._set_aside: list[PhotoSetAside] = []
        self._idle_since = 0.0
        self._work_at = 0.0
        self._inquiry_at = 0.0
        self._doubts_paintings = False

    def stop(self) -> None:
        """End soon: publish what is done, put the rest back. Safe to call from a signal handler."""
        # Flags only: the signal may have come while this very thread holds any lock.
        self._stopped = True
        self._stop_pass()

    def _stop_pass(self) -> None:
        if (the_pass := self._pass) is not None:
            the_pass.stop()

    def run(self) -> None:
        """Work until stopped, under one config after another.

        Raises CannotRunError when that can never begin, or never go on.
        """
        edition = ConfigVersion(self._config, prepare(self._config))
        try:
            self._open(edition, Startup(self._pauses, lambda: self._stopped, self._pulse))
        except StoppedError:
            pass
        except LedgerLockedError:
            if not self._stopped:
                raise
        for photo in self._set_aside:
            self._tell_readers(photo)
        self._tell_readers(WatchNotice("stopped", "stopped"))

    def _open(self, edition: ConfigVersion, opening: Startup) -> None:
        output = self._config.output.folder
        # Before a folder is made where a disk should be mounted.
        opening.retry_until_done(partial(require_state_and_output, self._config), "work")
        opening.retry_until_done(partial(make_folder, output), "work")
        with opening.retry_until_done(partial(open_ledger, self._config, opening, self._say), "work") as ledger:
            self._output = OutputGuard(output)
            root = opening.retry_until_done(partial(find_root, self._config.input.folder, ledger), "input")
            if moved := opening.retry_until_done(partial(follow_moved_source, self._config, ledger), "work"):
                self._say(moved)
            opening.retry_until_done(partial(recover, ledger, output), "work")
            while not self._stopped:
                self._reign(edition, ledger, root)
                edition, self._successor = self._successor or edition, None
                self._config = edition.config

    def _reign(self, edition: ConfigVersion, ledger: Ledger, root: Root) -> None:
        """Work under one config, until stopped or until there is another one."""
        self._edition = edition
        self._schedule_gate.set_hours(edition.config.hours())
        self._oversized = OversizedPictures(edition.config.state.max_retry_seconds)
        self._work_at = self._inquiry_at = 0.0
        self._doubts_paintings = False
        with self._scan_thread.at_work(edition.config, edition.resolved, root, self._is_succeeded):
            try:
                while not (self._stopped or self._successor):
                    self._turn(edition.resolved, ledger, root)
            finally:
                if self._stopped:
                    self._health.stopping()
                self._dismiss()
                self._pass_on()

    def _is_succeeded(self) -> bool:
        return self._successor is not None and not self._stopped

    def _look_for_successor(self) -> None:
        """Note another config: what is in work is finished under the old one, and nothing more is claimed by it."""
        present = self._successor or self._edition
        # How a folder that is not there is to be watched can't be found out.
        if self._reloading is None or present is None or self._stopped or "input" in self._pauses:
            return
        found = self._reloading.next_version(present, self._tell_readers, self._health.reloading)
        if found is not None:
            self._successor = found
            if self._pass is not None:
                self._pass.drain()

    # --- one turn -----------------------------------------------------------------------------------------

    def _turn(self, resolved: ResolvedConfig, ledger: Ledger, root: Root) -> None:
        if self._scan_thread.death is not None:
            raise self._scan_thread.death
        self._health.main_is_alive()
        self._pass_on()
        self._look_for_successor()
        if self._successor is not None:
            return
        if not self._may_work(ledger):
            self._rest()
            time.sleep(_NAP_SECONDS)
        elif not self._work(resolved, ledger, root):
            self._rest()
            self._scan_thread.bell.wait(_NAP_SECONDS)

    def _may_work(self, ledger: Ledger) -> bool:
        # Before the first look the jobs on record may be those of a former config.
        if not self._scan_thread.has_looked:
            return False
        # A ledger that can't be read is told by whoever needs it; the shift is announced when it can.
        with contextlib.suppress(StorageError, LedgerLockedError):
            self._schedule_gate.announce(lambda: ledger.queries.counts()[JobState.PENDING])
        return self._schedule_gate.may_work() and "input" not in self._pauses and self._clock() >= self._work_at

    def _has_work(self, ledger: Ledger) -> bool:
        """Look into the ledger only when there may be something new."""
        if self._clock() >= self._inquiry_at:
            self._inquire(ledger)
        if not self._scan_thread.bell.is_set() and "work" not in self._pauses:
            return False
        self._scan_thread.bell.clear()
        return ledger.queries.has_work() or any(photo.kind != "incomplete" for photo in self._set_aside)

    def _inquire(self, ledger: Ledger) -> None:
        if ledger.was_changed_by_others():
            self._scan_thread.hints.note(*ledger.photos.unexamined())
        due = ledger.jobs.next_due()
        if due is not None and due <= time.time():
            ledger.jobs.ready_due()
        self._inquiry_at = self._clock() + _INQUIRY_SECONDS
        self._scan_thread.bell.set()

    def _work(self, resolved: ResolvedConfig, ledger: Ledger, root: Root) -> bool:
        """Make a pass if there is anything to do; tells whether there was."""
        try:
            if not self._has_work(ledger):
                return False
            if "work" in self._pauses:
                self._require_disk(ledger)
            self._make_pictures(resolved, ledger, root)
        except CannotRunError as error:
            # A worker that died before it could begin has only the plain error; it may have lacked memory just now.
            if error.final and type(error) is not CannotRunError:
                raise
            self._dismiss()
            self._wait_for_better_times(error, root)
        else:
            self._pauses.end("work")
            self._work_at = self._inquiry_at = 0.0  # for more than one pass's share, and failed ones that wait
        self._idle_since = self._clock()
        return True

    def _make_pictures(self, resolved: ResolvedConfig, ledger: Ledger, root: Root) -> None:
        if self._executor is None:
            self._executor = self._make_executor(self._config)
        self._pass = SinglePass(
            self._config,
            resolved,
            ledger,
            self._executor,
            self._emit,
            config_name=self._config_name,
            root=root,
            output=self._output,
            on_turn=self._health.main_is_alive,
            oversized=self._oversized,
        )
        try:
            if self._stopped or self._scan_thread.death:  # it came before there was a pass that could hear of it
                self._pass.stop()
            ingested = IngestResult(ledger.queries.photo_count(), tuple(self._set_aside), {}, 0)
            with self._schedule_gate.stop_at_window_end(partial(self._end_shift, self._pass)):
                self._pass.run(PassOptions(limit=PICTURES_PER_PASS), ingested)
        finally:
            self._pass = None
            if self._executor_is_spent:
                self._dismiss()

    def _end_shift(self, the_pass: SinglePass, why: str) -> None:
        self._executor_is_spent = True  # one that was stopped does not begin anew
        the_pass.stop(why)

    def _wait_for_better_times(self, error: CannotRunError, root: Root) -> None:
        if isinstance(error, PaintingChangedError) and self._is_news_of_paintings():
            seconds = _TAKE_OVER_SECONDS
        else:
            # A lost folder is the other thread's to tell of, and to notice when it is back.
            seconds = self._pauses.report("work", str(error)) if root.is_there() else _NAP_SECONDS
        self._work_at = self._clock() + seconds
        self._scan_thread.bell.set()

    def _is_news_of_paintings(self) -> bool:
        """Have the paintings looked at; tells whether that may mend it, so that it is no reason to pause yet."""
        if self._reloading is None:
            return False
        self._reloading.check_paintings()
        before, self._doubts_paintings = self._doubts_paintings, True
        return not before

    def _require_disk(self, ledger: Ledger) -> None:
        """Raise StorageError while a pass would only fail again: it would tell so each time."""
        output = self._config.output
        ledger.require_in_place()
        if self._output is not None:
            self._output.require()
        with files_explained():
            require_space(output.folder, output.min_free_disk)
        require_writable(output.folder)

    def _rest(self) -> None:
        if self._executor is not None and self._clock() - self._idle_since > _WORKER_IDLE_SECONDS:
            self._dismiss()

    def _dismiss(self) -> None:
        executor, self._executor, self._executor_is_spent = self._executor, None, False
        if executor is not None:
            executor.close()

    # --- events -------------------------------------------------------------------------------------------

    def _emit(self, event: RunEvent) -> None:
        """Pass an event of the running pass on, after what the other thread had to say meanwhile."""
        if isinstance(event, RunStarted):
            self._set_aside.clear()  # the pass tells of them next
        else:
            self._pass_on()
        if isinstance(event, JobFailed) and event.state is JobState.PENDING:
            # It changed under our hands, perhaps: taken in again at once, not with the next full look.
            self._scan_thread.hints.note(event.job.photo)
        if isinstance(event, JobFinished):
            self._pauses.end("work")
            self._doubts_paintings = False
        self._tell_readers(event)
        if self._stopped:
            self._health.stopping()
        self._health.main_is_alive()
        self._look_for_successor()

    def _say(self, text: str) -> None:
        self._tell_readers(Remark("", text))

    def _pulse(self) -> None:
        self._pass_on()
        self._health.main_is_alive()

    def _is_a_pass_to_come(self) -> bool:
        return self._pass is None and self._schedule_gate.may_work() and "work" not in self._pauses

    def _pass_on(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                event = self._outbox.get_nowait()
                if isinstance(event, PhotoSetAside) and event.kind != "incomplete" and self._is_a_pass_to_come():
                    self._set_aside.append(event)  # told by that pass, whose report has it then
                else:
                    self._tell_readers(event)
