"""Writes the gallery in a thread of its own, so that no disk and no large folder delays a picture. Owns its errors.

That a gallery can't be written is said once in the log; the work goes on, and it is tried again now and then.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline.errors import StylewatchError, files_explained
from pipeline.model import GallerySettings, RunEvent, RunFinished
from pipeline.runner.gallery.updates import WRITE_SECONDS, GalleryUpdates

_LOG = logging.getLogger("stylewatch")

_RETRY_SECONDS: Final = 30.0
#: A share that does not answer keeps no program from ending.
_FINISH_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.2

#: An event, the report of the run that it ends, and what the program is doing.
_News = tuple[RunEvent, Path | None, str]

MakeUpdates = Callable[[GallerySettings], GalleryUpdates]


class GalleryThread:
    """A reader of the stream of events that keeps a gallery up to date, if its settings want one.

    Its methods are called by the thread that emits the events.
    """

    def __init__(
        self,
        settings: GallerySettings,
        make_updates: MakeUpdates,
        report: Callable[[], Path | None] = lambda: None,
        doing: Callable[[], str] = lambda: "",
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``report`` returns the report of the run that has just ended, ``doing`` what the program does, in words.

        ``clock``: monotonic seconds.
        """
        self._settings = settings
        self._make_updates = make_updates
        self._report = report
        self._doing = doing
        self._clock = clock
        self._thread: _Worker | None = None

    def __call__(self, event: RunEvent) -> None:
        """Take one event; the first one starts the thread."""
        if not self._settings.enabled:
            return
        if self._thread is None:
            self._thread = _Worker(self._make_updates(self._settings), self._clock)
            self._thread.start()
        # Asked here, as what answers belongs to this thread.
        report = self._report() if isinstance(event, RunFinished) else None
        self._thread.entries.put((event, report, self._doing()))

    def use(self, settings: GallerySettings) -> None:
        """Go on by other settings of the same folders, as after a config was read again."""
        if settings == self._settings:
            return
        self._settings = settings
        if not settings.enabled:
            self.close()
        elif self._thread is not None:
            self._thread.entries.put(settings)

    def close(self, on_poll: Callable[[], None] = lambda: None) -> None:
        """Write what is left, and wait until that is done; ``on_poll`` is called meanwhile."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        thread.entries.put(None)
        until = self._clock() + _FINISH_SECONDS
        while thread.is_alive() and self._clock() < until:
            on_poll()
            thread.join(_POLL_SECONDS)
        if thread.is_alive():
            _LOG.warning("the gallery's folder does not answer; 'stylewatch gallery' brings it up to date")


class _Worker(threading.Thread):
    """Takes events and settings from a queue, whose end is None, and steps."""

    def __init__(self, updates: GalleryUpdates, clock: Callable[[], float]) -> None:
        super().__init__(name="gallery", daemon=True)
        self.entries: queue.SimpleQueue[_News | GallerySettings | None] = queue.SimpleQueue()
        self._updates = updates
        self._clock = clock
        self._stepped_at = self._next_step_at = clock()
        self._error = ""

    def run(self) -> None:
        while self._take():
            if self._clock() >= self._next_step_at:
                self._step()
        self._try(self._updates.finish)

    def _take(self) -> bool:
        """Take an entry, or wait for the next step if there is none; False at the end of the queue."""
        try:
            entry = self.entries.get(timeout=max(0.0, self._next_step_at - self._clock()))
        except queue.Empty:
            return True
        if entry is None:
            return False
        if isinstance(entry, GallerySettings):
            self._try(lambda: self._updates.use(entry))
        else:
            self._try(lambda: self._updates.note(*entry))
        soonest = self._stepped_at + (_RETRY_SECONDS if self._error else WRITE_SECONDS)
        is_end = isinstance(entry, tuple) and isinstance(entry[0], RunFinished) and not self._error
        self._next_step_at = min(self._next_step_at, self._clock() if is_end else soonest)
        return True

    def _step(self) -> None:
        had_error, wait = bool(self._error), self._try(self._updates.step)
        if wait is not None and had_error:
            _LOG.info("the gallery is written again")
            self._error = ""
        self._stepped_at = self._clock()
        self._next_step_at = self._stepped_at + (_RETRY_SECONDS if wait is None else wait)

    def _try(self, action: Callable[[], float | None]) -> float | None:
        """Do something and return its result; None if it can't be done, which is said once."""
        try:
            with files_explained():
                return action()
        except (OSError, StylewatchError) as error:
            self._report(str(error))
        except Exception as error:  # a page is not worth a picture, whatever is wrong with it
            self._report(f"{type(error).__name__}: {error}")
        return None

    def _report(self, error: str) -> None:
        if not self._error:
            _LOG.warning("the gallery can't be written, pictures are made all the same: %s", error)
        self._error = error
