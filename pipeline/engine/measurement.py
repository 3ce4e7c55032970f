"""Measures how long evaluations take on this machine; :mod:`pipeline.engine.speed` predicts from it.

The real engine is measured, with pictures of noise: one alone, and as many as it works on at once, at growing sizes
until the time is used up. Meant for a process of its own, since torch takes seconds to load.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.engine.events import Event, Failed, Request
from pipeline.engine.speed import FORWARD, SHALLOW_LAYER, Measurement, Speed, network_pixels
from pipeline.model import Painting, Progress, Recipe, Style

#: How long each of the passes over all sizes may take, besides the two smallest sizes.
BUDGET_SECONDS: Final = 12.0

# Other programs disturb a measurement for seconds: of two measurements, some time apart, one is rarely disturbed.
_PASSES: Final = 2

# As many pictures as are worked on at once are sure to fit into memory up to the last of these.
_SIZES: Final = (64, 128, 256, 512)
_PROPORTION: Final = 0.75
_PAINTING: Final = (960, 1280)
_SHALLOW_SIZE: Final = 256
_LEAST_ROUNDS, _MOST_ROUNDS, _ROUNDS_SECONDS = 2, 12, 0.5

SecondsClock = Callable[[], float]


class MeasuredEngine(Protocol):
    """What is measured: a :class:`pipeline.engine.scheduler.stylizer.Stylizer`."""

    @property
    def capacity(self) -> int:
        """Return how many pictures are worked on at once."""
        ...

    @property
    def device_name(self) -> str:
        """Return what it computes on."""
        ...

    def run(self, pull: Callable[[int], Sequence[Request]]) -> Iterator[Event]:
        """Stylize what ``pull`` gives."""
        ...


def noise(_painting: Painting, _long_side: int) -> npt.NDArray[np.uint8]:
    """Return the pixels (H, W, 3) of a painting of noise; measured engines load it for every painting."""
    return _noise(*_PAINTING)


def measure_speed(
    make_engine: Callable[[], MeasuredEngine], startup_seconds: float, clock: SecondsClock = time.perf_counter
) -> Speed:
    """Return the speed of the engines that ``make_engine`` makes, on paintings of :func:`noise`.

    ``startup_seconds``: seconds since the process was started. Raises what engines raise.
    """
    make_engine()  # first whatever is calibrated only once for a machine
    began = clock()
    engine = make_engine()
    # What is prepared when it is first needed.
    _round_seconds(engine, _recipe("warm-up", _SIZES[0]), 1, clock)
    ready_after = startup_seconds + clock() - began
    by_size = _least([_measure_sizes(engine, f"pass {number}", clock) for number in range(_PASSES)])
    size, alone = next((size, found.alone) for size, found in reversed(by_size) if size <= _SHALLOW_SIZE)
    shallow = replace(_recipe("shallow", size), content_layers=(), style_layers=((SHALLOW_LAYER, 1.0),))
    return Speed(
        device=engine.device_name,
        pictures_at_once=engine.capacity,
        startup_seconds=ready_after,
        shallow_share=min(1.0, min(_round_seconds(engine, shallow, 1, clock)[1:]) / alone),
        measurements=tuple(found for _, found in by_size),
    )


def _least(passes: Sequence[Sequence[tuple[int, Measurement]]]) -> list[tuple[int, Measurement]]:
    """Return one measurement for each size, with the least seconds of each kind."""
    by_size: dict[int, Measurement] = {}
    for size, found in itertools.chain(*passes):
        known = by_size.get(size, found)
        by_size[size] = Measurement(
            found.pixels,
            min(known.alone, found.alone),
            min(known.together, found.together),
            min(known.painting, found.painting),
        )
    return sorted(by_size.items())


def _measure_sizes(engine: MeasuredEngine, name: str, clock: SecondsClock) -> list[tuple[int, Measurement]]:
    """Measure larger and larger pictures, as long as the next measurement is sure to end in time."""
    by_size: list[tuple[int, Measurement]] = []
    began = clock()
    for size in _SIZES:
        if len(by_size) > 1 and clock() - began + _next_seconds(by_size[-1][1]) > BUDGET_SECONDS:
            break
        by_size.append((size, _measure_size(engine, _recipe(f"{name}, {size} pixels", size), clock)))
    return by_size


def _next_seconds(last: Measurement) -> float:
    """Return how long measuring pictures of twice the side takes: four times as long a round."""
    rounds = 1 + FORWARD + _LEAST_ROUNDS
    return 4 * (last.painting + rounds * (last.alone + last.together))


def _measure_size(engine: MeasuredEngine, recipe: Recipe, clock: SecondsClock) -> Measurement:
    first, *others = _round_seconds(engine, recipe, 1, clock)
    alone = together = min(others)
    if engine.capacity > 1:
        together = min(_round_seconds(engine, recipe, engine.capacity, clock)[1:])
    # The first round includes the painting's features and the photo's.
    painting = max(first - (1 + FORWARD) * alone, FORWARD * alone)
    return Measurement(network_pixels(recipe.size, _PROPORTION), alone, together, painting)


def _recipe(name: str, size: int) -> Recipe:
    """Return a recipe that never ends, at one size, by the usual loss; ``name`` names its painting, too."""
    return Recipe(name=name, size=size, scales=1, iterations=10**6, tolerance=0.0, style_loss=(("gram", 1.0),))


def _round_seconds(engine: MeasuredEngine, recipe: Recipe, count: int, clock: SecondsClock) -> list[float]:
    """Return the seconds of rounds in each of which ``count`` pictures are evaluated once."""
    photo = _noise(round(recipe.size * _PROPORTION), recipe.size)
    style = Style("noise", (Painting(Path("noise"), recipe.name),))
    waiting = [Request(str(number), photo, style, recipe) for number in range(count)]

    def pull(free: int) -> list[Request]:
        taken, waiting[:] = waiting[:free], waiting[free:]
        return taken

    seconds: list[float] = []
    with contextlib.closing(_steps(engine.run(pull))) as steps:
        while len(seconds) <= _LEAST_ROUNDS or (sum(seconds[1:]) < _ROUNDS_SECONDS and len(seconds) <= _MOST_ROUNDS):
            began = clock()
            for _ in range(count):
                next(steps)
            seconds.append(clock() - began)
    return seconds


def _steps(events: Iterator[Event]) -> Generator[None, None, None]:
    for event in events:
        if isinstance(event, Failed):
            raise event.error
        if isinstance(event, Progress):
            yield


def _noise(height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
