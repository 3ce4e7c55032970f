"""Estimates how long pictures take and how much memory, from the measured speed of the machine. Reads no files.

It depends most on how many evaluations a scale takes before it gains too little to continue. For a new recipe a
typical number is assumed; once pictures of it are finished, it is known from them, and so is how the machine's speed
compares with what was measured.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.engine.memory.limit import planned_limit
from pipeline.engine.memory.requirements import need_at, need_of, picture_pixels, plan_at, program_bytes
from pipeline.engine.speed import FORWARD, GUESS, Speed, network_pixels
from pipeline.engine.transfer.plateau import PLATEAU_WINDOW, fewer_evaluations, leniency_at
from pipeline.engine.transfer.strength import content_factor
from pipeline.ledger import Timing
from pipeline.model import EngineSettings, OptimizerKind, PictureEstimate, Recipe, StyleLossKind, WorkEstimate
from pipeline.runner.execution.publishing import pixel_evaluations

#: Short side by long side of a photo that was not looked at; most photos are 3:2 or 4:3.
TYPICAL_PROPORTION: Final = 0.7

#: Evaluations after which a scale typically gains too little to continue, with Gram matrices and the default
#: tolerance and strength.
TYPICAL_EVALUATIONS: Final[Mapping[OptimizerKind, float]] = {"lbfgs": 48.0, "adam": 60.0, "sgd": 60.0}

# With another style loss so many times as many: measured at eight pairs of a photo and a painting.
_BY_STYLE_LOSS: Final[Mapping[StyleLossKind, float]] = {
    "gram": 1.0,
    "mean_std": 1.2,
    "wasserstein": 0.67,
    "sliced_wasserstein": 1.0,
}

# Time taken by time estimated. Beyond this, pictures were made on another machine or device than was measured.
_PLAUSIBLE_SLOWDOWN: Final = (0.4, 2.5)

# An evaluation in blocks: measured 1.6 to 2.0 from 0.25 to 3 megapixels on two threads.
_LONGER_IN_BLOCKS: Final = 1.8

#: With more pictures than this it does not matter that fewer than possible are in progress at the end.
_MOST_SIMULATED: Final = 500
#: So many stand for the pictures of a recipe whose sizes differ.
_MOST_USUAL: Final = 50


@dataclass(frozen=True, slots=True)
class Task:
    """A picture to make: by which recipe, its size in pixels, and the photo's short side divided by its long one."""

    recipe: Recipe
    proportion: float


