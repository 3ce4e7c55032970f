"""When the folder is scanned. Everything is a fake but the loop and its event watch: no waiting, no files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.daemon.clock import Clock
from pipeline.daemon.event_watch import EventWatch
from pipeline.daemon.pause_tracker import PauseTracker
from pipeline.daemon.scan_loop import ScanCallbacks, ScanLoop
from pipeline.daemon.watch_policy import WatchMode, WatchPolicy
from pipeline.errors import LedgerLockedError, StorageError
from pipeline.intake.watch import MAX_PATHS, Hints
from pipeline.model import PhotoSetAside, PhotosSkipped, WatchNotice
from pipeline.runner.ingest.incremental import IngestChanges
from pipeline.runner.input_root import InputRoot
from tests.daemon.test_event_watch import FakeWatcher


@dataclass
class FakeIngest:
    """Looks that take time and bring what a test wants."""

    harness: Harness
    scans: list[object] = field(default_factory=list)
    takes_seconds: float = 0.0
    takes_cpu_seconds: float = 0.0
    brings: int = 0
    skips: dict[str, str] = field(default_factory=dict)
    trouble: StorageError | LedgerLockedError | None = None
    waiting: dict[str, float] = field(default_factory=dict)

    def ingest_folder(self) -> IngestChanges:
        return self._scan("everywhere")

    def ingest_paths(self, paths: Collection[str]) -> IngestChanges:
        return self._scan(sorted(paths))

    def _scan(self, where: object) -> IngestChanges:
        if self.trouble is not None:
            raise self.trouble
        self.scans.append(where)
        self.harness.now += self.takes_seconds
        self.harness.cpu += self.takes_cpu_seconds
        return IngestChanges(
            photos=10,
            folders=3,
            arrived=self.brings,
            skipped_photos=self.skips,
            newly_skipped=list(self.skips),
        )

    def due(self) -> list[str]:
        return [path for path, when in self.waiting.items() if when <= self.harness.now]

    def seconds_left(self) -> float | None:
        return min((when - self.harness.now for when in self.waiting.values()), default=None)


class Harness:
    """A scan loop with everything around it."""

    def __init__(self, folder: Path, mode: WatchMode = "events", reason: str = "") -> None:
        self.now = 1000.0
        self.cpu = 0.0
        self.folder = folder
        self.hints = Hints()
        self.events: list[PhotoSetAside | WatchNotice] = []
        self.changes = 0
        self.watcher = FakeWatcher()
        self.ingest = FakeIngest(self)
        self.pauses = PauseTracker(self.events.append)
        policy = WatchPolicy(folder="in", mode=mode, rescan_seconds=300, reason=reason)
        self.scan_loop = ScanLoop(
            self.ingest,  # type: ignore[arg-type]
            InputRoot(folder),
            self.hints,
            EventWatch(policy, lambda: self.watcher, self.events.append),
            self.pauses,
            ScanCallbacks(emit=self.events.append, on_change=self._on_change),
            Clock(monotonic=lambda: self.now, thread_cpu=lambda: self.cpu),
        )

    def _on_change(self) -> None:
        self.changes += 1

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def step_after(self, seconds: float) -> float:
        self.now += seconds
        return self.scan_loop.step()

    def full_scans(self) -> int:
        return self.ingest.scans.count("everywhere")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    harness = Harness(tmp_path)
    harness.scan_loop.open()
    return harness


def test_the_first_turn_looks_everywhere_and_says_that_it_has(harness: Harness) -> None:
    harness.scan_loop.step()
    assert (harness.ingest.scans, harness.changes) == (["everywhere"], 1)
    assert harness.kinds() == ["watching"]


def test_newly_skipped_photos_are_told(harness: Harness) -> None:
    harness.ingest.skips = {"a.gif": "suffix .gif"}
    harness.scan_loop.step()
    assert harness.events[-1] == PhotosSkipped({"suffix .gif": 1}, (("a.gif", "suffix .gif"),), 1)


def test_without_hints_nothing_is_looked_at_until_the_time_is_over(harness: Harness) -> None:
    harness.scan_loop.step()
    assert 0 < harness.step_after(1) <= 1
    harness.step_after(298)
    assert harness.full_scans() == 1
    harness.step_after(2)
    assert harness.full_scans() == 2
    assert harness.changes == 1


def test_a_hint_is_followed_at_once_and_only_where_it_points(harness: Harness) -> None:
    harness.scan_loop.step()
    harness.hints.note("a.png", "trip")
    harness.ingest.brings = 1
    harness.step_after(0)
    assert harness.ingest.scans == ["everywhere", ["a.png", "trip"]]
    assert harness.changes == 2


def test_a_photo_that_may_be_ready_is_looked_at_when_it_is_due(harness: Harness) -> None:
    harness.scan_loop.step()
    harness.ingest.waiting = {"a.png": harness.now + 0.25}
    assert harness.step_after(0) == pytest.approx(0.25)
    harness.step_after(0.25)
    assert harness.ingest.scans == ["everywhere", ["a.png"]]


def test_very_many_hints_mean_everywhere(harness: Harness) -> None:
    harness.scan_loop.step()
    harness.hints.note(*(f"{number}.png" for number in range(MAX_PATHS + 1)))
    harness.step_after(0)
    harness.ingest.waiting = {f"{number}.png": 0.0 for number in range(MAX_PATHS + 1)}
    harness.step_after(0)
    assert harness.ingest.scans == ["everywhere"] * 3


@pytest.mark.parametrize(("seconds", "cpu_seconds", "rest"), [(0.1, 0.1, 300), (4, 4, 1200), (60, 1, 600)])
def test_a_look_that_takes_long_is_repeated_the_later(
    harness: Harness, seconds: float, cpu_seconds: float, rest: float
) -> None:
    harness.scan_loop.step()
    harness.ingest.takes_seconds, harness.ingest.takes_cpu_seconds = seconds, cpu_seconds
    harness.step_after(301)
    harness.step_after(rest - 1)
    assert harness.full_scans() == 2
    harness.step_after(2)
    assert harness.full_scans() == 3


def test_what_it_costs_to_record_news_delays_no_later_look(harness: Harness) -> None:
    harness.ingest.takes_cpu_seconds, harness.ingest.brings = 60, 40_000
    harness.scan_loop.step()
    harness.hints.note_everywhere()
    harness.step_after(1)
    harness.step_after(301)
    assert harness.full_scans() == 3


def test_polling_says_why_and_looks_often_where_that_costs_little(tmp_path: Path) -> None:
    harness = Harness(tmp_path, "polling", "nfs4 at /mnt sends no events")
    harness.scan_loop.open()
    harness.scan_loop.step()
    harness.step_after(5)
    harness.step_after(5)
    assert harness.full_scans() == 3
    assert harness.events == [WatchNotice("polling", "polling in, at most every 5.0 s: nfs4 at /mnt sends no events")]
    assert not harness.watcher.is_running


def test_where_no_events_are_to_be_had_it_polls_and_says_what_to_do(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.watcher.refusal = "the limit is reached; raise it"
    harness.scan_loop.open()
    harness.scan_loop.step()
    harness.step_after(5)
    assert harness.full_scans() == 2
    assert harness.events == [
        WatchNotice("polling", "polling in, at most every 5.0 s: the limit is reached; raise it")
    ]


def test_a_watcher_that_dies_is_replaced_by_polling_with_a_ingest_paths_once(harness: Harness) -> None:
    harness.scan_loop.step()
    harness.watcher.failed = "the thread has died"
    harness.step_after(1)
    harness.step_after(5)
    harness.step_after(5)
    assert harness.full_scans() == 4
    assert harness.kinds() == ["watching", "polling"]
    assert not harness.watcher.is_running


def test_folders_that_stay_unwatched_are_noticed_but_new_ones_get_a_moment(harness: Harness) -> None:
    harness.watcher.unwatched = "only 2 of 3 folders can be watched"
    harness.scan_loop.step()
    assert harness.kinds() == ["watching"]
    harness.watcher.unwatched = ""
    harness.step_after(1)
    harness.watcher.unwatched = "only 2 of 3 folders can be watched"
    harness.step_after(301)
    harness.step_after(1)
    assert harness.kinds() == ["watching", "polling"]


def test_a_lost_folder_is_told_once_and_looked_at_anew_when_it_is_back(harness: Harness) -> None:
    harness.scan_loop.step()
    elsewhere = harness.folder.with_name("elsewhere")
    harness.folder.rename(elsewhere)
    waits = [harness.step_after(1)]
    for _ in range(6):
        waits.append(harness.step_after(waits[-1]))
    assert waits == [1, 2, 4, 5, 5, 5, 5]
    assert harness.step_after(3) == pytest.approx(2)
    assert harness.kinds() == ["watching", "paused"]
    elsewhere.rename(harness.folder)
    harness.step_after(2)
    assert harness.kinds() == ["watching", "paused", "resumed"]
    assert harness.full_scans() == 2
    assert harness.watcher.is_running


def test_hints_during_a_pause_end_no_wait_and_are_not_forgotten(harness: Harness) -> None:
    harness.scan_loop.step()
    harness.ingest.trouble = StorageError("the disk is full")
    harness.hints.note("a.png")
    harness.step_after(300)
    harness.hints.note("b.png")
    harness.step_after(0.1)
    assert not harness.hints.take()
    harness.ingest.trouble = None
    harness.step_after(300)
    harness.hints.note_everywhere()
    elsewhere = harness.folder.with_name("elsewhere")
    harness.folder.rename(elsewhere)
    harness.step_after(1)
    assert not harness.hints.take()
    elsewhere.rename(harness.folder)
    harness.step_after(300)
    assert harness.ingest.scans == ["everywhere"] * 3


def test_trouble_while_looking_pauses_for_longer_each_time_and_then_looks_everywhere(harness: Harness) -> None:
    harness.scan_loop.step()
    harness.ingest.trouble = StorageError("the disk is full")
    harness.hints.note("a.png")
    waits = [harness.step_after(300) for _ in range(12)]
    harness.hints.note("b.png")
    assert harness.step_after(1) == 299
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1, 300)
    harness.ingest.trouble = None
    harness.step_after(300)
    assert harness.ingest.scans == ["everywhere", "everywhere"]
    assert harness.kinds() == ["watching", "paused", "resumed"]


def test_a_locked_ledger_is_told_as_such_and_then_everything_is_looked_at(harness: Harness) -> None:
    harness.scan_loop.step()
    harness.ingest.trouble = LedgerLockedError("another process keeps the ledger locked")
    harness.hints.note("a.png")
    for _ in range(3):
        harness.step_after(300)
    assert "input" not in harness.pauses
    harness.ingest.trouble = None
    harness.step_after(300)
    assert harness.ingest.scans == ["everywhere", "everywhere"]
    assert harness.kinds() == ["watching", "paused", "resumed"]
    assert harness.events[-1].text == "resumed: the ledger can be written again"


def test_a_lock_that_the_other_thread_waits_for_is_not_declared_over(harness: Harness) -> None:
    harness.pauses.report("ledger", "another process keeps the ledger locked")
    harness.scan_loop.step()
    assert "ledger" in harness.pauses


def test_another_folder_in_its_place_is_watched_anew(harness: Harness) -> None:
    harness.scan_loop.step()
    harness.folder.rename(harness.folder.with_name("elsewhere"))
    harness.folder.mkdir()
    harness.step_after(1)
    assert harness.full_scans() == 2
    assert harness.kinds() == ["watching"]


def test_closing_ends_the_watcher(harness: Harness) -> None:
    harness.scan_loop.close()
    assert not harness.watcher.is_running
    harness.scan_loop.close()
