"""Ends work at a time of day. Owns the thread that polls the clock; does not know what the work is or why it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_POLL_SECONDS: Final = 0.5


@contextmanager
def deadline(is_over: Callable[[], bool], stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` once if ``is_over`` comes true within the block; both are called by another thread.

    The clock is polled: clocks are set and machines sleep, so it is unknown how many seconds are left.
    """
    ended = threading.Event()

    def poll() -> None:
        while not is_over():
            if ended.wait(_POLL_SECONDS):
                return
        stop()

    thread = threading.Thread(target=poll, name="deadline", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
