"""A daemon with a schedule, led through its windows by a clock that tests set."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pipeline.executors import Executor
from pipeline.model import JobFailed, JobState, PhotoSetAside
from tests.daemon.station import CONFIG, Gate, GatedExecutor, Station
from tests.daemon.walls import Wall
from tests.workshop import InProcessExecutor

SCHEDULE = 'schedule: {cron: "0 1 * * *", until: "06:00", timezone: UTC}\n'


@pytest.fixture
def station(station: Station) -> Station:
    station.workshop.text = CONFIG + SCHEDULE
    return station


@pytest.fixture
def wall() -> Wall:
    return Wall()


@dataclass
class Staff:
    """Employs executors and keeps them in mind."""

    gate: Gate | None = None
    employed: list[InProcessExecutor] = field(default_factory=list)

    def __call__(self) -> Executor:
        self.employed.append(GatedExecutor(self.gate) if self.gate else InProcessExecutor())
        return self.employed[-1]


def words(station: Station) -> list[str]:
    return [notice.text.replace(" UTC", "") for notice in station.notices("resting", "working")]


def drop(station: Station, *names: str) -> None:
    for name in names:
        station.workshop.photo(f"{name}.png", shade=ord(name[0]))


def test_photos_wait_for_the_window_without_a_worker(station: Station, wall: Wall) -> None:
    staff = Staff()
    drop(station, "a")
    with station.working(executor=staff, now=wall):
        station.wait_for(lambda: words(station), "the word that it rests")
        drop(station, "b")
        station.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.PENDING] == 2, "both to be taken in")
        assert (station.runs(), staff.employed) == ([], [])
        wall.set("2026-03-03 01:00")
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")
        drop(station, "c")
        station.wait_for_pictures("a--night.jpg", "b--night.jpg", "c--night.jpg")
    assert words(station) == ["resting until Tue 01:00; 1 picture pending", "working until Tue 06:00"]


def test_a_damaged_photo_is_told_of_while_it_rests(station: Station, wall: Wall) -> None:
    with station.working(now=wall):
        station.wait_for(lambda: words(station), "the word that it rests")
        (station.folder / "broken.png").write_bytes(b"no image at all")
        station.wait_for(
            lambda: [event for event in station.events if isinstance(event, PhotoSetAside)], "a word of the photo"
        )
    assert station.runs() == []


def test_at_its_end_what_is_not_finished_goes_on_in_the_next_window(station: Station, wall: Wall) -> None:
    wall.set("2026-03-03 02:00")
    staff = Staff(Gate())
    assert staff.gate is not None
    drop(station, "a", "b", "c")
    with station.working(executor=staff, now=wall):
        assert staff.gate.reached.wait(60)
        wall.set("2026-03-03 06:00")
        station.wait_for(lambda: staff.employed[0].stopped, "the end of the shift")
        staff.gate.open.set()
        station.wait_for(lambda: len(words(station)) == 2, "the word that it rests")
        assert len(station.pictures()) == 1
        assert staff.employed[0].closed
        drop(station, "d")
        station.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.PENDING] == 3, "all to be taken in")
        assert len(station.runs()) == 1
        wall.set("2026-03-04 01:00")
        station.wait_for_pictures(*(f"{name}--night.jpg" for name in "abcd"))
    assert words(station) == [
        "working until Tue 06:00",
        "resting until Wed 01:00; 2 pictures pending",
        "working until Wed 06:00",
    ]
    first, *_ = station.runs()
    assert (first.finished, first.left, first.failed) == (1, 2, 0)
    assert (first.interrupted, first.planned_end, first.reason) == (False, True, "the window ended at 06:00")
    assert station.told(JobFailed) == []
    assert station.show_their_photos()


def test_a_machine_that_sleeps_through_the_end_stops_when_it_wakes(station: Station, wall: Wall) -> None:
    wall.set("2026-03-03 05:59")
    staff = Staff(Gate())
    assert staff.gate is not None
    drop(station, "a", "b")
    with station.working(executor=staff, now=wall):
        assert staff.gate.reached.wait(60)
        wall.set("2026-03-03 18:30")
        station.wait_for(lambda: staff.employed[0].stopped, "the end of the shift")
        staff.gate.open.set()
        station.wait_for(lambda: len(words(station)) == 2, "the word that it rests")
    assert [run.reason for run in station.runs()] == ["the window ended at 06:00"]


def test_a_clock_set_back_out_of_the_window_ends_the_work(station: Station, wall: Wall) -> None:
    wall.set("2026-03-03 02:00")
    drop(station, "a")
    with station.working(now=wall):
        station.wait_for_pictures("a--night.jpg")
        wall.set("2026-03-02 23:00")
        station.wait_for(lambda: len(words(station)) == 2, "the word that it rests")
        drop(station, "b")
        station.wait_for_ledger(lambda ledger: ledger.queries.has_work(), "the photo to be taken in")
        wall.set("2026-03-03 02:00")
        station.wait_for_pictures("a--night.jpg", "b--night.jpg")


def test_it_can_be_stopped_while_it_rests(station: Station, wall: Wall) -> None:
    drop(station, "a")
    with station.working(now=wall):
        station.wait_for(lambda: words(station), "the word that it rests")
    assert [notice.kind for notice in station.notices("stopped")] == ["stopped"]
    assert station.runs() == []
