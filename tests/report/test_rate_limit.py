from __future__ import annotations

from pipeline.report.rate_limit import RateLimit


class FakeClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_so_many_lines_are_admitted_and_the_others_counted_once() -> None:
    limit = RateLimit(2, 60.0, clock=FakeClock())
    assert [limit.admits() for _ in range(5)] == [True, True, False, False, False]
    assert (limit.take_left_out(), limit.take_left_out()) == (3, 0)


def test_later_there_is_room_again() -> None:
    clock = FakeClock()
    limit = RateLimit(2, 60.0, clock=clock)
    limit.admits()
    clock.now = 30
    limit.admits()
    clock.now = 59
    assert not limit.admits()
    clock.now = 60
    assert [limit.admits(), limit.admits()] == [True, False]
