"""The main function of the worker process. Owns its end with the parent: it never outlives the parent."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from filelock import FileLock

from pipeline.engine.cpu.allocator import keep_memory
from pipeline.engine.memory.limit import possible_limit
from pipeline.errors import CannotRunError, StylewatchError
from pipeline.executors.message_receiver import MessageReceiver
from pipeline.executors.protocol import Assign, End, FromWorker, Idle, Pull, Ready, WorkerFailed
from pipeline.model import Assignment, CheckpointRules, EngineSettings

if TYPE_CHECKING:
    from pipeline.engine.scheduler.stylizer import Stylizer
    from pipeline.engine.speed import Speed
    from pipeline.engine.transfer.paintings import LoadPainting

#: Builds an engine in the worker's process; picklable, that is, a function of a module.
EngineFactory = Callable[[EngineSettings], Any]


# By default torch's threads spin for a long time while they wait for each other: as soon as another program uses a
# core, an evaluation takes two to three times as long. With no spinning at all it takes half as long again on an idle
# machine. GNU's OpenMP reads this when torch is loaded.
_SHORT_SPINS: Final = ("GOMP_SPINCOUNT", "1000")


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker works, beside its engine. ``photos_ahead`` photos are decoded before the engine asks for them.

    ``lock_file`` is held as long as the process lives: recovery after a killed parent waits for it, so that no orphan
    still writes while temporary files are removed.
    """

    lock_file: Path | None = None
    photos_ahead: int = 2
    checkpoint_rules: CheckpointRules = CheckpointRules()


Answer = TypeVar("Answer")

#: Answers a question about an engine, ``seconds`` after its process was asked for; picklable as well.
Question = Callable[[EngineSettings, float], Answer]


def make_stylizer(settings: EngineSettings, load_painting: LoadPainting | None = None) -> Stylizer:
    """Build the real engine in a process that is there to compute. Raises StylewatchError."""
    prepare_for_torch()
    stylizer = import_stylizer()
    with _import_errors_explained():
        from pipeline.images.decode import load_painting as load_file

    return stylizer(settings, load_painting or load_file)


def import_stylizer() -> type[Stylizer]:
    """Load torch and return the real engine's class. Raises CannotRunError."""
    # Here and not above, so that only processes that compute load torch.
    with _import_errors_explained(), _no_garbage_collected():
        from pipeline.engine.scheduler.stylizer import Stylizer

    return Stylizer


def measure_stylizer(settings: EngineSettings, seconds: float) -> Speed:
    """Measure the real engine in a process that took ``seconds`` to get here. Raises StylewatchError."""
    began = time.monotonic()
    prepare_for_torch()
    with _import_errors_explained():
        from pipeline.engine import measurement

    startup_seconds = seconds + time.monotonic() - began
    settings = dataclasses.replace(settings, cache_folder=None)  # targets of noise are of no use later
    return measurement.measure_speed(lambda: make_stylizer(settings, measurement.noise), startup_seconds)


def find_device(settings: EngineSettings, _seconds: float) -> str:
    """Return the device that ``settings`` ask for, for people. Raises StylewatchError if it can't be used."""
    prepare_for_torch()
    with _import_errors_explained():
        from pipeline.engine import devices

    return devices.choose_hardware(settings).name


def prepare_for_torch() -> None:
    """Set how torch uses threads and memory; a process that computes calls this before it loads torch."""
    os.environ.setdefault(*_SHORT_SPINS)
    keep_memory()


@contextlib.contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """Import without Python's collector, which finds nothing in modules, and takes a fifth of the time for torch."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def short_spins() -> Iterator[None]:
    """Let torch's threads spin for a short time only, if it is loaded meanwhile; the environment stays as it is."""
    before = os.environ.get(_SHORT_SPINS[0])
    os.environ.setdefault(*_SHORT_SPINS)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SHORT_SPINS[0]]


@contextlib.contextmanager
def _import_errors_explained() -> Iterator[None]:
    """Turn a failed import of torch into a sentence. Raises CannotRunError."""
    try:
        yield
    except (ImportError, OSError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise CannotRunError(
            f"PyTorch can't be loaded ({reason}): free some memory, wait if it is being updated, or install it again"
        ) from error


def answer(connection: Connection, settings: EngineSettings, question: Question[Any], asked_at: float) -> None:
    """Send the answer to a question about the engine, or the StylewatchError that says why there is none.

    ``asked_at``: when the process was started, in seconds since the epoch.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    try:
        connection.send(question(settings, max(0.0, time.time() - asked_at)))
    except StylewatchError as error:
        connection.send(error)


def main(
    connection: Connection,
    settings: EngineSettings,
    factory: EngineFactory,
    options: WorkerOptions,
) -> None:
    """Run the worker's side of :mod:`pipeline.executors.protocol` until End or until the parent has died."""
    # Ctrl-C and SIGHUP reach the terminal's whole process group, a service's SIGTERM all of its processes; the parent
    # alone decides what happens then.
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    with contextlib.ExitStack() as stack:
        if options.lock_file is not None:
            stack.enter_context(FileLock(options.lock_file, fallback_to_soft=False))
        # The pipe's other end is closed: the parent has died, so this process ends.
        stack.enter_context(contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError))
        try:
            _serve(connection, factory(settings), options, settings.memory_bytes)
        except StylewatchError as error:
            connection.send(WorkerFailed(error))


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _serve(connection: Connection, engine: Stylizer, options: WorkerOptions, memory_bytes: int | None) -> None:
    from pipeline.worker import StopDeadline, Worker

    send_lock, stop_deadline = threading.Lock(), StopDeadline()
    receiver = MessageReceiver(connection, stop_deadline.set)

    def emit(message: FromWorker) -> None:
        with send_lock:  # the engine's, the reader's and the writer's threads all send
            connection.send(message)

    emit(Ready(engine.capacity))
    on_cpu = engine.device_name.startswith("cpu")  # a GPU has memory of its own
    worker = Worker(
        engine,
        emit,
        photos_ahead=options.photos_ahead,
        checkpoint_rules=options.checkpoint_rules,
        stop_deadline=stop_deadline,
        memory_limit_bytes=possible_limit(memory_bytes) if on_cpu else math.inf,
    )

    def pull(count: int) -> Sequence[Assignment]:
        emit(Pull(count))
        answer = receiver.next()
        return answer.assignments if isinstance(answer, Assign) else ()

    while not isinstance(receiver.next(), End):
        worker.work(pull)
        emit(Idle())
