"""The main loop's own decisions. Longer stories of a daemon at work are in tests/scenarios/daemon."""

from __future__ import annotations

import pytest

from pipeline.executors import Executor
from pipeline.model import RunEvent, RunStarted, WatchNotice
from tests.daemon.harness import DaemonHarness
from tests.workshop import InProcessExecutor


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
