"""Receives file events as hints where to scan. Owns watchdog and its failures; does not decide what changed.

A hint says where something may have changed; only a scan shows what has. Events get lost: the kernel's queue
overflows, its limits leave folders unwatched, watchdog's threads die. All of that ends in the hint "scan everywhere"
or in a sentence from a :class:`Watcher`, after which the caller polls.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

_LOG: Final = logging.getLogger("watchdog")

#: With more paths than this a full scan is as quick. Before an overflow there are far more events.
MAX_PATHS: Final = 2000

_KINDS: Final[list[type[FileSystemEvent]]] = [
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    # inotify reports when a file is closed after writing; otherwise it would report every single write.
    FileClosedEvent if sys.platform.startswith("linux") else FileModifiedEvent,
]


@dataclass(frozen=True, slots=True)
class HintedPaths:
    """Where to scan: relative paths of files and folders, or everywhere."""

    paths: frozenset[str] = frozenset()
    everywhere: bool = False

    def __bool__(self) -> bool:
        """Return whether there is anything to scan."""
        return self.everywhere or bool(self.paths)


class Hints:
    """Collects hints from any thread until they are taken. Too many become one: everywhere."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paths: set[str] = set()
        self._everywhere = False
        self._awake = False

    def note(self, *paths: str) -> None:
        """Add relative paths where something may have changed ("" is the folder itself)."""
        with self._changed:
            self._paths.update(paths)
            if len(self._paths) > MAX_PATHS or "" in self._paths:
                self._everywhere = True
                self._paths.clear()
            self._changed.notify_all()

    def note_everywhere(self) -> None:
        """Add that something may have changed anywhere."""
        self.note("")

    def take(self) -> HintedPaths:
        """Return what was added since the last call."""
        with self._changed:
            places = HintedPaths(frozenset(self._paths), self._everywhere)
            self._paths, self._everywhere = set(), False
        return places

    def wait(self, seconds: float) -> None:
        """Wait until a hint is added or :meth:`wake` is called, at most so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._paths or self._everywhere or self._awake, seconds)
            self._awake = False

    def wake(self) -> None:
        """End a wait, or the next one, without a hint."""
        with self._changed:
            self._awake = True
            self._changed.notify_all()


_NOTHING_ELSE: Final[Mapping[Path, str]] = MappingProxyType({})


class Watcher:
    """Watches one folder and all below it, and turns watchdog's events into hints.

    ``also``: other folders that are watched if that is possible, each with what their hints begin with.
    """

    def __init__(
        self,
        folder: Path,
        hints: Hints,
        *,
        also: Mapping[Path, str] = _NOTHING_ELSE,
        observer: Callable[[], BaseObserver] = Observer,
    ) -> None:
        self._folder = folder
        self._also = also
        self._watched_also = 0
        self._hints = hints
        self._make_observer = observer
        self._observer: BaseObserver | None = None
        self._threads: list[threading.Thread] = []
        self._error_reporter = _ErrorReporter(hints)

    def start(self) -> str:
        """Begin to watch; returns why that is impossible, or ""."""
        _LOG.addHandler(self._error_reporter)
        _LOG.propagate = False
        # watchdog warns if it meets a folder twice that is created while it lists the parent, which does no harm.
        warnings.filterwarnings("ignore", r"Callback with id .* already exists for watch", RuntimeWarning)
        handler = _Handler(self._folder, self._hints)
        try:
            self._observer = self._make_observer()
            self._observer.schedule(handler, str(self._folder), recursive=True, event_filter=_KINDS)
            self._observer.start()
            self._start_also(self._observer)
        except OSError as error:
            return _error_reason(error)
        except RecursionError:
            return "a folder is nested too deeply for file events"
        # If any of watchdog's threads dies, no more events come.
        self._threads = [thread for thread in threading.enumerate() if _is_watchdogs(thread)]
        return ""

    def _start_also(self, observer: BaseObserver) -> None:
        before = _watch_count() or 0
        for folder, prefix in self._also.items():
            with contextlib.suppress(OSError, RecursionError):  # then it is looked at by the next scan
                handler = _Handler(folder, self._hints, prefix)
                observer.schedule(handler, str(folder), recursive=True, event_filter=_KINDS)
        self._watched_also = (_watch_count() or 0) - before

    def failure(self) -> str:
        """Return why no more events come, or ""."""
        alive = all(thread.is_alive() for thread in self._threads)
        return "" if alive else "a thread that receives file events has died"

    def unwatched_reason(self, folders: int) -> str:
        """Return why not all of these ``folders``, counted by a scan, are watched; or "".

        watchdog silently skips folders that it can't watch.
        """
        count = _watch_count()
        watched = folders if count is None else count - self._watched_also
        if watched >= folders:
            return ""
        return f"only {watched:,} of {folders:,} folders can be watched; {_ADVICE['max_user_watches']}"

    def stop(self) -> None:
        """End watching."""
        _LOG.removeHandler(self._error_reporter)
        if self._observer is not None:
            # It may never have started, or be dying already.
            with contextlib.suppress(RuntimeError, OSError):
                self._observer.stop()
                self._observer.join(5.0)


def _is_watchdogs(thread: threading.Thread) -> bool:
    return type(thread).__module__.startswith("watchdog.")


class _Handler(FileSystemEventHandler):
    """Adds a hint for each event; an exception here would silently end the thread that calls it."""

    def __init__(self, folder: Path, hints: Hints, prefix: str = "") -> None:
        self._roots = tuple({str(folder), os.path.realpath(folder)})
        self._hints = hints
        self._prefix = prefix

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Add the path of an event, and the target of a move."""
        try:
            paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
            self._hints.note(*(self._prefix + relative for path in paths for relative in self._relative(path)))
        except Exception:
            # Whatever it was, a full scan makes up for it.
            self._hints.note_everywhere()

    def _relative(self, path: str) -> Iterator[str]:
        for root in self._roots:
            if path == root or path.startswith(root.rstrip(os.sep) + os.sep):
                yield path[len(root) :].strip(os.sep).replace(os.sep, "/")
                return
        yield ""


class _ErrorReporter(logging.Handler):
    """Handles what watchdog only logs: that the kernel's queue overflowed, that watches could not be renewed."""

    def __init__(self, hints: Hints) -> None:
        super().__init__(logging.WARNING)
        self._hints = hints

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - its text doesn't matter
        """Treat any warning as lost events."""
        self._hints.note_everywhere()


_ADVICE: Final = {
    "max_user_watches": "raise the limit with 'sysctl fs.inotify.max_user_watches=524288'",
    "max_user_instances": "raise the limit with 'sysctl fs.inotify.max_user_instances=512'",
}


def _error_reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"the system's limit of watched folders is reached; {_ADVICE['max_user_watches']}"
    if error.errno == errno.EMFILE:
        return f"the system's limit of watching programs is reached; {_ADVICE['max_user_instances']}"
    return f"file events don't work here ({error.strerror or error})"


def _watch_count(descriptors: Path = Path("/proc/self/fdinfo")) -> int | None:
    """Return how many folders this process watches, as the kernel counts them; None if that is unknown."""
    if not sys.platform.startswith("linux") or not descriptors.is_dir():
        return None
    count = 0
    for entry in descriptors.iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            count += entry.read_bytes().count(b"inotify wd:")
    return count
