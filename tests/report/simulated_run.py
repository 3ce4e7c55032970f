"""A run as it would be on some machine, with a clock of its own: for tests of what is said about its time left."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.model import (
    BacklogChanged,
    Job,
    JobStarted,
    Losses,
    PictureEstimate,
    Progress,
    RunEvent,
    RunStarted,
    WorkEstimate,
)
from pipeline.report.run_progress import RunProgress
from tests.report.events import finished

#: The limit of a recipe, far more than it takes.
MOST = 150


@dataclass(frozen=True)
class Kind:
    """A recipe as it is: evaluations at each of its scales, and seconds of each, with one picture in progress."""

    evaluations: tuple[int, ...]
    seconds: tuple[float, ...]

    def alone(self) -> float:
        return sum(count * each for count, each in zip(self.evaluations, self.seconds, strict=True))


SMALL = Kind((48, 40), (0.05, 0.2))
LARGE = Kind((48, 45, 40, 40), (0.05, 0.2, 0.8, 3.2))


def forecast(kinds: dict[str, Kind], at_once: int = 2, crowding: float = 1.8, wrong: float = 1.0) -> WorkEstimate:
    """Return a forecast that is ``wrong`` times the truth; ``crowding``: a picture's time together by that alone."""
    return WorkEstimate(
        is_known=True,
        start_seconds=6.0,
        pictures_at_once=at_once,
        recipes={
            name: PictureEstimate(
                evaluations=tuple(map(float, kind.evaluations)),
                shares=tuple(
                    count * each / kind.alone() for count, each in zip(kind.evaluations, kind.seconds, strict=True)
                ),
                alone_seconds=wrong * kind.alone(),
                together_seconds=wrong * crowding * kind.alone(),
            )
            for name, kind in kinds.items()
        },
    )


@dataclass
class _Canvas:
    token: str
    job: Job
    kind: Kind
    scale: int = 0
    iteration: int = 0
    part: float = 0.0  # of the evaluation that it is at


@dataclass(frozen=True)
class Sample:
    """What was said at a moment (None = nothing), after how many pictures; ``truth`` is what it really took."""

    now: float
    made: int
    said: float | None
    truth: float = math.nan

    @property
    def factor(self) -> float:
        """Return by which factor it was wrong, 1 = right."""
        assert self.said is not None
        return max(self.said, 0.01) / max(self.truth, 0.01)


@dataclass
class SimulatedRun:
    """Makes pictures of ``recipes``, in their order, ``at_once`` of them, and asks what is left every ``step``."""

    kinds: dict[str, Kind]
    recipes: list[str]
    estimate: WorkEstimate | None
    at_once: int = 2
    crowding: float = 1.8
    start_seconds: float = 6.0
    step: float = 0.2
    crash_at: float = math.inf
    slowness: Callable[[float], float] = lambda _now: 1.0
    now: float = 1000.0
    samples: list[Sample] = field(default_factory=list)

    def run(self) -> list[Sample]:
        board = RunProgress()
        counts = {name: self.recipes.count(name) for name in dict.fromkeys(self.recipes)}
        self._tell(board, started(len(self.recipes), counts, self.estimate))
        waiting = [(Job(f"{number}.jpg", "night", recipe), recipe) for number, recipe in enumerate(self.recipes)]
        active: list[_Canvas] = []
        ready_at, tokens = self.now + self.start_seconds, 0
        while waiting or active:
            self._sample(board)
            self.now += self.step
            if self.now < ready_at:
                continue
            if self.now >= self.crash_at:
                self.crash_at, ready_at = math.inf, self.now + self.start_seconds
                waiting = [(canvas.job, canvas.job.recipe) for canvas in active] + waiting
                active = []
                continue
            while waiting and len(active) < self.at_once:
                job, recipe = waiting.pop(0)
                tokens += 1
                active.append(_Canvas(f"t{tokens}", job, self.kinds[recipe]))
                self._tell(board, JobStarted(f"t{tokens}", job, "out.jpg"))
            for canvas in list(active):
                if self._advance(board, canvas, len(active)):
                    active.remove(canvas)
                    self._tell(board, finished(canvas.job, canvas.token))
        return [Sample(each.now, each.made, each.said, self.now - each.now) for each in self.samples]

    def _advance(self, board: RunProgress, canvas: _Canvas, load: int) -> bool:
        slow = 1 + (self.crowding - 1) * (load - 1) / max(1, self.at_once - 1)
        time = self.step / (slow * self.slowness(self.now))
        while time > 0:
            each = canvas.kind.seconds[canvas.scale]
            needed = (1 - canvas.part) * each
            if time < needed:
                canvas.part += time / each
                return False
            time, canvas.part, canvas.iteration = time - needed, 0.0, canvas.iteration + 1
            self._tell(board, self._progress(canvas))
            if canvas.iteration == canvas.kind.evaluations[canvas.scale]:
                canvas.scale, canvas.iteration = canvas.scale + 1, 0
                if canvas.scale == len(canvas.kind.evaluations):
                    return True
        return False

    def _progress(self, canvas: _Canvas) -> Progress:
        return Progress(
            token=canvas.token,
            scale_index=canvas.scale,
            scale_count=len(canvas.kind.evaluations),
            size=128 << canvas.scale,
            iteration=canvas.iteration,
            iterations=MOST,
            losses=Losses(0.1, 0.2, 0.3),
        )

    def _tell(self, board: RunProgress, event: RunEvent) -> None:
        board.update(event, self.now)
        self._sample(board)

    def _sample(self, board: RunProgress) -> None:
        self.samples.append(Sample(self.now, board.done, board.seconds_left(self.now)))


def started(jobs: int, recipes: dict[str, int], estimate: WorkEstimate | None) -> RunStarted:
    return RunStarted(
        run_id="r1", config="my.yaml", photos=jobs, jobs=jobs, done=0, estimate=estimate, recipes=recipes
    )


def changed(recipes: dict[str, int]) -> BacklogChanged:
    return BacklogChanged(sum(recipes.values()), recipes)
