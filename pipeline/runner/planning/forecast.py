"""From what a machine can do to how long pictures take. Owns the arithmetic over jobs; refuses files and words.

What decides is how many evaluations a scale takes before it gains too little to go on. Nobody knows that of a new
recipe; as soon as pictures of it are finished, it is known from them, and so is how far the machine keeps its pace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.engine.memory.requirements import need_of, program_bytes
from pipeline.engine.speed import Speed, network_pixels
from pipeline.ledger import Timing
from pipeline.model import OptimizerKind, Recipe
from pipeline.runner.execution.publishing import pixel_evaluations

#: Evaluations after which a scale usually gains too little to go on, with the default tolerance.
USUAL_EVALUATIONS: Final[Mapping[OptimizerKind, float]] = {"lbfgs": 48.0, "adam": 60.0, "sgd": 60.0}

# Beyond this, finished pictures were made by another machine or device than the one that was measured.
_PLAUSIBLE_PACE: Final = (0.4, 2.5)

#: With more pictures than this it does not matter how few are at work at the end.
_MANY: Final = 500


@dataclass(frozen=True, slots=True)
class Task:
    """A picture to make: by which recipe, and the photo's short side divided by its long one."""

    recipe: Recipe
    proportion: float


@dataclass(frozen=True, slots=True)
class TargetCost:
    """A painting to look at for the first time, at one size, for pictures of this recipe."""

    recipe: Recipe
    pixels: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeForecast:
    """Pictures of one recipe. ``evaluations`` at each of its sizes, ``learned`` from finished pictures or usual.

    ``seconds`` are what they add to a long run.
    """

    pictures: int
    evaluations: tuple[float, ...]
    learned: bool
    seconds: float


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
    sights: Iterable[TargetCost],
    timings: Mapping[str, Timing],
    *,
    begun: bool = False,
) -> Forecast:
    """Return how long ``tasks`` take; ``timings`` tell of finished pictures by the recipe's name.

    ``begun``: the worker is there already.
    """
    if not tasks:
        return Forecast()
    proportion = sum(task.proportion for task in tasks) / len(tasks)
    recipes = {task.recipe.name: task.recipe for task in tasks}
    experts = {name: _Expert(speed, recipe, timings.get(name), proportion) for name, recipe in recipes.items()}
    works = [experts[task.recipe.name].work(task.proportion) for task in tasks]
    start = 0.0 if begun else speed.start
    painting = sum(speed.painting(sight.recipe, sight.pixels) for sight in sights)
    each: dict[str, list[float]] = {name: [] for name in recipes}
    for task, (_, together) in zip(tasks, works, strict=True):
        each[task.recipe.name].append(together / speed.at_once)
    return Forecast(
        seconds=start + painting + makespan(works, speed.at_once),
        start_seconds=start,
        painting_seconds=painting,
        recipes={
            name: RecipeForecast(
                pictures=len(seconds),
                evaluations=experts[name].evaluations,
                learned=name in timings,
                seconds=sum(seconds),
            )
            for name, seconds in each.items()
        },
    )


def memory_bytes(speed: Speed, tasks: Iterable[tuple[Task, float]]) -> int:
    """Return the most bytes that a worker takes which makes as many of the largest pictures at once as it can.

    Each task comes with its painting's size relative to the picture's.
    """
    largest: dict[tuple[Recipe, float], float] = {}
    for task, scale in tasks:
        kind = (task.recipe, scale)
        largest[kind] = max(task.proportion, largest.get(kind, 0.0))
    return max(
        (_worker_bytes(speed.at_once, recipe, scale, proportion) for (recipe, scale), proportion in largest.items()),
        default=0,
    )


def _worker_bytes(at_once: int, recipe: Recipe, style_scale: float, proportion: float) -> int:
    need = need_of(recipe, max(1, round(recipe.size * proportion)), recipe.size, style_scale)
    return program_bytes(recipe) + at_once * need.plain


def makespan(works: Sequence[tuple[float, float]], at_once: int) -> float:
    """Return the seconds that pictures take, at most ``at_once`` of them at a time, in their order.

    Each has the seconds that it takes alone, and when as many as possible are at work.
    """
    if len(works) > _MANY:
        return sum(together for _, together in works) / at_once
    waiting, active, seconds = deque(works), list[tuple[float, float, float]](), 0.0
    while waiting or active:
        while waiting and len(active) < at_once:
            active.append((*waiting.popleft(), 1.0))
        crowd = (len(active) - 1) / max(1, at_once - 1)
        paces = [alone + (together - alone) * crowd for alone, together, _ in active]
        step = min(pace * left for pace, (*_, left) in zip(paces, active, strict=True))
        seconds += step
        rest = [(*work, left - step / pace) for pace, (*work, left) in zip(paces, active, strict=True)]
        active = [(alone, together, left) for alone, together, left in rest if left > 1e-9]
    return seconds


def expected_evaluations(recipe: Recipe, timing: Timing | None, proportion: float) -> tuple[float, ...]:
    """Return how many evaluations each scale takes: as finished pictures took, whose photos had this proportion."""
    most = recipe.iterations_by_scale()
    if timing is None:
        usual = USUAL_EVALUATIONS[recipe.optimizer] if recipe.tolerance else max(most)
        return tuple(min(float(count), usual) for count in most)
    possible = timing.pictures * pixel_evaluations(recipe, most, round(recipe.size**2 * proportion))
    share = min(1.0, timing.pixel_evaluations / possible)
    return tuple(count * share for count in most)


class _Expert:
    """Knows how long pictures of one recipe take."""

    def __init__(self, speed: Speed, recipe: Recipe, timing: Timing | None, proportion: float) -> None:
        self._speed, self._recipe = speed, recipe
        self._pace = 1.0
        self._known: dict[tuple[int, ...], tuple[float, float]] = {}
        self.evaluations = expected_evaluations(recipe, timing, proportion)
        if timing is not None:
            _, together = self.work(proportion)
            pace = timing.seconds / (timing.pictures * together / speed.at_once)
            self._known.clear()
            self._pace = pace if _PLAUSIBLE_PACE[0] < pace < _PLAUSIBLE_PACE[1] else 1.0

    def work(self, proportion: float) -> tuple[float, float]:
        """Return the seconds that a picture takes alone, and when as many as possible are at work."""
        pixels = tuple(network_pixels(size, proportion) for size in self._recipe.sizes())
        if pixels not in self._known:
            alone, together = (
                self._pace * self._speed.picture(self._recipe, pixels, self.evaluations, count)
                for count in (1, self._speed.at_once)
            )
            self._known[pixels] = (alone, together)
        return self._known[pixels]
