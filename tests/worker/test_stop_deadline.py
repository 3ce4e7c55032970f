from __future__ import annotations

from pipeline.worker.stop_deadline import StopDeadline


def test_the_deadline_comes_after_the_grace_and_never_later_than_set_first() -> None:
    now = 100.0
    stop_deadline = StopDeadline(lambda: now)
    assert not stop_deadline.is_set
    assert not stop_deadline.has_passed()
    stop_deadline.set(10.0)
    stop_deadline.set(50.0)
    assert stop_deadline.is_set
    assert not stop_deadline.has_passed()
    now = 110.0
    assert stop_deadline.has_passed()


def test_without_grace_it_comes_at_once() -> None:
    stop_deadline = StopDeadline(lambda: 0.0)
    stop_deadline.set(0.0)
    assert stop_deadline.has_passed()
