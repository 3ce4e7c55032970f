"""The main loop's own decisions. Longer stories of a daemon at work are in tests/scenarios/daemon."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Sequence

import pytest

from pipeline.config.settings import status_settings
from pipeline.daemon import Daemon
from pipeline.executors import Executor
from pipeline.model import (
    Artwork,
    Assignment,
    BacklogChanged,
    ExecutorEvent,
    JobFinished,
    JobSource,
    JobStarted,
    JobState,
    RunEvent,
    RunStarted,
    WatchNotice,
)
from pipeline.report.heartbeat import Heartbeat
from pipeline.runner.status import Status, collect_status
from tests.daemon.harness import DaemonHarness, Gate
from tests.workshop import InProcessExecutor, know_the_machine


def test_one_that_is_stopped_before_it_starts_only_says_so(harness: DaemonHarness) -> None:
    daemon = harness.make_daemon()
    daemon.stop()
    daemon.run()
    assert harness.events == [WatchNotice("stopped", "stopped")]


def test_a_pass_is_named_by_the_config_and_its_executor_closed_in_the_end(harness: DaemonHarness) -> None:
    executors: list[InProcessExecutor] = []

    def make_executor() -> Executor:
        executors.append(InProcessExecutor())
        return executors[-1]

    harness.workshop.photo("a.png")
    with harness.running(executor=make_executor):
        harness.wait_for_pictures("a--night.jpg")
        harness.workshop.photo("b.png", shade=2)
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert {event.config for event in harness.events_of(RunStarted)} == {
        str(harness.workshop.folder / "stylewatch.yaml")
    }
    (executor,) = executors
    assert executor.closed
    with harness.workshop.ledger() as ledger:
        assert ledger.config_files.of_picture("a--night.jpg") == [harness.workshop.folder / "stylewatch.yaml"]


def test_without_work_there_is_neither_a_pass_nor_an_executor(harness: DaemonHarness) -> None:
    def make_executor() -> Executor:
        raise AssertionError("nothing is to be made")

    with harness.running(executor=make_executor):
        pass
    assert harness.events_of(RunStarted) == []


def test_an_error_of_the_scan_thread_ends_the_daemon(harness: DaemonHarness) -> None:
    daemon = harness.make_daemon()

    def fail(event: RunEvent) -> None:
        if isinstance(event, WatchNotice) and event.kind == "watching":
            daemon._scan_thread.error = ZeroDivisionError("a mistake of ours")

    harness.on_event = fail
    with pytest.raises(ZeroDivisionError, match="a mistake of ours"):
        daemon.run()
    assert harness.events_of(RunStarted) == []


def test_photos_that_arrive_while_the_worker_is_busy_are_counted_at_once(harness: DaemonHarness) -> None:
    daemons: list[Daemon] = []

    class BusyExecutor(InProcessExecutor):
        """Is busy with the first picture until the second photo is known, and calls back meanwhile as workers do."""

        def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
            def wait_for_both(count: int) -> Sequence[Assignment]:
                assignments = source(count)
                while daemons and assignments and not harness.events_of(BacklogChanged):
                    daemons[0]._pass._backlog._next_check = 0.0  # type: ignore[union-attr]
                    daemons[0].report_alive()
                    time.sleep(0.01)
                return assignments

            yield from super().run(wait_for_both)

    with harness.running(executor=BusyExecutor) as daemon:
        daemons.append(daemon)
        harness.workshop.photo("a.png")
        harness.wait_for(lambda: harness.events_of(RunStarted), "a pass")
        harness.workshop.photo("b.png", shade=2)
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg")
    assert harness.events_of(BacklogChanged)[0].left == 2
    assert len(harness.events_of(RunStarted)) == 1


def test_a_backlog_goes_on_after_a_reload_and_ends_when_there_is_nothing_left(harness: DaemonHarness) -> None:
    for number in range(3):
        harness.workshop.photo(f"{number}.png", shade=number)
    daemons: list[Daemon] = []
    gate = Gate()

    def reload_once(event: RunEvent) -> None:
        if isinstance(event, JobFinished) and len(harness.finished()) == 1:
            harness.rewrite("rescan_seconds: 3600", "rescan_seconds: 3500")
            daemons[0]._reloader.request_reload()
        if isinstance(event, JobStarted) and len(harness.started()) == 2:
            time.sleep(0.15)  # until the new config counts as settled
            daemons[0]._reloader.request_reload()

    harness.on_event = reload_once
    with harness.running(executor=gate.executor) as daemon:
        daemons.append(daemon)
        gate.open.set()
        harness.wait_for_pictures("0--night.jpg", "1--night.jpg", "2--night.jpg")
        harness.workshop.photo("late.png", shade=9)
        harness.wait_for_pictures("0--night.jpg", "1--night.jpg", "2--night.jpg", "late--night.jpg")
    begun = [(event.made_before, event.made_before + event.jobs) for event in harness.events_of(RunStarted)]
    assert begun[1:] == [(2, 3), (0, 1)]


def test_status_beside_it_has_its_own_numbers(harness: DaemonHarness) -> None:
    know_the_machine()
    for number in range(3):
        harness.workshop.photo(f"{number}.png", shade=number)
    settings = status_settings(harness.workshop.config())
    state, seen = settings.folders.state, list[Status]()
    state.mkdir(parents=True)
    ticks = itertools.count()
    heartbeat = Heartbeat(state, "stylewatch watch", clock=lambda: 10.0 * next(ticks))  # every event is written
    harness.on_event = heartbeat

    class WatchedExecutor(InProcessExecutor):
        def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
            for event in super().run(source):
                if isinstance(event, Artwork):
                    seen.append(collect_status(settings, clock=lambda: 0.0))
                yield event

    with harness.running(executor=WatchedExecutor):
        harness.wait_for_pictures("0--night.jpg", "1--night.jpg", "2--night.jpg")
    records = [status.heartbeat for status in seen]
    assert [(record.done, record.total) for record in records if record] == [(0, 3), (1, 3), (2, 3)]
    for number, status in enumerate(seen):
        counts = status.pictures.counts
        assert counts[JobState.PENDING] + counts[JobState.LEASED] == 3 - number
        assert counts[JobState.DONE] == number
        assert status.heartbeat is not None
        assert status.heartbeat.seconds_left is not None
        assert status.seconds_left() == status.heartbeat.seconds_left
