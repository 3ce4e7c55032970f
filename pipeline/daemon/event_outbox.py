"""Passes the events of both threads to the readers, which belong to the main thread. Owns their order."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable

from pipeline.model import PhotoSetAside, PhotosSkipped, Remark, RunEvent, WatchNotice


class EventOutbox:
    """Queues events of any thread until the main thread delivers them."""

    def __init__(
        self,
        emit: Callable[[RunEvent], None],
        is_pass_expected: Callable[[], bool],
        count: Callable[[PhotoSetAside], bool] = lambda _: False,
    ) -> None:
        """``emit`` passes an event to all readers.

        While ``is_pass_expected()``, photos that were set aside are held back: the pass emits them after its
        RunStarted, and counts them. The others are passed on at once, and ``count`` is called for each. It returns
        whether there is a pass that counts it; else the photo belongs to the next one.
        """
        self._emit = emit
        self._is_pass_expected = is_pass_expected
        self._count = count
        self._queue: queue.SimpleQueue[PhotoSetAside | PhotosSkipped | Remark | WatchNotice] = queue.SimpleQueue()
        self._held: list[PhotoSetAside] = []
        self._emitted_before_pass: list[PhotoSetAside] = []

    def put(self, event: PhotoSetAside | PhotosSkipped | Remark | WatchNotice) -> None:
        """Queue an event. Safe to call from any thread."""
        self._queue.put(event)

    def emit(self, event: RunEvent) -> None:
        """Pass an event to the readers at once. Only for the main thread, as are the methods below."""
        self._emit(event)

    def deliver(self) -> None:
        """Pass the queued events to the readers."""
        with contextlib.suppress(queue.Empty):
            while True:
                event = self._queue.get_nowait()
                if isinstance(event, PhotoSetAside) and event.kind != "incomplete" and self._is_pass_expected():
                    self._held.append(event)
                else:
                    self._emit(event)
                    if isinstance(event, PhotoSetAside) and not self._count(event):
                        self._emitted_before_pass.append(event)

    def held(self) -> tuple[PhotoSetAside, ...]:
        """Return the photos that are held back for the next pass."""
        return tuple(self._held)

    def emitted_before_pass(self) -> tuple[PhotoSetAside, ...]:
        """Return the photos that were emitted since the last pass, and that the next one counts."""
        return tuple(self._emitted_before_pass)

    def discard_held(self) -> None:
        """Forget these photos and those held back: a pass has started that counts both, and emits the latter."""
        self._held.clear()
        self._emitted_before_pass.clear()

    def release_held(self) -> None:
        """Pass the photos held back to the readers, since there will be no pass."""
        for photo in self._held:
            self._emit(photo)
        self._held.clear()
