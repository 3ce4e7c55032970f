"""Starts, messages and ends one worker process, on the parent's side. Owns the parent's end of the pipe.

Does not decide what is sent to the worker or what follows from its exit.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Final

from pipeline.errors import CannotRunError
from pipeline.executors import child
from pipeline.executors.protocol import Assign, End, FromWorker, Resume, Stop
from pipeline.model import Assignment, EngineSettings, exit_in_words

POLL_SECONDS: Final = 0.1
_END_SECONDS: Final = 10.0


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Start a child with the signals that end a program blocked, until it ignores them itself.

    This process gets what was sent meanwhile right afterwards. Windows has no signal mask and takes the risk.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting the tracker unblocks both signals (Python 3.11), so it must not start together with the first child.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pipe(context: SpawnContext) -> tuple[Connection, Connection]:
    try:
        return context.Pipe()
    except OSError as error:
        raise _start_error(error) from error


def _start_error(error: OSError) -> CannotRunError:
    return CannotRunError(
        f"no worker process can be started ({error.strerror}); close other programs, or raise this one's limits"
    )


class WorkerDiedError(Exception):
    """The pipe to the child is broken."""


class WorkerProcess:
    """One worker process and the parent's end of its pipe.

    ``ready``: its engine is loaded; ``has_begun``: it has begun a job. Raises CannotRunError if none can be started.
    """

    def __init__(self, settings: EngineSettings, factory: child.EngineFactory, options: child.WorkerOptions) -> None:
        self.ready = False
        self.has_begun = False
        self.is_stopping = False
        # spawn, never fork: a forked child of a threaded parent, or one that inherits a CUDA context, hangs.
        context = multiprocessing.get_context("spawn")
        self._connection, child_end = _pipe(context)
        self._process: SpawnProcess = context.Process(
            target=child.main,
            args=(child_end, settings, factory, options),
            name="stylewatch-worker",
            daemon=True,
        )
        try:
            with _signals_blocked():
                self._process.start()
        except OSError as error:
            self._connection.close()
            child_end.close()
            raise _start_error(error) from error
        # Runs before multiprocessing's own exit handler, which waits forever for a child that ignores SIGTERM.
        atexit.register(self._process.kill)
        child_end.close()

    def receive(self, seconds: float = POLL_SECONDS) -> FromWorker | None:
        """Return the next message, or None after ``seconds``. Raises WorkerDiedError."""
        try:
            if not self._connection.poll(seconds):
                return None
            message: FromWorker = self._connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerDiedError from error
        return message

    def resume(self) -> None:
        """Tell the child that there may be work again."""
        with contextlib.suppress(OSError):  # a dead child is noticed by receive()
            self._connection.send(Resume())

    def stop(self, grace_seconds: float) -> None:
        """Tell the child to finish the pictures in progress within ``grace_seconds`` or to put them back."""
        self.is_stopping = True
        with contextlib.suppress(OSError):
            self._connection.send(Stop(grace_seconds))

    def assign(self, assignments: tuple[Assignment, ...]) -> None:
        """Answer a Pull. Raises WorkerDiedError."""
        try:
            self._connection.send(Assign(assignments))
        except OSError as error:
            raise WorkerDiedError from error

    def end(self, *, kill: bool) -> None:
        """End the process, by a message unless ``kill``, and reap it."""
        if not kill:
            with contextlib.suppress(OSError):
                self._connection.send(End())
            self._process.join(_END_SECONDS)
        self._process.kill()
        self._process.join()
        self._connection.close()
        atexit.unregister(self._process.kill)

    def kill_hung(self, silent_seconds: float) -> str:
        """Kill a child that makes no progress; returns how it ended, for a message."""
        self._process.kill()
        self._process.join()
        return f"made no progress for {silent_seconds:,.0f} s and was killed"

    def exit_reason(self) -> str:
        """Reap a child whose pipe broke and return why it ended."""
        self._process.join(_END_SECONDS)
        self._process.kill()
        self._process.join()
        words = exit_in_words(self._process.exitcode)
        return f"{words}: probably out of memory" if words == "SIGKILL" else words
