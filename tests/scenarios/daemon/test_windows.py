"""A daemon with a schedule, led through its windows by a clock that tests set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.executors import Executor
from pipeline.model import JobFailed, JobState, PhotoSetAside
from pipeline.report.summary import Summary
from tests.daemon.harness import CONFIG, DaemonHarness, Gate, GatedExecutor
from tests.daemon.wall_clock import WallClock
from tests.workshop import InProcessExecutor

SCHEDULE = 'schedule: {cron: "0 1 * * *", until: "06:00", timezone: UTC}\n'


@pytest.fixture
def harness(harness: DaemonHarness) -> DaemonHarness:
    harness.workshop.text = CONFIG + SCHEDULE
    return harness


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@dataclass
class Staff:
    """Employs executors and keeps them in mind."""

    gate: Gate | None = None
    employed: list[InProcessExecutor] = field(default_factory=list)

    def __call__(self) -> Executor:
        self.employed.append(GatedExecutor(self.gate) if self.gate else InProcessExecutor())
        return self.employed[-1]


def words(harness: DaemonHarness) -> list[str]:
    return [notice.text.replace(" UTC", "") for notice in harness.notices("resting", "working")]


def drop(harness: DaemonHarness, *names: str) -> None:
    for name in names:
        harness.workshop.photo(f"{name}.png", shade=ord(name[0]))


def test_photos_wait_for_the_window_without_a_worker(harness: DaemonHarness, clock: WallClock) -> None:
    staff = Staff()
    drop(harness, "a")
    with harness.running(executor=staff, now=clock):
        harness.wait_for(lambda: words(harness), "the word that it rests")
        drop(harness, "b")
        harness.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.PENDING] == 2, "both to be taken in")
        assert (harness.runs(), staff.employed) == ([], [])
        clock.set("2026-03-03 01:00")
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
        drop(harness, "c")
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg", "c--night.jpg")
    assert words(harness) == ["resting until Tue 01:00; 1 picture waiting", "working until Tue 06:00"]


def test_a_damaged_photo_is_told_of_while_it_rests(harness: DaemonHarness, clock: WallClock) -> None:
    with harness.running(now=clock):
        harness.wait_for(lambda: words(harness), "the word that it rests")
        (harness.folder / "broken.png").write_bytes(b"no image at all")
        harness.wait_for(
            lambda: [event for event in harness.events if isinstance(event, PhotoSetAside)], "a word of the photo"
        )
    assert harness.runs() == []


def test_at_its_end_what_is_not_finished_goes_on_in_the_next_window(harness: DaemonHarness, clock: WallClock) -> None:
    clock.set("2026-03-03 02:00")
    staff = Staff(Gate())
    assert staff.gate is not None
    drop(harness, "a", "b", "c")
    with harness.running(executor=staff, now=clock):
        assert staff.gate.reached.wait(60)
        clock.set("2026-03-03 06:00")
        harness.wait_for(lambda: staff.employed[0].stopped, "the end of the shift")
        staff.gate.open.set()
        harness.wait_for(lambda: len(words(harness)) == 2, "the word that it rests")
        assert len(harness.pictures()) == 1
        assert staff.employed[0].closed
        drop(harness, "d")
        harness.wait_for_ledger(lambda ledger: ledger.queries.counts()[JobState.PENDING] == 3, "all to be taken in")
        assert len(harness.runs()) == 1
        clock.set("2026-03-04 01:00")
        harness.wait_for_pictures(*(f"{name}--night.jpg" for name in "abcd"))
    assert words(harness) == [
        "working until Tue 06:00",
        "resting until Wed 01:00; 2 pictures waiting",
        "working until Wed 06:00",
    ]
    first, *_ = harness.runs()
    assert (first.finished, first.left, first.failed) == (1, 2, 0)
    assert (first.interrupted, first.planned_end, first.reason) == (False, True, "the window ended at 06:00")
    assert harness.events_of(JobFailed) == []
    assert harness.show_their_photos()


def test_a_machine_that_sleeps_through_the_end_stops_when_it_wakes(harness: DaemonHarness, clock: WallClock) -> None:
    clock.set("2026-03-03 05:59")
    staff = Staff(Gate())
    assert staff.gate is not None
    drop(harness, "a", "b")
    with harness.running(executor=staff, now=clock):
        assert staff.gate.reached.wait(60)
        clock.set("2026-03-03 18:30")
        harness.wait_for(lambda: staff.employed[0].stopped, "the end of the shift")
        staff.gate.open.set()
        harness.wait_for(lambda: len(words(harness)) == 2, "the word that it rests")
    assert [run.reason for run in harness.runs()] == ["the window ended at 06:00"]


def test_a_clock_set_back_out_of_the_window_ends_the_work(harness: DaemonHarness, clock: WallClock) -> None:
    clock.set("2026-03-03 02:00")
    drop(harness, "a")
    with harness.running(now=clock):
        harness.wait_for_pictures("a--night.jpg")
        clock.set("2026-03-02 23:00")
        harness.wait_for(lambda: len(words(harness)) == 2, "the word that it rests")
        drop(harness, "b")
        harness.wait_for_ledger(lambda ledger: ledger.queries.has_work(), "the photo to be taken in")
        clock.set("2026-03-03 02:00")
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")


def test_it_can_be_stopped_while_it_rests(harness: DaemonHarness, clock: WallClock) -> None:
    drop(harness, "a")
    with harness.running(now=clock):
        harness.wait_for(lambda: words(harness), "the word that it rests")
    assert [notice.kind for notice in harness.notices("stopped")] == ["stopped"]
    assert harness.runs() == []


def test_what_it_tells_while_it_rests_is_counted_by_the_next_run_and_in_its_report(
    harness: DaemonHarness, clock: WallClock, tmp_path: Path
) -> None:
    summary = Summary(tmp_path / "reports")
    harness.on_event = summary
    drop(harness, "a")
    with harness.running(now=clock):
        (harness.folder / "letter.jpg").write_text("I am a letter, not a photo.")
        harness.wait_for(lambda: harness.set_aside() == [("letter.jpg", "quarantined")], "the damaged photo")
        clock.set("2026-03-03 01:00")
        harness.wait_for_pictures("a--night.jpg")
        drop(harness, "b")
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    first, second = harness.runs()
    assert (first.finished, first.photos_set_aside, second.photos_set_aside) == (1, 1, 0)
    reports = [(folder / "report.csv").read_text() for folder in sorted((tmp_path / "reports").iterdir())]
    assert ["letter.jpg" in report for report in reports] == [True, False]
