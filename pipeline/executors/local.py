"""The worker in a child process of this machine. Owns its life and death; refuses to decide what there is to do.

The child starts with the first job. Its death (segfault, the kernel's out-of-memory killer) costs the program
nothing but that child: the next child works on half as many at once. One that hangs is ended, and counts as dead.

A stop gives the child time: to finish what is in work, then to keep what is made of it. One that does not come to its
end is killed, which loses no more than what was made since it was kept last.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import multiprocessing
import signal
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final

from pipeline.errors import CannotRunError
from pipeline.executors import JobSource, child
from pipeline.executors.patience import Patience
from pipeline.executors.protocol import Assign, End, FromWorker, Idle, Pull, Ready, Resume, Stop, Unfit
from pipeline.model import (
    Artwork,
    Assignment,
    CheckpointRules,
    EngineSettings,
    ExecutorEvent,
    Failure,
    FailureKind,
    Started,
)

_POLL_SECONDS: Final = 0.1
_END_SECONDS: Final = 10.0
#: Loading the engine, and measuring the machine once, may take minutes in which nothing is said.
_START_SECONDS: Final = 900.0
#: After the grace, a child has one evaluation to end and files to write; each of them may take so long.
_SUSPEND_SECONDS: Final = 60.0


class LocalExecutor:
    """Runs assignments in one child process, kept alive between runs until :meth:`close`."""

    def __init__(
        self,
        settings: EngineSettings,
        *,
        lock_file: Path | None = None,
        factory: child.EngineFactory = child.make_stylizer,
        ahead: int = 2,
        hang_seconds: float = 0.0,
        grace_seconds: float | None = None,
        rules: CheckpointRules = CheckpointRules(),
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """``ahead`` photos are decoded before the engine asks for them. ``lock_file``: see :func:`child.main`.

        A child without progress for ``hang_seconds`` (0 = any time) is ended, see :class:`Patience`. After a stop it
        has ``grace_seconds`` to finish what is in work before that is kept, by ``rules``, and put back; None: a stop
        ends it at once. ``on_turn`` is called several times a second while it is listened to.
        """
        self._settings = settings
        self._lock_file = lock_file
        self._factory = factory
        self._ahead = ahead
        self._hang_seconds = hang_seconds
        self._on_turn = on_turn
        self._grace_seconds = grace_seconds
        self._rules = rules
        self._worker: _Child | None = None
        self._capacity = 0
        self._ever_ready = False
        self._draining = False
        self._stopping = False

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        """Work until ``source`` gives nothing more; restart the child when it dies.

        Raises CannotRunError (DeviceError, WeightsError, PaintingError, ...) when no worker can work.
        """
        pending: dict[str, bool] = {}  # token -> has the worker begun with it?
        try:
            finished = False
            while not (finished or self._stopping):
                worker = self._employ()
                finished = yield from self._follow(worker, source, pending)
        except BaseException as error:
            # Trouble with the ledger or a disk, and a caller that leaves for it; whoever interrupts does not wait.
            if pending and isinstance(error, Exception | GeneratorExit):
                self._let_keep()
            self._dismiss(kill=True)
            raise
        if self._stopping:
            self._dismiss(kill=True)
        yield from _give_back(pending, "put back: the run was stopped")

    def drain(self) -> None:
        """Take nothing new; finish what is begun."""
        self._draining = True

    def stop(self) -> None:
        """Take nothing new; give back what is not finished in the time of grace."""
        self._stopping = True

    def close(self) -> None:
        """End the child process; the executor can't be used again."""
        self._dismiss(kill=self._stopping)

    def _employ(self) -> _Child:
        if self._worker is None:
            self._worker = _Child(self._settings, self._factory, self._lock_file, self._ahead, self._rules)
        return self._worker

    def _let_keep(self) -> None:
        """Give the child, to whom nobody listens any more, the time to keep what is in work."""
        worker = self._worker
        if worker is None or not worker.ready or self._grace_seconds is None:
            return
        give_up_at = time.monotonic() + min(_SUSPEND_SECONDS, self._hang_seconds or _SUSPEND_SECONDS)
        worker.stop(0.0)
        with contextlib.suppress(_WorkerDiedError):
            worker.assign(())  # it may still wait for an answer
            while time.monotonic() < give_up_at and not isinstance(message := worker.listen(), Idle):
                if isinstance(message, Pull):
                    worker.assign(())

    def _dismiss(self, *, kill: bool) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end(kill=kill)

    def _follow(
        self, worker: _Child, source: JobSource, pending: dict[str, bool]
    ) -> Generator[ExecutorEvent, None, bool]:
        """Talk with one child until it is idle (True) or dead (False); ``yield from`` returns which."""
        worker.resume()
        patience = self._patience(worker)
        while not self._is_to_leave(worker, pending, patience):
            self._on_turn()
            try:
                message = worker.listen()
                if message is None:
                    if patience.wait(_POLL_SECONDS):
                        if self._stopping:
                            break
                        yield from self._mourn(worker, pending, worker.end_hung(patience.silent_seconds))
                        return False
                    continue
                patience.hear()
                if isinstance(message, Idle):
                    return True
                yield from self._hear(worker, message, source, pending)
                if isinstance(message, Ready):
                    patience = self._patience(worker)
            except _WorkerDiedError:
                # Noticed when it was to be given work, it may have said what nobody has read yet.
                yield from self._last_words(worker, pending)
                yield from self._mourn(worker, pending, f"died ({worker.cause_of_death()})")
                return False
        yield from self._last_words(worker, pending)
        return True

    def _is_to_leave(self, worker: _Child, pending: Mapping[str, bool], patience: Patience) -> bool:
        """Tell whether a stop leaves nothing to wait for; lets the child know of it once."""
        if not self._stopping:
            return False
        if self._grace_seconds is None or not pending:
            return True
        if not worker.is_stopping:
            worker.stop(self._grace_seconds)
            patience.tighten(self._grace_seconds + min(_SUSPEND_SECONDS, self._hang_seconds or _SUSPEND_SECONDS))
        return False

    def _patience(self, worker: _Child) -> Patience:
        if worker.ready or not self._hang_seconds:
            return Patience(self._hang_seconds)
        return Patience(max(self._hang_seconds, _START_SECONDS))

    def _hear(
        self, worker: _Child, message: FromWorker, source: JobSource, pending: dict[str, bool]
    ) -> Iterator[ExecutorEvent]:
        match message:
            case Ready():
                self._capacity = message.capacity
                self._ever_ready = worker.ready = True
            case Pull():
                assignments = () if self._draining or self._stopping else tuple(source(message.count))
                pending.update({assignment.token: False for assignment in assignments})
                worker.assign(assignments)
            case Unfit():
                raise message.error
            case Idle():
                return
            case _:
                yield from _note(message, pending)

    def _last_words(self, worker: _Child, pending: dict[str, bool]) -> Iterator[ExecutorEvent]:
        """Take what the child began and finished before the stop, or its death, and nobody has read yet."""
        with contextlib.suppress(_WorkerDiedError):
            while (message := worker.listen(0.0)) is not None:
                if isinstance(message, Started | Artwork | Failure):
                    yield from _note(message, pending)

    def _mourn(self, worker: _Child, pending: dict[str, bool], fate: str) -> Iterator[Failure]:
        worker.end(kill=True)
        self._worker = None
        reason = f"the worker process {fate}"
        if not (self._ever_ready or self._stopping):
            raise CannotRunError(f"{reason} before it could begin; 'stylewatch check' may tell why")
        suspects = [token for token, has_begun in pending.items() if has_begun]
        if len(suspects) == 1:
            del pending[suspects[0]]
            yield Failure(suspects[0], FailureKind.CRASH, reason)
        yield from _give_back(pending, f"put back: {reason}")
        # Half the memory for the next one, and no photo in it but those being painted: as long as several photos
        # were in work none is blamed, so that a deadly one, once alone, is found without taking others with it.
        self._settings = dataclasses.replace(self._settings, batch_size=max(1, self._capacity // 2))
        self._ahead = 0


def _note(event: ExecutorEvent, pending: dict[str, bool]) -> Iterator[ExecutorEvent]:
    if isinstance(event, Started):
        pending[event.token] = True
    elif isinstance(event, Artwork | Failure):
        pending.pop(event.token, None)
    yield event


def _give_back(pending: dict[str, bool], reason: str) -> Iterator[Failure]:
    for token in list(pending):
        del pending[token]
        yield Failure(token, FailureKind.RETURNED, reason)


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Let a child be born deaf to the signals that end a program, before it can say itself that it ignores them.

    This process hears what came meanwhile right afterwards. Windows has no such mask, and takes the chance.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting it lets both signals through again, in Python 3.11: it must not happen along with the first child.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _WorkerDiedError(Exception):
    """The pipe to the child is broken."""


class _Child:
    """One worker process and the parent's end of its pipe."""

    def __init__(
        self,
        settings: EngineSettings,
        factory: child.EngineFactory,
        lock_file: Path | None,
        ahead: int,
        rules: CheckpointRules,
    ) -> None:
        self.ready = False
        self.is_stopping = False
        # spawn, never fork: a forked child of a threaded parent, or one that inherits a CUDA context, hangs.
        context = multiprocessing.get_context("spawn")
        self._connection: Connection
        self._connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=child.main,
            args=(theirs, settings, factory, lock_file, ahead, rules),
            name="stylewatch-worker",
            daemon=True,
        )
        with _signals_held_back():
            self._process.start()
        # Before multiprocessing's own exit, which waits for ever for a child that SIGTERM does not end.
        atexit.register(self._process.kill)
        theirs.close()

    def listen(self, seconds: float = _POLL_SECONDS) -> FromWorker | None:
        """Return the next message, or None after ``seconds``. Raises _WorkerDiedError."""
        try:
            if not self._connection.poll(seconds):
                return None
            message: FromWorker = self._connection.recv()
        except (EOFError, OSError) as error:
            raise _WorkerDiedError from error
        return message

    def resume(self) -> None:
        with contextlib.suppress(OSError):  # a dead child is noticed when it is listened to
            self._connection.send(Resume())

    def stop(self, grace_seconds: float) -> None:
        self.is_stopping = True
        with contextlib.suppress(OSError):
            self._connection.send(Stop(grace_seconds))

    def assign(self, assignments: tuple[Assignment, ...]) -> None:
        try:
            self._connection.send(Assign(assignments))
        except OSError as error:
            raise _WorkerDiedError from error

    def end(self, *, kill: bool) -> None:
        """End the process, politely unless ``kill``, and reap it."""
        if not kill:
            with contextlib.suppress(OSError):
                self._connection.send(End())
            self._process.join(_END_SECONDS)
        self._process.kill()
        self._process.join()
        self._connection.close()
        atexit.unregister(self._process.kill)

    def end_hung(self, silent_seconds: float) -> str:
        """End a child that does not get on, and tell so."""
        self._process.kill()
        self._process.join()
        return f"made no progress for {silent_seconds:,.0f} s and was ended"

    def cause_of_death(self) -> str:
        """Reap a child whose pipe broke and tell why it ended."""
        self._process.join(_END_SECONDS)
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"exit code {code}"
        name = signal.Signals(-code).name
        return f"{name}: probably out of memory" if name == "SIGKILL" else name
