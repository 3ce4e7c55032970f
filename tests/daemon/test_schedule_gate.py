"""What the daemon says of its working hours, and when it ends a pass, under a clock that tests set."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest

from pipeline.daemon.schedule_gate import ScheduleGate
from pipeline.errors import StorageError
from pipeline.model import Hours, WatchNotice, clock_time
from tests.daemon.station import PATIENCE_SECONDS
from tests.daemon.walls import Wall


@dataclass
class House:
    """Shifts from one to six, and what they told."""

    cron: str = "0 1 * * *"
    until: str = "06:00"
    wall: Wall = field(default_factory=Wall)
    told: list[WatchNotice] = field(default_factory=list)
    waiting: int = 0

    def schedule_gate(self) -> ScheduleGate:
        return ScheduleGate((Hours(self.cron, clock_time(self.until), ZoneInfo("UTC")),), self.told.append, self.wall)

    def words(self) -> list[str]:
        return [notice.text.replace(" UTC", "") for notice in self.told]


@pytest.mark.parametrize(
    ("waiting", "words"), [(0, "no pictures pending"), (1, "1 picture pending"), (1200, "1,200 pictures pending")]
)
def test_rest_is_told_with_its_end_and_what_waits(waiting: int, words: str) -> None:
    house = House()
    house.schedule_gate().announce(lambda: waiting)
    assert house.words() == [f"resting until Tue 01:00; {words}"]
    assert house.told[0].kind == "resting"


def test_every_change_is_told_once() -> None:
    house = House()
    schedule_gate = house.schedule_gate()
    for text in ("2026-03-02 12:00", "2026-03-02 13:00", "2026-03-03 01:00", "2026-03-03 05:59", "2026-03-03 06:00"):
        house.wall.set(text)
        schedule_gate.announce(lambda: 3)
        schedule_gate.announce(lambda: 3)
    assert house.words() == [
        "resting until Tue 01:00; 3 pictures pending",
        "working until Tue 06:00",
        "resting until Wed 01:00; 3 pictures pending",
    ]


def test_a_change_whose_pictures_could_not_be_counted_is_told_when_they_can_be() -> None:
    house = House()
    schedule_gate = house.schedule_gate()

    def unreadable() -> int:
        raise StorageError("the ledger is gone")

    with pytest.raises(StorageError):
        schedule_gate.announce(unreadable)
    schedule_gate.announce(lambda: 3)
    assert house.words() == ["resting until Tue 01:00; 3 pictures pending"]


def test_the_end_of_the_schedule_itself_is_told_to_whoever_heard_of_a_rest() -> None:
    house = House()
    schedule_gate = house.schedule_gate()
    schedule_gate.announce(lambda: 0)
    schedule_gate.set_hours(())
    schedule_gate.announce(lambda: 0)
    assert schedule_gate.may_work()
    assert house.words() == ["resting until Tue 01:00; no pictures pending", "working, with no end scheduled"]


def test_pictures_are_counted_only_to_be_told() -> None:
    house, counts = House(), list[int]()
    schedule_gate = house.schedule_gate()
    for _ in range(3):
        schedule_gate.announce(lambda: counts.append(1) or 0)  # type: ignore[func-returns-value]
    assert counts == [1]


def test_without_a_schedule_nothing_is_told_and_nothing_ended() -> None:
    house, stops = House(), list[str]()
    schedule_gate = ScheduleGate((), house.told.append, house.wall)
    schedule_gate.announce(lambda: 1)
    assert schedule_gate.may_work()
    before = threading.active_count()
    with schedule_gate.stop_at_window_end(stops.append):
        assert threading.active_count() == before
    assert (house.told, stops) == ([], [])


def test_windows_without_an_end_are_told_as_such() -> None:
    house = House("@daily", "24:00")
    house.schedule_gate().announce(lambda: 1)
    assert house.words() == ["working, with no end scheduled"]


def test_a_schedule_that_never_comes_is_told_as_such() -> None:
    house = House("0 0 30 2 *")
    schedule_gate = house.schedule_gate()
    schedule_gate.announce(lambda: 1)
    assert house.words() == ["resting, with no end scheduled; 1 picture pending"]
    assert not schedule_gate.may_work()


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ("2026-03-03 06:00", "the window ended at 06:00"),
        ("2026-03-03 11:00", "the window ended at 06:00"),  # the machine slept
        ("2026-03-02 23:00", "the clock was set to a time outside the schedule"),
    ],
)
def test_a_pass_is_ended_with_the_reason(then: str, why: str) -> None:
    house, stops, stopped = House(), list[str](), threading.Event()
    house.wall.set("2026-03-03 05:00")

    def stop(reason: str) -> None:
        stops.append(reason)
        stopped.set()

    with house.schedule_gate().stop_at_window_end(stop):
        house.wall.set(then)
        assert stopped.wait(PATIENCE_SECONDS)
    assert stops == [why]


def test_a_pass_from_one_window_into_the_next_goes_on() -> None:
    house, stops = House(), list[str]()
    schedule_gate = house.schedule_gate()
    house.wall.set("2026-03-03 05:00")
    with schedule_gate.stop_at_window_end(stops.append):
        house.wall.set("2026-03-04 02:00")
        assert schedule_gate.may_work()
    assert stops == []


def test_the_clock_may_be_set_back_and_forth() -> None:
    house = House()
    schedule_gate = house.schedule_gate()
    for text, allowed in (
        ("2026-03-03 02:00", True),
        ("2026-03-03 00:59", False),
        ("2026-03-03 05:00", True),
        ("2026-02-27 03:00", True),
        ("2026-02-27 07:00", False),
        ("2030-01-01 03:00", True),
    ):
        house.wall.set(text)
        assert schedule_gate.may_work() is allowed