@dataclass(frozen=True, slots=True)
class TargetCost:
    """A style target to compute: of a painting at one size, for pictures of this recipe."""

    recipe: Recipe
    pixels: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeForecast:
    """Pictures of one recipe.

    ``evaluations`` at each of its sizes are ``learned`` from finished pictures, or typical ones. ``seconds``
    are what they add to a long run. Where sizes differ from photo to photo, ``sizes`` are those of a picture with the
    most of them.
    """

    pictures: int
    evaluations: tuple[float, ...]
    learned: bool
    seconds: float
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How long a run takes; ``start_seconds`` and ``painting_seconds`` are part of ``seconds``."""

    seconds: float = 0.0
    start_seconds: float = 0.0
    painting_seconds: float = 0.0
    recipes: Mapping[str, RecipeForecast] = field(default_factory=dict)


def forecast(
    speed: Speed,
    tasks: Sequence[Task],
    targets: Iterable[TargetCost],
    timings: Mapping[str, Timing],
    limit_bytes: float = math.inf,
) -> Forecast:
    """Return how long ``tasks`` take; ``timings`` are those of finished pictures, by the recipe's name.

    ``limit_bytes``: see :func:`picture_limit`.
    """
    if not tasks:
        return Forecast()
    proportion = sum(task.proportion for task in tasks) / len(tasks)
    recipes: dict[str, list[Task]] = {}
    for task in tasks:
        recipes.setdefault(task.recipe.name, []).append(task)
    estimates = {
        name: _PictureSeconds(speed, _usual(of_recipe, proportion), timings.get(name), limit_bytes)
        for name, of_recipe in recipes.items()
    }
    seconds_each = [estimates[task.recipe.name].of(task) for task in tasks]
    painting = sum(speed.painting(target.recipe, target.pixels) for target in targets)
    each: dict[str, list[float]] = {name: [] for name in recipes}
    for task, (_, together) in zip(tasks, seconds_each, strict=True):
        each[task.recipe.name].append(together / speed.pictures_at_once)
    return Forecast(
        seconds=speed.startup_seconds + painting + makespan(seconds_each, speed.pictures_at_once),
        start_seconds=speed.startup_seconds,
        painting_seconds=painting,
        recipes={
            name: RecipeForecast(
                pictures=len(seconds),
                evaluations=estimates[name].evaluations,
                learned=name in timings,
                seconds=sum(seconds),
                sizes=estimates[name].recipe.sizes(),
            )
            for name, seconds in each.items()
        },
    )


def _usual(tasks: Sequence[Task], proportion: float) -> list[Task]:
    """Return what stands for the pictures of a recipe: a single one if all have the same size, else some of them."""
    if all(task.recipe == tasks[0].recipe for task in tasks):
        return [Task(tasks[0].recipe, proportion)]
    by_pixels = sorted(tasks, key=lambda task: task.recipe.size**2 * task.proportion)
    return by_pixels[:: -(-len(tasks) // _MOST_USUAL)]


def picture_limit(engine: EngineSettings, speed: Speed | None) -> float:
    """Return what a picture may take as planned: known of the CPU, infinity on a GPU."""
    on_cpu = engine.device == "cpu" if speed is None else speed.device.startswith("cpu")
    return planned_limit(engine.memory_bytes) if on_cpu else math.inf


def memory_bytes(speed: Speed, tasks: Sequence[tuple[Task, float]], limit_bytes: float = math.inf) -> int:
    """Return the most memory that a worker takes: with as many of the largest pictures in progress as it allows.

    Each task comes with its painting's size relative to the picture's.
    """
    largest: dict[tuple[Recipe, float], float] = {}
    for task, scale in tasks:
        kind = (task.recipe, scale)
        largest[kind] = max(task.proportion, largest.get(kind, 0.0))
    at_once = min(speed.pictures_at_once, len(tasks))
    return max(
        (
            _worker_bytes(at_once, recipe, scale, proportion, limit_bytes)
            for (recipe, scale), proportion in largest.items()
        ),
        default=0,
    )


def _worker_bytes(at_once: int, recipe: Recipe, style_scale: float, proportion: float, limit_bytes: float) -> int:
    height = max(1, round(recipe.size * proportion))
    plan = plan_at(recipe, picture_pixels(recipe, height, recipe.size), limit_bytes)
    need = need_of(recipe, height, recipe.size, style_scale, plan)
    return program_bytes(recipe) + _fitting(at_once, need, limit_bytes) * need


def _fitting(at_once: int, need: float, limit_bytes: float) -> int:
    """Return how many of ``at_once`` pictures that each need so many bytes are in progress together."""
    return max(1, int(min(at_once, limit_bytes // need)))


def makespan(seconds_each: Sequence[tuple[float, float]], at_once: int) -> float:
    """Return the seconds that pictures take in their order, with at most ``at_once`` of them in progress.

    Each has the seconds that it takes alone, and with as many as possible in progress.
    """
    if len(seconds_each) > _MOST_SIMULATED:
        return sum(together for _, together in seconds_each) / at_once
    waiting, active, seconds = deque(seconds_each), list[tuple[float, float, float]](), 0.0
    while waiting or active:
        while waiting and len(active) < at_once:
            active.append((*waiting.popleft(), 1.0))
        load = (len(active) - 1) / max(1, at_once - 1)
        seconds_of_each = [alone + (together - alone) * load for alone, together, _ in active]
        step = min(whole * left for whole, (*_, left) in zip(seconds_of_each, active, strict=True))
        seconds += step
        rest = [(*times, left - step / whole) for whole, (*times, left) in zip(seconds_of_each, active, strict=True)]
        active = [(alone, together, left) for alone, together, left in rest if left > 1e-9]
    return seconds


def expected_evaluations(recipe: Recipe, timing: Timing | None, usual: Sequence[Task]) -> tuple[float, ...]:
    """Return how many evaluations each scale takes, from finished pictures, which were such as the ``usual`` ones."""
    most = recipe.iterations_by_scale()
    if timing is None:
        if not recipe.tolerance:
            return tuple(map(float, most))
        typical = _typical_evaluations(recipe)
        return tuple(
            min(float(count), max(PLATEAU_WINDOW + 1, typical / fewer_evaluations(leniency_at(recipe, index))))
            for index, count in enumerate(most)
        )
    possible = timing.pictures * sum(map(_most_work, usual)) / len(usual)
    share = min(1.0, timing.pixel_evaluations / possible)
    return tuple(count * share for count in most)


def _most_work(task: Task) -> float:
    recipe = task.recipe
    pixels = round(recipe.size**2 * task.proportion)
    return pixel_evaluations(recipe.sizes(), recipe.iterations_by_scale(), pixels)


def _typical_evaluations(recipe: Recipe) -> float:
    """Return the evaluations of a scale; measured with tolerances from 0.01 to 0.16 and strengths from 0 to 1."""
    doublings = -math.log2(content_factor(recipe.strength))
    by_strength = 1 + doublings / 5 if doublings > 0 else max(0.6, 1 + doublings / 8)
    by_tolerance = math.sqrt(Recipe().tolerance / recipe.tolerance)
    by_loss = max(_BY_STYLE_LOSS[loss] for loss, _ in recipe.style_losses)
    return TYPICAL_EVALUATIONS[recipe.optimizer] * by_strength * by_tolerance * by_loss


def work_estimate(
    speed: Speed | None,
    recipes: Mapping[str, Recipe],
    timings: Mapping[str, Timing],
    needed: Iterable[str],
    usual: Mapping[str, Sequence[Task]] = {},
    limit_bytes: float = math.inf,
) -> WorkEstimate:
    """Return what a picture of each of the ``recipes`` takes, without a look at any photo; ``timings`` by recipe.

    Without a ``speed`` that is known only if pictures of all recipes that are ``needed`` were made before. ``usual``:
    pictures such as are to be made by a recipe; without any, of typical photos.
    """
    estimates = {
        name: _PictureSeconds(
            speed or GUESS,
            usual.get(name) or [Task(recipe.for_typical_photo(), TYPICAL_PROPORTION)],
            timings.get(name),
            limit_bytes,
            # Pictures that were made have their photos' sizes, and so do the next ones.
            plausible_slowdown=_PLAUSIBLE_SLOWDOWN if speed and recipe.size_rule is None else (0.0, math.inf),
        )
        for name, recipe in recipes.items()
    }
    if speed is None and timings:
        # As much slower or faster than the guess as this machine was with the other recipes.
        learned = [estimates[name].slowdown for name in recipes if name in timings]
        for name in estimates.keys() - timings.keys():
            estimates[name].slowdown = sum(learned) / len(learned) if learned else 1.0
    return WorkEstimate(
        is_known=speed is not None or (bool(timings) and all(name in timings for name in needed)),
        start_seconds=0.0 if speed is None else speed.startup_seconds,
        pictures_at_once=(speed or GUESS).pictures_at_once,
        recipes={name: estimate.of_usual_photo() for name, estimate in estimates.items()},
    )


def timings_by_recipe(settings: Iterable[tuple[str, str]], found: Mapping[str, Timing]) -> dict[str, Timing]:
    """Return what finished pictures took, added up by recipe; ``settings``: recipes with hashes of their settings."""
    timings: dict[str, Timing] = {}
    # Styles of the same paintings have the same settings, and the same pictures.
    for settings_sha256, recipe in {sha256: recipe for recipe, sha256 in settings}.items():
        if settings_sha256 in found:
            before, more = timings.get(recipe, Timing(0, 0.0, 0.0)), found[settings_sha256]
            timings[recipe] = Timing(
                before.pictures + more.pictures,
                before.seconds + more.seconds,
                before.pixel_evaluations + more.pixel_evaluations,
            )
    return timings


class _PictureSeconds:
    """Estimates how long pictures of one recipe take: ``slowdown`` times as long as the speed says.

    ``usual``: pictures such as were made before; ``recipe`` is that of the one with the most sizes.
    """

    def __init__(
        self,
        speed: Speed,
        usual: Sequence[Task],
        timing: Timing | None,
        limit_bytes: float,
        plausible_slowdown: tuple[float, float] = _PLAUSIBLE_SLOWDOWN,
    ) -> None:
        self._speed, self._usual, self._timing, self._limit_bytes = speed, usual, timing, limit_bytes
        self.recipe = max((task.recipe for task in usual), key=lambda recipe: len(recipe.sizes()))
        self.slowdown = 1.0
        self._cache: dict[tuple[int, ...], tuple[float, float]] = {}
        self._evaluations: dict[Recipe, tuple[float, ...]] = {}
        self.evaluations = self._evaluations_of(self.recipe)
        if timing is not None:
            together = sum(self.of(task)[1] for task in usual) / len(usual)
            slowdown = timing.seconds / (timing.pictures * together / speed.pictures_at_once)
            self.slowdown = slowdown if plausible_slowdown[0] < slowdown < plausible_slowdown[1] else 1.0

    def _evaluations_of(self, recipe: Recipe) -> tuple[float, ...]:
        if recipe not in self._evaluations:
            self._evaluations[recipe] = expected_evaluations(recipe, self._timing, self._usual)
        return self._evaluations[recipe]

    def of(self, task: Task) -> tuple[float, float]:
        """Return the seconds that a picture takes alone, and with as many as possible in progress."""
        pixels = tuple(network_pixels(size, task.proportion) for size in task.recipe.sizes())
        if pixels not in self._cache:
            self._cache[pixels] = self._measured(task.recipe, pixels)
        alone, together = self._cache[pixels]
        return self.slowdown * alone, self.slowdown * together

    def _measured(self, recipe: Recipe, pixels: tuple[int, ...]) -> tuple[float, float]:
        evaluations = [
            count * (_LONGER_IN_BLOCKS if plan_at(recipe, size, self._limit_bytes).in_blocks else 1.0)
            for size, count in zip(pixels, self._evaluations_of(recipe), strict=True)
        ]
        at_once = self._speed.pictures_at_once
        need = need_at(recipe, pixels[-1], plan_at(recipe, pixels[-1], self._limit_bytes))
        fitting = _fitting(at_once, need, self._limit_bytes)
        alone, together = (self._speed.picture(recipe, pixels, evaluations, count) for count in (1, fitting))
        return alone, together * at_once / fitting

    def of_usual_photo(self) -> PictureEstimate:
        """Return the same for the usual pictures, and how it is divided among the scales."""
        each = [self.of(task) for task in self._usual]
        alone, together = (sum(seconds) / len(each) for seconds in zip(*each, strict=True))
        pixels = [network_pixels(size, TYPICAL_PROPORTION) for size in self.recipe.sizes()]
        scales = [
            self._speed.evaluation(size) * (count + FORWARD)
            for size, count in zip(pixels, self.evaluations, strict=True)
        ]
        return PictureEstimate(
            evaluations=self.evaluations,
            shares=tuple(seconds / sum(scales) for seconds in scales),
            alone_seconds=alone,
            together_seconds=together,
        )
