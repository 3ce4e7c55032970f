from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.benchmarks.search import smallest_budget


def falling(asked: list[int]) -> Callable[[int], float]:
    def value(budget: int) -> float:
        asked.append(budget)
        return 1000 / budget

    return value


@pytest.mark.parametrize("needed", [1, 2, 7, 8, 9, 13, 40])
def test_the_smallest_budget_that_reaches_the_target_is_found_exactly_while_budgets_are_small(needed: int) -> None:
    assert smallest_budget(falling([]), 1000 / needed, start=8, most=400, precision=0.0) == needed


def test_large_budgets_are_found_up_to_the_precision() -> None:
    found = smallest_budget(falling([]), 1000 / 301, start=8, most=400, precision=0.05)
    assert found is not None
    assert 301 <= found <= 301 * 1.05


def test_few_budgets_are_tried_and_none_above_the_most() -> None:
    asked: list[int] = []
    smallest_budget(falling(asked), 1000 / 350, start=8, most=400)
    assert len(asked) < 15
    assert max(asked) <= 400


def test_what_even_the_most_does_not_reach_is_none() -> None:
    assert smallest_budget(falling([]), 1000 / 401, start=8, most=400) is None


def test_a_start_beyond_the_most_begins_at_the_most() -> None:
    asked: list[int] = []
    assert smallest_budget(falling(asked), 1000 / 20, start=80, most=30) == 20
    assert max(asked) == 30
