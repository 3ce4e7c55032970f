"""How many threads compute what. Owns lanes: pictures worked on side by side; refuses to know what a picture is.

A convolution of a small picture leaves most of several threads waiting for each other, and one of them waits for as
long as another program holds its core. Two pictures on a thread each do not wait. So as many units of work as there
are threads run side by side, and fewer of them share all threads. This must not show in a picture: whatever is
computed in a lane comes out in the same bits for any number of threads, which is what :func:`same_bits` looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import TracebackType
from typing import Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Let the calling thread compute with ``count`` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def same_bits(work: Callable[[], Tensor]) -> bool:
    """Tell whether ``work`` comes out the same on one thread and on all."""
    with on_threads(1):
        alone = work()
    return torch.equal(alone, work())


class Lanes(Generic[T]):
    """Does up to ``count`` units of work side by side, each on its share of this thread's threads. A context manager.

    With a single lane everything is done in the calling thread, when it is waited for; and so is what has no company,
    because OpenMP keeps a team for each thread that ever asked for one, and teams of more threads than there are
    cores never spin: they sleep at each barrier, and an evaluation takes half as long again.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._threads = torch.get_num_threads()
        self._waiting: list[Callable[[], T]] = []
        self._at_work: set[Future[T]] = set()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="lane") if count > 1 else None

    def __enter__(self) -> Lanes[T]:
        """Return the lanes."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is at work; its results are dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    @property
    def busy(self) -> int:
        """Return how many units are at work."""
        return len(self._at_work) + len(self._waiting)

    @property
    def free(self) -> int:
        """Return how many more units can begin."""
        return self._count - self.busy

    def begin(self, work: Callable[[], T], *, waiting: int) -> None:
        """Begin a unit of work; ``waiting`` others could begin, if there were lanes for them."""
        if self._pool is None or not (self.busy or waiting):
            self._waiting.append(work)
            return
        side_by_side = min(self._count, self.busy + 1 + waiting)
        threads = max(1, self._threads // side_by_side)

        def on_its_share() -> T:
            with on_threads(threads):
                return work()

        self._at_work.add(self._pool.submit(on_its_share))

    def finished(self) -> list[T]:
        """Return the results of what is finished, waiting for one at least. Raises what the work raised."""
        if self._waiting:
            return [self._waiting.pop(0)()]
        done, self._at_work = wait(self._at_work, return_when=FIRST_COMPLETED)
        return [future.result() for future in done]
