"""Estimates how long the pending pictures take, from the ledger; of photos it reads some headers at most.

``plan`` is more exact, but scans the whole folder first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from pipeline.engine import ENGINE_VERSION
from pipeline.engine.speed import Speed, read_speed
from pipeline.ledger import Ledger
from pipeline.model import EngineSettings, Recipe, WorkEstimate
from pipeline.report.time_left import TimeLeft
from pipeline.runner.photo_sizes import photo_size, proportion_of
from pipeline.runner.planning.forecast import (
    TYPICAL_PROPORTION,
    Task,
    picture_limit,
    timings_by_recipe,
    work_estimate,
)
from pipeline.runner.preparation import ResolvedConfig

#: The headers of so many photos are read for each recipe, at the start of every pass.
_SAMPLE: Final = 30


def estimate_work(
    ledger: Ledger,
    engine: EngineSettings,
    resolved: ResolvedConfig,
    left: Mapping[str, int],
    photos: Path | None = None,
) -> WorkEstimate:
    """Return what pictures take on this machine, as far as it was ever measured, and by those made so far.

    ``left``: how many are to be made, by recipe. ``photos``: their folder, for recipes by which each photo decides
    how large its picture is; without it these are taken for typical ones.
    """
    timings = timings_by_recipe(resolved.recipe_settings(), ledger.queries.timings(ENGINE_VERSION))
    usual = {} if photos is None else _usual_tasks(ledger, photos, resolved.recipes)
    speed = read_speed(engine)
    return work_estimate(speed, resolved.recipes, timings, left, usual, picture_limit(engine, speed))


def _usual_tasks(ledger: Ledger, folder: Path, recipes: Mapping[str, Recipe]) -> dict[str, list[Task]]:
    """Return some of the pictures to make by each recipe whose sizes follow from the photos, in ``folder``."""
    usual = {}
    for name, recipe in recipes.items():
        if recipe.size_rule is not None:
            some = islice(ledger.queries.pending_photos(name), _SAMPLE)
            sizes = filter(None, (photo_size(folder, photo) for photo in some))
            usual[name] = [Task(recipe.for_photo(*size), proportion_of(size, TYPICAL_PROPORTION)) for size in sizes]
    return usual


def work_seconds(estimate: WorkEstimate, left: Mapping[str, int]) -> float | None:
    """Return how long a run with these pictures takes, by recipe, None if that is unknown: its first time left."""
    return TimeLeft(estimate, 0.0).seconds(left, 0.0)


def backlog_seconds(ledger: Ledger, recipes: Mapping[str, Recipe], speed: Speed | None) -> float | None:
    """Return the seconds that all pending pictures take; None if that is unknown.

    A picture takes as long as finished ones of the same settings took, or else as long as follows from the machine's
    ``speed`` (None = it was never measured). Those whose recipe the config has no more will be withdrawn.
    """
    backlog = [waiting for waiting in ledger.queries.backlog() if waiting.recipe in recipes]
    settings = [(waiting.recipe, waiting.settings_sha256) for waiting in backlog]
    left: Counter[str] = Counter()
    for waiting in backlog:
        left[waiting.recipe] += waiting.pictures
    timings = timings_by_recipe(settings, ledger.queries.timings(ENGINE_VERSION))
    return work_seconds(work_estimate(speed, recipes, timings, left), left)
