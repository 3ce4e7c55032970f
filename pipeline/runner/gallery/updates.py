"""Keeps a gallery up to date while a program works. Owns when which files are written; has no thread of its own.

Events name the pictures that changed. What has no event (new jobs, withdrawn ones, 'retry' in another process) is
found by comparing the chunks' states with the ledger's: at the beginning, and now and then when the ledger's file has
changed. Chunks that are out of date are caught up with bit by bit, so that a large folder delays nothing.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from pipeline.ledger import Ledger, ledger_exists
from pipeline.model import (
    BacklogChanged,
    GallerySettings,
    Job,
    JobFailed,
    JobFinished,
    JobStarted,
    PreviewSaved,
    RunEvent,
    RunFinished,
    RunStarted,
    WatchNotice,
)
from pipeline.model.gallery_files import live_name
from pipeline.report.gallery.folder import PAGE_NAME
from pipeline.report.gallery.live import LIVE_NAME, LiveImage, LivePictures, ended_value
from pipeline.report.gallery.scripts import script
from pipeline.runner.gallery.run_records import RunRecords
from pipeline.runner.gallery.status_page import STATUS_NAME, status_value
from pipeline.runner.gallery.writer import GalleryWriter
from pipeline.runner.preparation import ledger_file, source_of

LOCK_NAME: Final = "gallery.lock"

#: No file is written more often.
WRITE_SECONDS: Final = 1.0
#: The status asks the ledger much.
_STATUS_SECONDS: Final = 10.0
#: A page takes a program for dead whose file is older than some of these.
_LIVE_SECONDS: Final = 30.0
#: Chunks are compared to the ledger at most so often, and for at most this share of the time.
_COMPARE_SECONDS: Final = 60.0
_COMPARE_SHARE: Final = 0.01
#: And, when photos have come or gone, so often, and at most one such part of the time.
_COMPARE_SOON_SECONDS: Final = 5.0
_COMPARE_SOON_FACTOR: Final = 20
#: For so long is caught up at once, and then as long nothing is done.
_CATCH_UP_SECONDS: Final = 0.2
#: And for so long at the end of a program that was not interrupted.
LAST_CATCH_UP_SECONDS: Final = 5.0
#: Another process writes a chunk within a moment.
_LOCK_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Due:
    """When something is to be done next, in monotonic seconds."""

    at: float = -math.inf

    def is_due(self, now: float) -> bool:
        return now >= self.at


@dataclass(slots=True)
class _News:
    """What happened since the last step."""

    jobs: set[Job] = field(default_factory=set)
    begun: dict[str, Job] = field(default_factory=dict)
    for_status: bool = True
    for_live: bool = True


class GalleryUpdates:
    """Writes a gallery by the events of a program. Methods raise OSError, StorageError, LedgerError.

    After an error the same step is made again by the next call.
    """

    def __init__(
        self,
        settings: GallerySettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` returns monotonic seconds, ``now`` those since the epoch."""
        self._settings = settings
        self._doing = ""
        self._clock = clock
        self._now = now
        folders = settings.status.folders
        self._ledger_file = ledger_file(folders)
        self._lock_file = folders.state / LOCK_NAME
        self._writer = GalleryWriter(settings, now=now)
        self._records = RunRecords(folders.state, folders.output, settings.reports)
        self._live = LivePictures()
        self._news = _News()
        self._jobs: dict[str, Job] = {}
        self._ids: dict[str, int] = {}
        self._stale: deque[int] = deque()
        self._compared: object = None
        self._compared_at, self._comparing_took = -math.inf, 0.0
        self._compare, self._status, self._live_due = _Due(), _Due(), _Due()
        self._page_is_written = False
        self._is_interrupted = False

    def use(self, settings: GallerySettings) -> None:
        """Go on by other settings of the same folders, as after a config was read again."""
        self._settings = settings
        self._writer = GalleryWriter(settings, now=self._now)
        self._compared, self._page_is_written = None, False
        self._compare.at = self._status.at = -math.inf
        self._news.for_status = True

    def note(self, event: RunEvent, report: Path | None = None, doing: str = "") -> None:
        """Take one event; ``report``: that of the run which it ends, ``doing``: what the program does, in words."""
        self._doing = doing
        self._live.update(event, self._clock())
        match event:
            case RunStarted():
                self._jobs.clear()
                self._compare_soon()
            case BacklogChanged():
                self._compare_soon()
            case WatchNotice(kind="stopped"):
                self._is_interrupted = True
            case JobStarted():
                self._jobs[event.token] = self._news.begun[event.token] = event.job
                self._news.jobs.add(event.job)
            case PreviewSaved(finished=True) if event.token in self._jobs:
                # A picture's copies are made after it is published: now its row and details can name them.
                self._news.jobs.add(self._jobs.pop(event.token))
            case JobFinished() | JobFailed():
                self._news.jobs.add(event.job)
            case RunFinished():
                self._is_interrupted = event.interrupted
                self._status.at = -math.inf
                self._compare_soon()
                self._records.add(event, report, self._now())
        self._news.for_status = self._news.for_live = True

    def _compare_soon(self) -> None:
        """Look for new and withdrawn jobs, which have no events of their own."""
        soonest = self._compared_at + max(_COMPARE_SOON_SECONDS, self._comparing_took * _COMPARE_SOON_FACTOR)
        self._compare.at = min(self._compare.at, soonest)

    def step(self) -> float:
        """Write what is out of date, as far as that takes a moment; returns in how many seconds to step again.

        After the next event it may be called after ``WRITE_SECONDS``.
        """
        began = self._clock()
        self._write_page()
        if self._asks_ledger(began):
            with self._locked() as may_write, self._ledger() as ledger:
                if may_write and ledger is not None:
                    self._write_pictures(ledger, began + _CATCH_UP_SECONDS)
                    self._write_status(ledger)
        self._write_live()
        now = self._clock()
        if self._stale:
            return max(now - began, _CATCH_UP_SECONDS)
        waits = bool(self._news.jobs) or bool(self._live.canvases())
        return WRITE_SECONDS if waits else max(WRITE_SECONDS, min(self._compare.at, self._live_due.at) - now)

    def _asks_ledger(self, now: float) -> bool:
        has_news = self._news.jobs or self._stale or (self._news.for_status and self._status.is_due(now))
        return bool(has_news) or self._compare.is_due(now)

    def finish(self) -> None:
        """Write what is left: all the news, and of the rest what can be done within some seconds."""
        seconds = 0.0 if self._is_interrupted else LAST_CATCH_UP_SECONDS
        self._write_page()
        self._compare.at = self._status.at = -math.inf
        self._news.for_status = True
        with self._locked() as may_write, self._ledger() as ledger:
            if may_write and ledger is not None:
                self._write_pictures(ledger, self._clock() + seconds, is_live=False)
                self._write_status(ledger)
        self._writer.folder.write(LIVE_NAME, script("live", ended_value(self._now())))

    # --- files ------------------------------------------------------------------------------------------------

    def _write_page(self) -> None:
        if self._page_is_written and self._writer.folder.exists(PAGE_NAME):
            return
        self._writer.write_page()
        self._page_is_written = True
        # Where the folder was deleted meanwhile, everything else is to be written, too.
        self._compared, self._compare.at = None, -math.inf

    @contextlib.contextmanager
    def _locked(self) -> Iterator[bool]:
        with gallery_lock(self._lock_file) as is_held:
            if is_held:
                self._writer.read_catalog()
            yield is_held

    @contextlib.contextmanager
    def _ledger(self) -> Iterator[Ledger | None]:
        # Opened each time: the program's own connection can be opened again after an error of the disk only when all
        # others are closed.
        folders = self._settings.status.folders
        if not ledger_exists(self._ledger_file):
            yield None
            return
        with Ledger.to_read(self._ledger_file, source_of(folders)) as ledger:
            yield ledger

    def _write_pictures(self, ledger: Ledger, until: float, *, is_live: bool = True) -> None:
        has_changed = self._find_stale(ledger)
        in_progress = self._in_progress(ledger)
        ids = {found for job in self._news.jobs if (found := ledger.gallery.id_of(job)) is not None}
        self._writer.write_pictures(ledger, ids, in_progress)
        has_changed |= bool(ids)
        while self._stale and self._clock() < until:
            self._writer.write_chunk(ledger, self._stale[0], in_progress=in_progress)
            self._stale.popleft()
            has_changed = True
        if has_changed or not is_live:
            self._writer.write_catalog(ledger, is_live=is_live, in_progress=in_progress)
        self._news.jobs.clear()

    def _in_progress(self, ledger: Ledger) -> set[int]:
        tokens = {canvas.token for canvas in self._live.canvases()}
        for token, job in self._news.begun.items():
            if token in tokens and (found := ledger.gallery.id_of(job)) is not None:
                self._ids[token] = found
        self._news.begun.clear()
        self._ids = {token: found for token, found in self._ids.items() if token in tokens}
        return set(self._ids.values())

    def _find_stale(self, ledger: Ledger) -> bool:
        """Compare the chunks to the ledger if that is due and its file has changed; tells whether it was done."""
        began = self._clock()
        if not self._compare.is_due(began):
            return False
        state = _state_of_file(self._ledger_file)
        is_first, has_changed = self._compared is None, state != self._compared
        if has_changed:
            stale = self._writer.stale_chunks(ledger)
            self._stale = deque(stale)
            self._compared = state
        self._compared_at = self._clock()
        self._comparing_took = self._compared_at - began
        self._compare.at = self._compared_at + max(_COMPARE_SECONDS, self._comparing_took / _COMPARE_SHARE)
        return is_first or bool(self._stale)

    def _write_status(self, ledger: Ledger) -> None:
        now = self._clock()
        if not (self._news.for_status and self._status.is_due(now)):
            return
        speed = self._live.pictures_an_hour(now)
        value = status_value(self._settings, ledger, self._records, speed, self._now())
        self._writer.folder.write(STATUS_NAME, script("status", value))
        self._status.at, self._news.for_status = now + _STATUS_SECONDS, False

    def _write_live(self) -> None:
        now = self._clock()
        if not (self._live.canvases() or self._news.for_live or self._live_due.is_due(now)):
            return
        value = self._live.value(self._ids, self._image, note=self._doing, now=self._now(), monotonic=now)
        value["catalog_written"] = self._writer.catalog_written
        self._writer.folder.write(LIVE_NAME, script("live", value))
        self._live_due.at, self._news.for_live = now + _LIVE_SECONDS, False

    def _image(self, token: str) -> LiveImage:
        name = live_name(token)
        try:
            changed_ns = (self._writer.folder.path / name).stat().st_mtime_ns
        except OSError:
            return LiveImage()
        return LiveImage(name, changed_ns // 1_000_000)


@contextlib.contextmanager
def gallery_lock(file: Path, seconds: float = _LOCK_SECONDS) -> Iterator[bool]:
    """Keep other processes from writing the same gallery; yields whether they are, after waiting for so long.

    Where there are no locks nobody is kept from it: each file is whole at any time, whoever wrote it last.
    """
    lock = FileLock(file, timeout=seconds, fallback_to_soft=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        yield False
        return
    except (OSError, NotImplementedError):
        yield True
        return
    try:
        yield True
    finally:
        lock.release()


def _state_of_file(ledger: Path) -> object:
    """Return what changes when something is written to the ledger."""
    found = []
    for file in (ledger, ledger.with_name(f"{ledger.name}-wal")):
        with contextlib.suppress(OSError):
            status = os.stat(file)  # noqa: PTH116 - as below
            found.append((status.st_mtime_ns, status.st_size))
    return tuple(found)
