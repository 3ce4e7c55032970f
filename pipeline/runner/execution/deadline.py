"""Ends work at a time of day. Owns the watch over the clock; refuses to know what the work is, and why it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_LOOK_SECONDS: Final = 0.5


@contextmanager
def deadline(is_over: Callable[[], bool], stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` once if ``is_over`` comes true within the block; both are called by another thread.

    The clock is looked at again and again: nobody knows how long it is until a time of day, as clocks are set and
    machines sleep.
    """
    left = threading.Event()

    def look() -> None:
        while not is_over():
            if left.wait(_LOOK_SECONDS):
                return
        stop()

    thread = threading.Thread(target=look, name="deadline", daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()
