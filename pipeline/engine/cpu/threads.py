"""Divides the processor's threads among tasks that run in parallel: pictures, or parts of one.

Several threads on one small picture mostly wait for each other, and all of them wait as long as another program holds
the core of one. Two pictures on one thread each do not wait. So up to as many tasks as there are threads run in
parallel, and fewer tasks share all threads. Likewise :func:`for_each` gives each thread parts of a picture of its
own, so that threads meet once, where torch has them meet after each operator. This must not change a picture:
whatever a task computes has the same bits on any number of threads, which :func:`same_bits` checks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Final, Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

_HELPERS_LOCK: Final = threading.Lock()


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Let torch use ``count`` threads for what the calling thread computes."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def same_bits(work: Callable[[], Tensor]) -> bool:
    """Tell whether ``work`` returns the same bits on one thread and on all."""
    with on_threads(1):
        alone = work()
    return torch.equal(alone, work())


def for_each(work: Callable[[T], None], parts: Sequence[T]) -> None:
    """Call ``work`` with each of the ``parts``, in parallel on the calling thread's threads.

    Each call computes on one thread, without gradients. A single part, as all of them where there is only one
    thread, is computed as the caller would. Raises what ``work`` raised, when no other call is running.
    """
    count = min(torch.get_num_threads(), len(parts))
    if count < 2:
        for part in parts:
            work(part)
        return
    waiting, lock = iter(parts), threading.Lock()

    def work_on_waiting() -> None:
        with on_threads(1), torch.no_grad():
            while True:
                with lock:
                    part = next(waiting, None)
                if part is None:
                    return
                work(part)

    with _HELPERS_LOCK:
        helpers = [_helpers().submit(work_on_waiting) for _ in range(count - 1)]
    try:
        work_on_waiting()
    finally:
        # One that has not begun, since other pictures have all threads, has nothing left to do.
        begun = [helper for helper in helpers if not helper.cancel()]
        wait(begun)
    for helper in begun:
        helper.result()


def end_helpers() -> None:
    """End the threads that :func:`for_each` keeps for the next time; it starts others when it needs them."""
    with _HELPERS_LOCK:
        helpers = _helpers()
        _helpers.cache_clear()
    helpers.shutdown()


@lru_cache(maxsize=1)
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="parts")


class WorkerThreads(Generic[T]):
    """Runs up to ``count`` tasks in parallel, each on its share of the calling thread's threads. A context manager.

    With a ``count`` of 1 every task runs in the calling thread, once its result is asked for. So does a task that
    runs alone, because OpenMP keeps a team of threads for each thread that ever used one, and teams with more threads
    than there are cores sleep at each barrier instead of spinning: an evaluation takes half as long again.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._threads = torch.get_num_threads()
        self._postponed: list[Callable[[], T]] = []
        self._running: set[Future[T]] = set()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="batch-step") if count > 1 else None

    def __enter__(self) -> WorkerThreads[T]:
        """Return the threads."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the tasks that are running; their results are dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    @property
    def busy(self) -> int:
        """Return how many tasks were submitted and have not been returned by :meth:`finished`."""
        return len(self._running) + len(self._postponed)

    @property
    def free(self) -> int:
        """Return how many more tasks can be submitted."""
        return self._count - self.busy

    def submit(self, task: Callable[[], T], *, waiting: int) -> None:
        """Run a task; ``waiting`` others could run as well if there were threads for them."""
        if self._pool is None or not (self.busy or waiting):
            self._postponed.append(task)
            return
        parallel = min(self._count, self.busy + 1 + waiting)
        threads = max(1, self._threads // parallel)

        def on_its_share() -> T:
            with on_threads(threads):
                return task()

        self._running.add(self._pool.submit(on_its_share))

    def finished(self) -> list[T]:
        """Return the results of finished tasks, waiting for at least one. Raises what the task raised."""
        if self._postponed:
            return [self._postponed.pop(0)()]
        done, self._running = wait(self._running, return_when=FIRST_COMPLETED)
        return [future.result() for future in done]
