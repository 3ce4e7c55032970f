"""Runs the worker in a child process on this machine. Owns its start, restart and end; does not choose jobs.

The child starts with the first job. Its crash (segfault, the kernel's out-of-memory killer) costs nothing but that
child, and is reported: the next child works on half as many pictures at once. A child that hangs is killed and counts
as crashed. After a few in a row that crash before they begin with a photo (see
:mod:`pipeline.executors.restart_policy`), no other one is started.

A stop gives the child time to finish the pictures in progress, then to save their checkpoints. A child that does not
end in time is killed, which loses no more than the work since the last checkpoint.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Final

from pipeline.errors import CannotRunError
from pipeline.executors import child
from pipeline.executors.hang_detector import HangDetector
from pipeline.executors.process import POLL_SECONDS, WorkerDiedError, WorkerProcess
from pipeline.executors.protocol import FromWorker, Idle, Pull, Ready, WorkerFailed
from pipeline.executors.restart_policy import RestartPolicy, crash_message
from pipeline.model import (
    Artwork,
    EngineSettings,
    ExecutorEvent,
    Failure,
    FailureKind,
    JobSource,
    NetworkLoading,
    Remark,
    Started,
)

#: Loading the engine, and measuring the machine once, may take minutes without a message.
_START_SECONDS: Final = 900.0
#: The silence allowed after the grace period, in which a child ends one evaluation, of a large picture one block, and
#: then between two checkpoints: that of 100 megapixels has 10 GB, and disks may be slow.
_SUSPEND_SECONDS: Final = 300.0


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerTimeouts:
    """A worker without progress for ``hang_seconds`` (0 = no limit) is killed, see :class:`HangDetector`.

    After a stop it has ``grace_seconds`` to finish the pictures in progress; then their checkpoints are saved and
    they return to the queue. None: a stop ends the worker at once.
    """

    hang_seconds: float = 0.0
    grace_seconds: float | None = None


class LocalExecutor:
    """Runs assignments in one child process, kept alive between runs until :meth:`close`."""

    def __init__(
        self,
        settings: EngineSettings,
        *,
        factory: child.EngineFactory = child.make_stylizer,
        worker_options: child.WorkerOptions = child.WorkerOptions(),
        timeouts: WorkerTimeouts = WorkerTimeouts(),
        on_poll: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``on_poll`` is called several times a second while the child is waited for, and between calls of ``sleep``.

        ``sleep`` passes the time until a crashed child is replaced.
        """
        self._settings = settings
        self._factory = factory
        self._worker_options = worker_options
        self._timeouts = timeouts
        self._on_poll = on_poll
        self._sleep = sleep
        self._worker: WorkerProcess | None = None
        self._capacity = 0
        self._restarts = RestartPolicy()
        self._stopping = False

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        """Work until ``source`` gives nothing more; restart the child when it dies.

        Raises CannotRunError (DeviceError, WeightsError, PaintingError, ...) when no worker can work.
        """
        pending: dict[str, bool] = {}  # token -> has the worker begun this job?
        try:
            finished = False
            while not (finished or self._stopping):
                if self._worker is None:
                    yield NetworkLoading()
                worker = self._ensure_worker()
                finished = yield from self._serve_worker(worker, source, pending)
        except BaseException as error:
            # After an error of the ledger or a disk checkpoints are saved; after a KeyboardInterrupt the user does
            # not wait.
            if pending and isinstance(error, Exception | GeneratorExit):
                self._save_checkpoints()
            self._end_worker(kill=True)
            raise
        if self._stopping:
            self._end_worker(kill=True)
        yield from _return_pending(pending, "returned to the queue: the run was stopped")

    def stop(self) -> None:
        """Start nothing new; return to the queue what is not finished within the grace period."""
        self._stopping = True

    def close(self) -> None:
        """End the child process; the executor can't be used again."""
        self._end_worker(kill=self._stopping)

    def _ensure_worker(self) -> WorkerProcess:
        if self._worker is None:
            self._worker = WorkerProcess(self._settings, self._factory, self._worker_options)
        return self._worker

    def _save_checkpoints(self) -> None:
        """Give the child time to save checkpoints of the pictures in progress; its events are dropped."""
        worker = self._worker
        if worker is None or not worker.ready or self._timeouts.grace_seconds is None:
            return
        hang_detector = HangDetector(self._suspend_seconds())
        worker.stop(0.0)
        with contextlib.suppress(WorkerDiedError):
            worker.assign(())  # in case it waits for an answer to Pull
            while not isinstance(message := worker.receive(), Idle):
                if message is not None:
                    hang_detector.message_received()
                elif hang_detector.add_silence(POLL_SECONDS):
                    return
                if isinstance(message, Pull):
                    worker.assign(())

    def _suspend_seconds(self) -> float:
        return min(_SUSPEND_SECONDS, self._timeouts.hang_seconds or _SUSPEND_SECONDS)

    def _end_worker(self, *, kill: bool) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end(kill=kill)

    def _serve_worker(
        self, worker: WorkerProcess, source: JobSource, pending: dict[str, bool]
    ) -> Generator[ExecutorEvent, None, bool]:
        """Exchange messages with one child until it is idle (True) or dead (False); ``yield from`` returns which."""
        worker.resume()
        hang_detector = self._hang_detector(worker)
        while not self._forward_stop(worker, pending, hang_detector):
            self._on_poll()
            try:
                message = worker.receive()
                if message is None:
                    if hang_detector.add_silence(POLL_SECONDS):
                        if self._stopping:
                            break
                        yield from self._handle_worker_exit(
                            worker, pending, worker.kill_hung(hang_detector.silent_seconds)
                        )
                        return False
                    continue
                hang_detector.message_received()
                if isinstance(message, Idle):
                    return True
                yield from self._handle_message(worker, message, source, pending)
                if isinstance(message, Ready):
                    hang_detector = self._hang_detector(worker)
            except WorkerDiedError:
                # If the exit is noticed while sending, messages that the child sent before may still be unread.
                yield from self._drain_messages(worker, pending)
                yield from self._handle_worker_exit(worker, pending, f"died ({worker.exit_reason()})")
                return False
        yield from self._drain_messages(worker, pending)
        return True

    def _forward_stop(self, worker: WorkerProcess, pending: Mapping[str, bool], hang_detector: HangDetector) -> bool:
        """Pass a stop on to the child, once. True if there is nothing to wait for, so that the run can end."""
        if not self._stopping:
            return False
        if self._timeouts.grace_seconds is None or not pending:
            return True
        if not worker.is_stopping:
            worker.stop(self._timeouts.grace_seconds)
            hang_detector.restart(self._timeouts.grace_seconds + self._suspend_seconds())
        return False

    def _hang_detector(self, worker: WorkerProcess) -> HangDetector:
        if worker.ready or not self._timeouts.hang_seconds:
            return HangDetector(self._timeouts.hang_seconds)
        return HangDetector(max(self._timeouts.hang_seconds, _START_SECONDS))

    def _handle_message(
        self, worker: WorkerProcess, message: FromWorker, source: JobSource, pending: dict[str, bool]
    ) -> Iterator[ExecutorEvent]:
        match message:
            case Ready():
                self._capacity = message.capacity
                worker.ready = True
            case Pull():
                assignments = () if self._stopping else tuple(source(message.count))
                pending.update({assignment.token: False for assignment in assignments})
                worker.assign(assignments)
            case WorkerFailed():
                raise message.error
            case Idle():
                return
            case _:
                yield from _track_event(worker, message, pending)

    def _drain_messages(self, worker: WorkerProcess, pending: dict[str, bool]) -> Iterator[ExecutorEvent]:
        """Read what the child began and finished before the stop, or before its exit."""
        with contextlib.suppress(WorkerDiedError):
            while (message := worker.receive(0.0)) is not None:
                if isinstance(message, Started | Artwork | Failure):
                    yield from _track_event(worker, message, pending)

    def _handle_worker_exit(
        self, worker: WorkerProcess, pending: dict[str, bool], ending: str
    ) -> Iterator[Failure | Remark]:
        """Report a crash and what follows from it, and wait until the next worker may be started.

        Raises CannotRunError if no other worker is to be started.
        """
        worker.end(kill=True)
        self._worker = None
        reason = f"the worker process {ending}" + ("" if worker.ready else " before it could begin")
        delay_seconds = self._restart_delay_seconds(worker, reason)
        begun = [token for token, has_begun in pending.items() if has_begun]
        # While several photos were in progress it counts for none: the one that kills workers is found later, when it
        # is alone. With one at a time and none read ahead there is no smaller step, so it counts for each.
        counts_as_crash = len(begun) == 1 or self._works_one_at_a_time()
        if worker.ready:
            self._reduce_batch()
        next_batch = 0 if self._stopping else self._settings.batch_size
        yield Remark(
            "",
            crash_message(
                reason,
                len(begun),
                counts_as_crash=counts_as_crash,
                delay_seconds=delay_seconds,
                next_batch=next_batch,
            ),
            warning=True,
        )
        for token in begun if counts_as_crash else ():
            del pending[token]
            yield Failure(token, FailureKind.CRASH, reason)
        yield from _return_pending(pending, f"returned to the queue: {reason}")
        self._wait_for_restart(delay_seconds)

    def _restart_delay_seconds(self, worker: WorkerProcess, reason: str) -> float:
        """Return how long to wait before the next worker is started."""
        if self._stopping or worker.has_begun:
            self._restarts.reset()
            return 0.0
        seconds = self._restarts.next_delay_seconds()
        if seconds is None:
            times = self._restarts.consecutive_crashes
            self._restarts.reset()
            raise CannotRunError(f"{reason}, {times} times in a row; 'stylewatch check' may tell why")
        return seconds

    def _works_one_at_a_time(self) -> bool:
        """Return whether workers already make one picture at a time and read no photo ahead."""
        return self._settings.batch_size == 1 and not self._worker_options.photos_ahead

    def _reduce_batch(self) -> None:
        """Let the next worker make half as many pictures at once and read no photos ahead."""
        self._settings = dataclasses.replace(self._settings, batch_size=max(1, self._capacity // 2))
        self._worker_options = dataclasses.replace(self._worker_options, photos_ahead=0)

    def _wait_for_restart(self, seconds: float) -> None:
        waited_seconds = 0.0
        while waited_seconds < seconds and not self._stopping:
            self._on_poll()
            self._sleep(POLL_SECONDS)
            waited_seconds += POLL_SECONDS


def _track_event(worker: WorkerProcess, event: ExecutorEvent, pending: dict[str, bool]) -> Iterator[ExecutorEvent]:
    if isinstance(event, Started):
        worker.has_begun = True
        pending[event.token] = True
    elif isinstance(event, Artwork | Failure):
        pending.pop(event.token, None)
    yield event


def _return_pending(pending: dict[str, bool], reason: str) -> Iterator[Failure]:
    for token in list(pending):
        del pending[token]
        yield Failure(token, FailureKind.REQUEUED, reason)
