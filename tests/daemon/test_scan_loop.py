"""When the folder is looked at. Everything is a fake but the reception: no waiting, no files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.daemon.pause_tracker import PauseTracker
from pipeline.daemon.scan_loop import Habits, ScanLoop, WatchMode
from pipeline.errors import LedgerLockedError, StorageError
from pipeline.intake.watch import MAX_PATHS, Hints
from pipeline.model import PhotoSetAside, WatchNotice
from pipeline.runner.ingest.incremental import IngestChanges
from pipeline.runner.input_root import Root


@dataclass
class FakeWatcher:
    refusal: str = ""
    dead: str = ""
    short: str = ""
    running: bool = False

    def start(self) -> str:
        self.running = not self.refusal
        return self.refusal

    def death(self) -> str:
        return self.dead

    def shortage(self, folders: int) -> str:
        return self.short

    def stop(self) -> None:
        self.running = False


@dataclass
class FakeArrivals:
    """Looks that take time and bring what a test wants."""

    house: House
    looks: list[object] = field(default_factory=list)
    takes_seconds: float = 0.0
    takes_cpu_seconds: float = 0.0
    brings: int = 0
    trouble: StorageError | LedgerLockedError | None = None
    waiting: dict[str, float] = field(default_factory=dict)

    def look_everywhere(self) -> IngestChanges:
        return self._look("everywhere")

    def look_at(self, paths: Collection[str]) -> IngestChanges:
        return self._look(sorted(paths))

    def _look(self, where: object) -> IngestChanges:
        if self.trouble is not None:
            raise self.trouble
        self.looks.append(where)
        self.house.now += self.takes_seconds
        self.house.cpu += self.takes_cpu_seconds
        return IngestChanges(photos=10, folders=3, arrived=self.brings)

    def due(self) -> list[str]:
        return [path for path, when in self.waiting.items() if when <= self.house.now]

    def seconds_left(self) -> float | None:
        return min((when - self.house.now for when in self.waiting.values()), default=None)


class House:
    """A reception with everything around it."""

    def __init__(self, folder: Path, mode: WatchMode = "events", why: str = "") -> None:
        self.now = 1000.0
        self.cpu = 0.0
        self.folder = folder
        self.hints = Hints()
        self.told: list[PhotoSetAside | WatchNotice] = []
        self.news = 0
        self.watcher = FakeWatcher()
        self.incremental_ingest = FakeArrivals(self)
        self.pauses = PauseTracker(self.told.append)
        self.scan_loop = ScanLoop(
            self.incremental_ingest,  # type: ignore[arg-type]
            Root(folder),
            self.hints,
            Habits(mode=mode, rescan_seconds=300, why=why),
            self.pauses,
            emit=self.told.append,
            on_news=self._hear_news,
            watcher=lambda: self.watcher,
            folder_name="in",
            clock=lambda: self.now,
            cpu_clock=lambda: self.cpu,
        )

    def _hear_news(self) -> None:
        self.news += 1

    def kinds(self) -> list[str]:
        return [event.kind for event in self.told]

    def turn_after(self, seconds: float) -> float:
        self.now += seconds
        return self.scan_loop.turn()

    def full_looks(self) -> int:
        return self.incremental_ingest.looks.count("everywhere")


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.scan_loop.open()
    return house


def test_the_first_turn_looks_everywhere_and_says_that_it_has(house: House) -> None:
    house.scan_loop.turn()
    assert (house.incremental_ingest.looks, house.news) == (["everywhere"], 1)
    assert house.kinds() == ["watching"]


def test_without_hints_nothing_is_looked_at_until_the_time_is_over(house: House) -> None:
    house.scan_loop.turn()
    assert 0 < house.turn_after(1) <= 1
    house.turn_after(298)
    assert house.full_looks() == 1
    house.turn_after(2)
    assert house.full_looks() == 2
    assert house.news == 1


def test_a_hint_is_followed_at_once_and_only_where_it_points(house: House) -> None:
    house.scan_loop.turn()
    house.hints.note("a.png", "trip")
    house.incremental_ingest.brings = 1
    house.turn_after(0)
    assert house.incremental_ingest.looks == ["everywhere", ["a.png", "trip"]]
    assert house.news == 2


def test_a_photo_that_may_be_ready_is_looked_at_when_it_is_due(house: House) -> None:
    house.scan_loop.turn()
    house.incremental_ingest.waiting = {"a.png": house.now + 0.25}
    assert house.turn_after(0) == pytest.approx(0.25)
    house.turn_after(0.25)
    assert house.incremental_ingest.looks == ["everywhere", ["a.png"]]


def test_very_many_hints_mean_everywhere(house: House) -> None:
    house.scan_loop.turn()
    house.hints.note(*(f"{number}.png" for number in range(MAX_PATHS + 1)))
    house.turn_after(0)
    house.incremental_ingest.waiting = {f"{number}.png": 0.0 for number in range(MAX_PATHS + 1)}
    house.turn_after(0)
    assert house.incremental_ingest.looks == ["everywhere"] * 3


@pytest.mark.parametrize(("seconds", "cpu_seconds", "rest"), [(0.1, 0.1, 300), (4, 4, 1200), (60, 1, 600)])
def test_a_look_that_takes_long_is_repeated_the_later(
    house: House, seconds: float, cpu_seconds: float, rest: float
) -> None:
    house.scan_loop.turn()
    house.incremental_ingest.takes_seconds, house.incremental_ingest.takes_cpu_seconds = seconds, cpu_seconds
    house.turn_after(301)
    house.turn_after(rest - 1)
    assert house.full_looks() == 2
    house.turn_after(2)
    assert house.full_looks() == 3


def test_what_it_costs_to_record_news_delays_no_later_look(house: House) -> None:
    house.incremental_ingest.takes_cpu_seconds, house.incremental_ingest.brings = 60, 40_000
    house.scan_loop.turn()
    house.hints.note_everywhere()
    house.turn_after(1)
    house.turn_after(301)
    assert house.full_looks() == 3


def test_polling_says_why_and_looks_often_where_that_costs_little(tmp_path: Path) -> None:
    house = House(tmp_path, "polling", "nfs4 at /mnt sends no events")
    house.scan_loop.open()
    house.scan_loop.turn()
    house.turn_after(5)
    house.turn_after(5)
    assert house.full_looks() == 3
    assert house.told == [WatchNotice("polling", "polling in, at most every 5.0 s: nfs4 at /mnt sends no events")]
    assert not house.watcher.running


def test_where_no_events_are_to_be_had_it_polls_and_says_what_to_do(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.watcher.refusal = "the limit is reached; raise it"
    house.scan_loop.open()
    house.scan_loop.turn()
    house.turn_after(5)
    assert house.full_looks() == 2
    assert house.told == [WatchNotice("polling", "polling in, at most every 5.0 s: the limit is reached; raise it")]


def test_a_watcher_that_dies_is_replaced_by_polling_with_a_look_at_once(house: House) -> None:
    house.scan_loop.turn()
    house.watcher.dead = "the thread has died"
    house.turn_after(1)
    house.turn_after(5)
    house.turn_after(5)
    assert house.full_looks() == 4
    assert house.kinds() == ["watching", "polling"]
    assert not house.watcher.running


def test_folders_that_stay_unwatched_are_noticed_but_new_ones_get_a_moment(house: House) -> None:
    house.watcher.short = "only 2 of 3 folders can be watched"
    house.scan_loop.turn()
    assert house.kinds() == ["watching"]
    house.watcher.short = ""
    house.turn_after(1)
    house.watcher.short = "only 2 of 3 folders can be watched"
    house.turn_after(301)
    house.turn_after(1)
    assert house.kinds() == ["watching", "polling"]


def test_a_lost_folder_is_told_once_and_looked_at_anew_when_it_is_back(house: House) -> None:
    house.scan_loop.turn()
    elsewhere = house.folder.with_name("elsewhere")
    house.folder.rename(elsewhere)
    waits = [house.turn_after(1)]
    for _ in range(6):
        waits.append(house.turn_after(waits[-1]))
    assert waits == [1, 2, 4, 5, 5, 5, 5]
    assert house.turn_after(3) == pytest.approx(2)
    assert house.kinds() == ["watching", "paused"]
    elsewhere.rename(house.folder)
    house.turn_after(2)
    assert house.kinds() == ["watching", "paused", "resumed"]
    assert house.full_looks() == 2
    assert house.watcher.running


def test_hints_during_a_pause_end_no_wait_and_are_not_forgotten(house: House) -> None:
    house.scan_loop.turn()
    house.incremental_ingest.trouble = StorageError("the disk is full")
    house.hints.note("a.png")
    house.turn_after(300)
    house.hints.note("b.png")
    house.turn_after(0.1)
    assert not house.hints.take()
    house.incremental_ingest.trouble = None
    house.turn_after(300)
    house.hints.note_everywhere()
    elsewhere = house.folder.with_name("elsewhere")
    house.folder.rename(elsewhere)
    house.turn_after(1)
    assert not house.hints.take()
    elsewhere.rename(house.folder)
    house.turn_after(300)
    assert house.incremental_ingest.looks == ["everywhere"] * 3


def test_trouble_while_looking_pauses_for_longer_each_time_and_then_looks_everywhere(house: House) -> None:
    house.scan_loop.turn()
    house.incremental_ingest.trouble = StorageError("the disk is full")
    house.hints.note("a.png")
    waits = [house.turn_after(300) for _ in range(12)]
    house.hints.note("b.png")
    assert house.turn_after(1) == 299
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1, 300)
    house.incremental_ingest.trouble = None
    house.turn_after(300)
    assert house.incremental_ingest.looks == ["everywhere", "everywhere"]
    assert house.kinds() == ["watching", "paused", "resumed"]


def test_a_locked_ledger_is_told_as_such_and_then_everything_is_looked_at(house: House) -> None:
    house.scan_loop.turn()
    house.incremental_ingest.trouble = LedgerLockedError("another process keeps the ledger locked")
    house.hints.note("a.png")
    for _ in range(3):
        house.turn_after(300)
    assert "input" not in house.pauses
    house.incremental_ingest.trouble = None
    house.turn_after(300)
    assert house.incremental_ingest.looks == ["everywhere", "everywhere"]
    assert house.kinds() == ["watching", "paused", "resumed"]
    assert house.told[-1].text == "resumed: the ledger can be written again"


def test_a_lock_that_the_other_thread_waits_for_is_not_declared_over(house: House) -> None:
    house.pauses.report("ledger", "another process keeps the ledger locked")
    house.scan_loop.turn()
    assert "ledger" in house.pauses


def test_another_folder_in_its_place_is_watched_anew(house: House) -> None:
    house.scan_loop.turn()
    house.folder.rename(house.folder.with_name("elsewhere"))
    house.folder.mkdir()
    house.turn_after(1)
    assert house.full_looks() == 2
    assert house.kinds() == ["watching"]


def test_closing_ends_the_watcher(house: House) -> None:
    house.scan_loop.close()
    assert not house.watcher.running
    house.scan_loop.close()
