"""Failpoints: named places where a test can kill the process. Does nothing unless a test asks for it.

Crash safety is a claim about the moments between two steps. Each such moment has a name here, and
``STYLEWATCH_FAILPOINT=NAME`` makes the process kill itself there with SIGKILL, like a power cut. ``NAME:N`` does so
when the place is passed for the N-th time. Tests that simulate thousands of kills use a listener instead, which
raises an exception.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

VARIABLE: Final = "STYLEWATCH_FAILPOINT"

NAMES: Final = (
    "photos-recorded",
    "jobs-recorded",
    "job-leased",
    "worker-decoded",
    "worker-checkpoint-written",
    "worker-checkpoint-kept",
    "worker-half-written",
    "worker-written",
    "artwork-recorded",
    "picture-linked",
    "picture-published",
    "job-done",
    "move-noted",
    "original-reserved",
    "original-copied",
    "original-leaving",
    "original-moved",
    "withdrawn-recorded",
    "withdrawn-deleted",
    "rejection-noted",
    "rejected-set-aside",
    "rejected-deleted",
)

_passages: dict[str, int] = {}
_listeners: list[Callable[[str], None]] = []


@contextmanager
def failpoint_listener(listener: Callable[[str], None]) -> Iterator[None]:
    """Call ``listener`` with the name of every failpoint that is passed, in any thread; it may raise."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def failpoint(name: str) -> None:
    """Kill the process here if a test asked for it; otherwise return at once."""
    for listener in _listeners:
        listener(name)
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    target, _, count = wanted.partition(":")
    if target != name:
        return
    _passages[name] = _passages.get(name, 0) + 1
    if _passages[name] >= int(count or "1"):
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
