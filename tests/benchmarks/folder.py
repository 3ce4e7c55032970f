"""(b) A folder of photos in two styles: one run of ours against a loop of pastiche processes."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path

from tests.benchmarks.ours import Desk, pastiche_recipe
from tests.benchmarks.rival import judge, run_pastiche
from tests.benchmarks.search import smallest_budget
from tests.benchmarks.subjects import Subjects, at_size, fill, with_pixels_of
from tests.benchmarks.table import Row, seconds, times

TITLE = "b. A folder"

_MOST = 200


def rows(subjects: Subjects) -> list[Row]:
    """Return how long both take for photos × 2 paintings at the quality of pastiche's step 50, files judged alike.

    pastiche's processes are independent and alike: two are measured, the first photo in the first painting and the
    second in the second, and multiplied.
    """
    count, step = (2, 10) if subjects.quick else (8, 50)
    originals = fill(subjects.folder / "originals", subjects.photos, count)
    photos = [at_size(photo, subjects.folder / "photos", subjects.size) for photo in originals]
    sized = subjects.folder / "paintings"
    paintings = [with_pixels_of(photos[0], painting, sized) for painting in subjects.paintings[:2]]
    pairs = list(zip(photos, paintings, strict=False))
    runs = [
        run_pastiche(photo, painting, subjects.folder / f"b{index}", size=subjects.size, steps=step, every=step)
        for index, (photo, painting) in enumerate(pairs)
    ]
    scales = {painting: run.report.painting_scale for painting, run in zip(paintings, runs, strict=True)}
    desk = Desk(subjects.folder / "b-ours")

    with contextlib.ExitStack() as stack:
        judges = [stack.enter_context(judge(*pair, subjects.size)) for pair in pairs]
        goals = [each.loss(run.picture_of(step)) for each, run in zip(judges, runs, strict=True)]

        def share_of_target(budget: int) -> float:
            config = desk.config(scales, pastiche_recipe(subjects.size, budget))
            pictures = [_picture(desk, config, *pair, budget) for pair in pairs]
            found = zip(judges, pictures, goals, strict=True)
            share = max(each.loss(picture) / goal for each, picture, goal in found)
            subjects.tell(f"{budget} evaluations: {share:.3f} of pastiche's value at step {step}")
            return share

        budget = smallest_budget(cache(share_of_target), 1.0, start=24, most=_MOST)
    what = f"{count} photos × 2 paintings, {subjects.size} px, to the files pastiche saves at step {step}"
    theirs = sum(run.measured.seconds for run in runs) * count
    if budget is None:
        return [Row(what, f"not reached by {_MOST} evaluations", seconds(theirs))]
    whole = Desk(subjects.folder / "b-whole")
    config = whole.config(scales, pastiche_recipe(subjects.size, budget), photos[0].parent)
    measured, pictures = whole.run(config)
    ours = f"{seconds(measured.seconds)}, {len(pictures)} pictures, {budget} evaluations at each size"
    measured_twice = f"{seconds(theirs)} (two processes measured, times {count})"
    return [Row(what, ours, measured_twice, times(measured.seconds, theirs), "3×")]


def _picture(desk: Desk, config: Path, photo: Path, painting: Path, budget: int) -> Path:
    return desk.try_(config, photo, f"{budget}-{photo.stem}")[1][painting.stem]
