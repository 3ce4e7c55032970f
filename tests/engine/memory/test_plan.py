"""Of the plans that fit the best one is taken."""

from __future__ import annotations

from pipeline.engine.memory.plan import LEAST, PLAIN, PLANS, MemoryPlan, plan_within


def need(plan: MemoryPlan) -> int:
    return 100 - 10 * PLANS.index(plan)


def test_the_first_plan_that_fits_is_taken() -> None:
    assert plan_within(100, need) == PLAIN
    assert plan_within(99.9, need) == PLANS[1]
    assert plan_within(80, need) == LEAST


def test_where_none_fits_the_least_is_taken() -> None:
    assert plan_within(1, need) == LEAST
