"""When the folder is looked at: after hints, after a while, after a pause. Owns the watcher; refuses to paint.

One turn is one method, and the clock is an argument; :mod:`pipeline.daemon.loop` gives it a thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from pipeline.daemon.pause_tracker import PauseReason, PauseTracker
from pipeline.errors import LedgerLockedError, StorageError, files_explained
from pipeline.intake.watch import MAX_PATHS, Hints
from pipeline.model import PhotoSetAside, WatchNotice
from pipeline.report.formatting import duration
from pipeline.runner.ingest.incremental import IncrementalIngest, IngestChanges
from pipeline.runner.input_root import Root

#: A scan that took a second of processor time is repeated after 300 at the earliest: a third of a percent of a core.
_REST_PER_CPU_SECOND: Final = 300.0
#: One that waited long for a slow disk or share leaves it alone for ten times as long.
_REST_PER_SECOND: Final = 10.0
#: Without events a look is all there is; on a small folder it costs a few milliseconds.
_POLLING_SECONDS: Final = 5.0
#: How soon a lost folder or a dead watcher is noticed.
_ROUND_SECONDS: Final = 1.0

#: How soon the return of a lost folder is noticed.
_LOST_SECONDS: Final = 5.0

WatchMode = Literal["events", "polling"]


class EventSource(Protocol):
    """What is needed of :class:`pipeline.intake.watch.Watcher`."""

    def start(self) -> str:
        """Begin; returns why that is impossible, or nothing."""
        ...

    def death(self) -> str:
        """Return why no events come any more, or nothing."""
        ...

    def shortage(self, folders: int) -> str:
        """Return why of so many folders not all are watched, or nothing."""
        ...

    def stop(self) -> None:
        """End."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the folder is watched. ``why`` says why it is polled, if nobody asked for that."""

    mode: WatchMode
    rescan_seconds: float
    why: str = ""


