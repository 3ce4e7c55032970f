from __future__ import annotations

from tests.benchmarks.waste import slots


def test_full_slots_leave_no_waste() -> None:
    assert slots("abcdabcdabcd") == (3, 12)


def test_a_canvas_that_takes_a_finished_ones_slot_is_of_the_same_round() -> None:
    assert slots("ababacac") == (4, 8)


def test_slots_that_stay_empty_are_counted_as_rounds_go_by() -> None:
    rounds, used = slots("ababbbb")
    assert (rounds, used) == (5, 7)


def test_nothing_takes_no_rounds() -> None:
    assert slots([]) == (0, 0)
