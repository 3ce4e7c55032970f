"""(h) Foresight: seconds predicted from what was measured of this machine, against those of the real worker.

Ten jobs, small and large, by each optimizer, of several proportions, one and several photos, paintings seen before
and new ones. Predicted as for a new folder, where nobody knows yet how many evaluations a recipe takes; and once more
with the evaluations that it really took, which leaves only what the measurement of the machine is to answer for.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from PIL import Image, ImageOps

from pipeline.config.recipes import RecipeSection
from pipeline.engine.speed import GUESS, Speed, network_pixels
from pipeline.executors import Executor
from pipeline.executors.local import LocalExecutor
from pipeline.executors.measuring import load_or_measure_speed
from pipeline.hashing import sha256_of_file
from pipeline.model import Artwork, Assignment, EngineSettings, Failure, Job, Painting, Recipe, Style
from pipeline.runner.planning.forecast import Task, forecast, makespan
from pipeline.runner.planning.run_plan import missing_targets
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row, percent, seconds

TITLE = "h. Foresight"


@dataclass(frozen=True, slots=True)
class Order:
    """A job of the benchmark: a recipe's settings, the photos' width by height, how many, and which painting."""

    settings: dict[str, object]
    proportion: float = 4 / 3
    photos: int = 1
    painting: int = 0

    @property
    def words(self) -> str:
        """Return what the row says."""
        settings = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        return f"{self.photos} × {settings}, {self.proportion:.2f}:1, painting {self.painting + 1}"


ORDERS = (
    Order({"size": 96}),
    Order({"size": 128}, proportion=1.5, photos=2),
    Order({"size": 128, "optimizer": "adam"}, proportion=0.67),
    Order({"size": 160}, proportion=1.0, painting=1),
    Order({"size": 192, "scales": 1}, proportion=3.0),
    Order({"size": 256}),
    Order({"size": 256, "scales": 1, "tolerance": 0, "iterations": 12}, proportion=0.75, painting=1),
    Order({"size": 128, "iterations": 15}, photos=5, painting=1),
    Order({"size": 384, "iterations": 10, "style_layers": ["relu1_1", "relu2_1", "relu3_1"]}, proportion=1.5),
    Order({"size": 640, "iterations": 6}, proportion=1.5, painting=1),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds of a job: predicted, predicted with the evaluations it took, and real."""

    order: Order
    foreseen: float
    with_hindsight: float
    real: float

    @property
    def error(self) -> float:
        """Return how far the prediction was off, as a share of the real time."""
        return abs(self.foreseen - self.real) / self.real

    @property
    def error_of_speed(self) -> float:
        """Return how far it was off with the evaluations known."""
        return abs(self.with_hindsight - self.real) / self.real


def rows(subjects: Subjects) -> list[Row]:
    """Measure the machine anew, then predict and run each job in one worker."""
    folder = subjects.folder / "foresight"
    folder.mkdir(parents=True)
    settings = EngineSettings(cache_folder=folder / "cache", machine_folder=folder / "machine")
    speed = load_or_measure_speed(settings, subjects.tell) or GUESS
    control = [_shortened(order) for order in ORDERS[:4]] if subjects.quick else list(ORDERS)
    with contextlib.closing(LocalExecutor(settings)) as executor:
        began = time.monotonic()
        list(executor.run(lambda _: []))
        start = time.monotonic() - began
        outcomes = list(outcomes_of(subjects, folder, control, speed, executor))
    return [
        Row("start of the worker", seconds(start), f"{seconds(speed.startup_seconds)} predicted"),
        *(
            Row(outcome.order.words, seconds(outcome.real),
                f"{seconds(outcome.foreseen)} predicted, {seconds(outcome.with_hindsight)} with hindsight",
                percent(outcome.error))
            for outcome in outcomes
        ),
        Row("median error", percent(median(outcome.error for outcome in outcomes)),
            f"{percent(median(outcome.error_of_speed for outcome in outcomes))} if the evaluations were known",
            "", "under 25 %"),
    ]  # fmt: skip


def outcomes_of(
    subjects: Subjects,
    folder: Path,
    control: Sequence[Order],
    speed: Speed,
    executor: Executor,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Outcome]:
    cached: set[tuple[str, int]] = set()
    for number, order in enumerate(control):
        recipe = RecipeSection.model_validate(order.settings).recipe("default")
        painting = subjects.paintings[order.painting]
        style = Style("style", (Painting(painting, sha256_of_file(painting)),))
        photos = [
            _photo(subjects.photos[index % len(subjects.photos)], folder / f"{number}-{index}.jpg", order.proportion)
            for index in range(order.photos)
        ]
        assignments = [_assignment(photo, style, recipe) for photo in photos]
        proportion = min(order.proportion, 1 / order.proportion)
        targets = list(missing_targets(style, recipe, cached))
        foreseen = forecast(speed, [Task(recipe, proportion)] * len(photos), targets, {})
        predicted = foreseen.seconds - foreseen.start_seconds  # its worker is started already
        began = clock()
        artworks = _run(executor, assignments)
        real = clock() - began
        works = [_work(speed, recipe, proportion, artwork) for artwork in artworks]
        with_hindsight = foreseen.painting_seconds + makespan(works, speed.pictures_at_once)
        evaluations = "; ".join(str(artwork.iterations) for artwork in artworks)
        subjects.tell(
            f"{order.words}: {real:.1f} s, predicted {predicted:.1f} s, "
            f"{with_hindsight:.1f} s with the evaluations {evaluations}"
        )
        yield Outcome(order, predicted, with_hindsight, real)


def _run(executor: Executor, assignments: list[Assignment]) -> list[Artwork]:
    artworks = []
    for event in executor.run(_source(assignments)):
        if isinstance(event, Failure):
            raise RuntimeError(event.reason)
        if isinstance(event, Artwork):
            artworks.append(event)
    return artworks


def _source(assignments: list[Assignment]) -> Callable[[int], list[Assignment]]:
    waiting = list(assignments)

    def give(count: int) -> list[Assignment]:
        taken, waiting[:] = waiting[:count], waiting[count:]
        return taken

    return give


def _work(speed: Speed, recipe: Recipe, proportion: float, artwork: Artwork) -> tuple[float, float]:
    pixels = [network_pixels(size, proportion) for size in artwork.sizes]
    alone, together = (
        speed.picture(recipe, pixels, artwork.iterations, pictures) for pictures in (1, speed.pictures_at_once)
    )
    return alone, together


def _shortened(order: Order) -> Order:
    return Order(order.settings | {"iterations": 3}, order.proportion, order.photos, order.painting)


def _photo(source: Path, path: Path, proportion: float) -> Path:
    """Write a crop of a photo with this width by height and the area of one megapixel."""
    width, height = round(1000 * proportion**0.5), round(1000 / proportion**0.5)
    with Image.open(source) as photo:
        ImageOps.fit(photo.convert("RGB"), (width, height)).save(path, quality=92)
    return path


def _assignment(photo: Path, style: Style, recipe: Recipe) -> Assignment:
    token = secrets.token_hex(8)
    return Assignment(
        token=token,
        job=Job(photo.name, style.name, recipe.name),
        key=token,
        photo_path=photo,
        photo_sha256=sha256_of_file(photo),
        style=style,
        recipe=recipe,
        part_path=photo.with_suffix(".part"),
    )