class ScanLoop:
    """Turns hints and the passing of time into looks, and tells what they brought."""

    def __init__(
        self,
        incremental_ingest: IncrementalIngest,
        root: Root,
        hints: Hints,
        habits: Habits,
        pauses: PauseTracker,
        *,
        emit: Callable[[PhotoSetAside | WatchNotice], None],
        on_news: Callable[[], None],
        on_scan: Callable[[], None] = lambda: None,
        watcher: Callable[[], EventSource],
        folder_name: str = "",
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        """``on_news`` hears of the first look and of every one that changed anything, ``on_scan`` of every full one.

        ``watcher`` makes a new one, not yet started.
        """
        self._incremental_ingest = incremental_ingest
        self._root = root
        self._hints = hints
        self._habits = habits
        self._pauses = pauses
        self._emit = emit
        self._on_news = on_news
        self._on_scan = on_scan
        self._make_watcher = watcher
        self._folder_name = folder_name
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._watcher: EventSource | None = None
        self._next_scan = -math.inf
        self._not_before = -math.inf
        self._rest = 0.0
        self._opened = False
        self._short = False
        self._locked_out = False

    def open(self) -> None:
        """Begin to watch, before the first look: what comes between the two is then hinted at."""
        if self._habits.mode == "events":
            self._watch()
        if self._watcher is None:
            self._emit(WatchNotice("polling", self._polling_words(self._habits.why)))
        else:
            self._emit(WatchNotice("watching", f"watching {self._folder_name} by file events"))

    def close(self) -> None:
        """End watching."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def turn(self) -> float:
        """Do what is due now; returns for how many seconds, at most, nothing else is, unless a hint comes."""
        if self._clock() < self._not_before:
            self._postpone()
            return self._not_before - self._clock()
        try:
            self._root.require()
            replaced = self._root.was_replaced()
        except StorageError as error:
            self._postpone()
            return self._pause("input", error, _LOST_SECONDS)
        try:
            if replaced or "input" in self._pauses:
                self._begin_anew()
            with files_explained():
                self._look_where_needed()
        except (StorageError, LedgerLockedError) as error:
            self._postpone()
            if not isinstance(error, LedgerLockedError):
                return self._pause("input", error)
            self._locked_out = True
            return self._pause("ledger", error)
        self._end_pauses()
        left = self._incremental_ingest.seconds_left()
        ends = [_ROUND_SECONDS, self._next_scan - self._clock(), *([] if left is None else [left])]
        return max(0.0, min(ends))

    def _postpone(self) -> None:
        """Look everywhere once that is possible. A hint that is left lying would end every wait until then."""
        self._hints.take()
        self._next_scan = -math.inf

    def _end_pauses(self) -> None:
        self._pauses.end("input")
        if self._locked_out:  # otherwise it is the other thread that waits
            self._locked_out = False
            self._pauses.end("ledger")

    def _pause(
        self, reason: PauseReason, error: StorageError | LedgerLockedError, most_seconds: float = math.inf
    ) -> float:
        seconds = min(self._pauses.report(reason, str(error)), most_seconds)
        self._not_before = self._clock() + seconds
        return seconds

    def _begin_anew(self) -> None:
        """Watch the folder that is there now: the events of the former one end with it."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None
            self._watch()
        self._next_scan = -math.inf

    def _watch(self) -> None:
        watcher = self._make_watcher()
        if trouble := watcher.start():
            watcher.stop()
            self._poll(trouble)
        else:
            self._watcher = watcher

    def _poll(self, why: str) -> None:
        """Go on without events, for good."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None
        self._habits = Habits(mode="polling", rescan_seconds=self._habits.rescan_seconds, why=why)
        self._next_scan = -math.inf

    def _look_where_needed(self) -> None:
        places = self._hints.take()
        if self._watcher is not None and (death := self._watcher.death()):
            self._poll(death)
            self._emit(WatchNotice("polling", self._polling_words(death)))
        if places.everywhere or self._clock() >= self._next_scan:
            self._look_everywhere()
        elif paths := places.paths.union(self._incremental_ingest.due()):
            if len(paths) > MAX_PATHS:
                self._look_everywhere()
            else:
                self._share(self._incremental_ingest.look_at(paths))

    def _look_everywhere(self) -> None:
        began, cpu_began = self._clock(), self._cpu_clock()
        look = self._incremental_ingest.look_everywhere()
        now, cpu_seconds = self._clock(), self._cpu_clock() - cpu_began
        if not look.brought_news:  # to record news costs more than to find out that there are none
            self._rest = max(_REST_PER_CPU_SECOND * cpu_seconds, _REST_PER_SECOND * (now - began))
        self._next_scan = now + max(self._usual_rest(), self._rest)
        self._share(look)
        self._opened = True
        self._on_scan()
        self._check_watches(look.folders)

    def _usual_rest(self) -> float:
        rescan = self._habits.rescan_seconds
        return rescan if self._watcher is not None else min(rescan, _POLLING_SECONDS)

    def _check_watches(self, folders: int) -> None:
        """Find folders that can't be watched; a new one may only not be watched yet, so it takes two looks."""
        if self._watcher is None:
            return
        trouble = self._watcher.shortage(folders)
        if trouble and self._short:
            self._poll(trouble)
            self._emit(WatchNotice("polling", self._polling_words(trouble)))
        elif trouble:
            self._next_scan = self._clock() + _ROUND_SECONDS
        self._short = bool(trouble)

    def _share(self, look: IngestChanges) -> None:
        for photo in look.set_aside:
            self._emit(photo)
        if look.brought_news or not self._opened:
            self._on_news()

    def _polling_words(self, why: str) -> str:
        often = duration(min(self._habits.rescan_seconds, _POLLING_SECONDS))
        reason = f": {why}" if why else ""
        return f"polling {self._folder_name}, at most every {often}{reason}"
