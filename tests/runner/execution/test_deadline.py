"""Work ends at its time, and only then."""

from __future__ import annotations

import threading

from pipeline.runner.execution.deadline import deadline

PATIENCE_SECONDS = 30.0


def test_it_stops_once_when_the_time_has_come() -> None:
    over, stopped, stops = threading.Event(), threading.Event(), list[int]()

    def stop() -> None:
        stops.append(1)
        stopped.set()

    with deadline(over.is_set, stop):
        assert not stops
        over.set()
        assert stopped.wait(PATIENCE_SECONDS)
    assert stops == [1]


def test_work_that_is_done_before_is_left_alone() -> None:
    over, stops = threading.Event(), list[int]()
    with deadline(over.is_set, lambda: stops.append(1)):
        pass
    over.set()
    assert stops == []
    assert "deadline" not in {thread.name for thread in threading.enumerate()}


def test_work_that_begins_too_late_is_stopped_at_once() -> None:
    stopped = threading.Event()
    with deadline(lambda: True, stopped.set):
        assert stopped.wait(PATIENCE_SECONDS)
