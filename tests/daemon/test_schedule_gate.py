"""The notices of a schedule's windows, and when a pass is stopped, under a clock that tests set."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest

from pipeline.daemon.schedule_gate import ScheduleGate
from pipeline.errors import StorageError
from pipeline.model import WatchNotice, WindowRule, clock_time
from tests.daemon.harness import TIMEOUT_SECONDS
from tests.daemon.wall_clock import WallClock


@dataclass
class Harness:
    """A gate that is open from one to six, and its notices."""

    cron: str = "0 1 * * *"
    until: str = "06:00"
    clock: WallClock = field(default_factory=WallClock)
    notices: list[WatchNotice] = field(default_factory=list)
    waiting: int = 0

    def schedule_gate(self) -> ScheduleGate:
        return ScheduleGate(
            (WindowRule(self.cron, clock_time(self.until), ZoneInfo("UTC")),), self.notices.append, self.clock
        )

    def words(self) -> list[str]:
        return [notice.text.replace(" UTC", "") for notice in self.notices]


@pytest.mark.parametrize(
    ("waiting", "words"), [(0, "no pictures waiting"), (1, "1 picture waiting"), (1200, "1,200 pictures waiting")]
)
def test_rest_is_told_with_its_end_and_what_waits(waiting: int, words: str) -> None:
    harness = Harness()
    harness.schedule_gate().announce(lambda: waiting)
    assert harness.words() == [f"resting until Tue 01:00; {words}"]
    assert harness.notices[0].kind == "resting"


def test_every_change_is_told_once() -> None:
    harness = Harness()
    schedule_gate = harness.schedule_gate()
    for text in ("2026-03-02 12:00", "2026-03-02 13:00", "2026-03-03 01:00", "2026-03-03 05:59", "2026-03-03 06:00"):
        harness.clock.set(text)
        schedule_gate.announce(lambda: 3)
        schedule_gate.announce(lambda: 3)
    assert harness.words() == [
        "resting until Tue 01:00; 3 pictures waiting",
        "working until Tue 06:00",
        "resting until Wed 01:00; 3 pictures waiting",
    ]


def test_a_change_whose_pictures_could_not_be_counted_is_told_when_they_can_be() -> None:
    harness = Harness()
    schedule_gate = harness.schedule_gate()

    def unreadable() -> int:
        raise StorageError("the ledger is gone")

    with pytest.raises(StorageError):
        schedule_gate.announce(unreadable)
    schedule_gate.announce(lambda: 3)
    assert harness.words() == ["resting until Tue 01:00; 3 pictures waiting"]


def test_the_end_of_the_schedule_itself_is_told_to_whoever_heard_of_a_rest() -> None:
    harness = Harness()
    schedule_gate = harness.schedule_gate()
    schedule_gate.announce(lambda: 0)
    schedule_gate.set_window_rules(())
    schedule_gate.announce(lambda: 0)
    assert schedule_gate.may_work()
    assert harness.words() == ["resting until Tue 01:00; no pictures waiting", "working, with no end scheduled"]


def test_pictures_are_counted_only_to_be_told() -> None:
    harness, counts = Harness(), list[int]()
    schedule_gate = harness.schedule_gate()
    for _ in range(3):
        schedule_gate.announce(lambda: counts.append(1) or 0)  # type: ignore[func-returns-value]
    assert counts == [1]


def test_without_a_schedule_nothing_is_told_and_nothing_ended() -> None:
    harness, stops = Harness(), list[str]()
    schedule_gate = ScheduleGate((), harness.notices.append, harness.clock)
    schedule_gate.announce(lambda: 1)
    assert schedule_gate.may_work()
    before = threading.active_count()
    with schedule_gate.stop_at_window_end(stops.append):
        assert threading.active_count() == before
    assert (harness.notices, stops) == ([], [])


def test_windows_without_an_end_are_told_as_such() -> None:
    harness = Harness("@daily", "24:00")
    harness.schedule_gate().announce(lambda: 1)
    assert harness.words() == ["working, with no end scheduled"]


def test_a_schedule_that_never_comes_is_told_as_such() -> None:
    harness = Harness("0 0 30 2 *")
    schedule_gate = harness.schedule_gate()
    schedule_gate.announce(lambda: 1)
    assert harness.words() == ["resting, with no end scheduled; 1 picture waiting"]
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
    harness, stops, stopped = Harness(), list[str](), threading.Event()
    harness.clock.set("2026-03-03 05:00")

    def stop(reason: str) -> None:
        stops.append(reason)
        stopped.set()

    with harness.schedule_gate().stop_at_window_end(stop):
        harness.clock.set(then)
        assert stopped.wait(TIMEOUT_SECONDS)
    assert stops == [why]


def test_a_pass_from_one_window_into_the_next_goes_on() -> None:
    harness, stops = Harness(), list[str]()
    schedule_gate = harness.schedule_gate()
    harness.clock.set("2026-03-03 05:00")
    with schedule_gate.stop_at_window_end(stops.append):
        harness.clock.set("2026-03-04 02:00")
        assert schedule_gate.may_work()
    assert stops == []


def test_the_clock_may_be_set_back_and_forth() -> None:
    harness = Harness()
    schedule_gate = harness.schedule_gate()
    for text, allowed in (
        ("2026-03-03 02:00", True),
        ("2026-03-03 00:59", False),
        ("2026-03-03 05:00", True),
        ("2026-02-27 03:00", True),
        ("2026-02-27 07:00", False),
        ("2030-01-01 03:00", True),
    ):
        harness.clock.set(text)
        assert schedule_gate.may_work() is allowed
