from __future__ import annotations

from pipeline.worker.stop_deadline import ClosingTime


def test_closing_time_comes_after_the_grace_and_never_later_than_announced_first() -> None:
    now = 100.0
    closing = ClosingTime(lambda: now)
    assert not closing.is_announced
    assert not closing.has_come()
    closing.announce(10.0)
    closing.announce(50.0)
    assert closing.is_announced
    assert not closing.has_come()
    now = 110.0
    assert closing.has_come()


def test_without_grace_it_comes_at_once() -> None:
    closing = ClosingTime(lambda: 0.0)
    closing.announce(0.0)
    assert closing.has_come()
