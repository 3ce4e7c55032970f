"""(a) One picture to the values that pastiche has on its way, both timed from launch to exit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.benchmarks.ours import Desk, pastiche_recipe
from tests.benchmarks.processes import Measured
from tests.benchmarks.rival import Judge, Rivalry, judge, run_pastiche
from tests.benchmarks.search import smallest_budget
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row, seconds, times

TITLE = "a. One picture"

_MOST = 400


def rows(subjects: Subjects) -> list[Row]:
    """Return how long both take to pastiche's steps 50, 100 and 300, by pastiche's own objective."""
    steps = (10, 20) if subjects.quick else (50, 100, 300)
    photo, painting, size = subjects.photos[0], subjects.paintings[0], subjects.size
    rivalry = run_pastiche(photo, painting, subjects.folder / "a", size=size, steps=steps[-1], every=steps[0])
    report = rivalry.report
    subjects.tell(f"pastiche: {report.losses} after {report.seconds} s")

    def attempt(desk: Desk, budget: int) -> tuple[Measured, Path]:
        config = desk.config({painting: report.painting_scale}, pastiche_recipe(size, budget))
        measured, pictures = desk.try_(config, photo, f"{budget}")
        return measured, pictures[painting.stem]

    with judge(photo, painting, size) as the_judge:
        kept = Desk(subjects.folder / "a-ours")

        @cache
        def value(budget: int) -> float:
            measured, picture = attempt(kept, budget)
            found = the_judge.loss(picture)
            subjects.tell(f"{budget} evaluations: {found:,.0f} in {seconds(measured.seconds)}")
            return found

        found: list[Row] = []
        for step in steps:
            budget = smallest_budget(value, report.losses[step], start=8, most=_MOST)
            found += _rows_of(step, budget, value, rivalry, the_judge)
            if budget is not None:
                first = attempt(Desk(subjects.folder / f"a-first-{step}"), budget)[0]
                again = attempt(Desk(kept.folder), budget)[0]
                found += _timed(report.seconds[step], first, again)
    return [*found, *_start(attempt(kept, 1)[0], rivalry)]


def _rows_of(
    step: int, budget: int | None, value: Callable[[int], float], rivalry: Rivalry, the_judge: Judge
) -> list[Row]:
    target = rivalry.report.losses[step]
    theirs = f"{target:,.0f}; its picture's file {the_judge.loss(rivalry.picture_of(step)):,.0f}"
    ours = (
        f"not reached by {_MOST} evaluations"
        if budget is None
        else f"{value(budget):,.0f} after {budget} evaluations at each size"
    )
    return [Row(f"pastiche's objective at its step {step}", ours, theirs)]


def _timed(theirs: float, first: Measured, again: Measured) -> list[Row]:
    return [
        Row("... time to it, nothing cached", seconds(first.seconds), seconds(theirs),
            times(first.seconds, theirs), "2×"),
        Row("... time to it, painting in the style cache", seconds(again.seconds), seconds(theirs),
            times(again.seconds, theirs), "2×"),
    ]  # fmt: skip


def _start(alone: Measured, rivalry: Rivalry) -> list[Row]:
    report = rivalry.report
    last = max(report.seconds)
    each = (report.seconds[last] - report.seconds[0]) / last
    return [
        Row("launch to exit with one evaluation at each size; pastiche to step 0", seconds(alone.seconds),
            seconds(report.seconds[0]), times(alone.seconds, report.seconds[0])),
        Row("a step of pastiche", "", f"{each:.2f} s"),
        Row("peak memory of a process", f"{alone.peak_bytes / 2**20:,.0f} MiB",
            f"{rivalry.measured.peak_bytes / 2**20:,.0f} MiB",
            times(alone.peak_bytes, rivalry.measured.peak_bytes)),
    ]  # fmt: skip
