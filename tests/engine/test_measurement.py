from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pipeline.engine.events import Event, Failed, Request
from pipeline.engine.measurement import BUDGET_SECONDS, measure_speed, noise
from pipeline.engine.speed import FORWARD
from pipeline.errors import OutOfMemoryError
from pipeline.model import Losses, Painting, Progress


class SlowEngine:
    """Takes ``seconds`` of its own clock for an evaluation of 1,000 pixels, and paints nothing."""

    device_name = "slow"

    def __init__(self, seconds: float, capacity: int = 1) -> None:
        self.capacity = capacity
        self.now = 100.0
        self._seconds = seconds
        self._seen: set[str] = set()

    def clock(self) -> float:
        return self.now

    def run(self, pull: Callable[[int], Sequence[Request]]) -> Iterator[Event]:
        requests = pull(self.capacity)
        while True:
            for request in requests:
                yield self._step(request)

    def _step(self, request: Request) -> Progress:
        evaluation = self._seconds * request.photo[..., 0].size / 1000
        evaluation *= 0.25 if len(request.recipe.style_layers) == 1 else 1.0
        (painting,) = request.style.paintings
        if painting.sha256 not in self._seen:
            self._seen.add(painting.sha256)
            self.now += evaluation * (FORWARD + 2.0)
        self.now += evaluation
        losses = Losses(1, 1, 2)
        return Progress(
            token=request.token, scale_index=0, scale_count=1, size=1, iteration=1, iterations=1, losses=losses
        )


class FullEngine(SlowEngine):
    """Has no memory at all."""

    def run(self, pull: Callable[[int], Sequence[Request]]) -> Iterator[Event]:
        yield from (Failed(request.token, OutOfMemoryError("too large")) for request in pull(1))


def test_an_evaluation_alone_and_together_and_a_painting_are_told_apart() -> None:
    engine = SlowEngine(0.001, capacity=4)
    speed = measure_speed(lambda: engine, 2.0, engine.clock)
    assert (speed.device, speed.pictures_at_once) == ("slow", 4)
    assert speed.shallow_share == pytest.approx(0.25)
    for look in speed.measurements:
        evaluation = 0.001 * look.pixels / 1000
        assert look.alone == pytest.approx(evaluation)
        assert look.together == pytest.approx(4 * evaluation)
        assert look.painting == pytest.approx(2 * evaluation)


def test_a_start_is_the_way_there_and_the_first_evaluations() -> None:
    engine = SlowEngine(0.1)
    assert measure_speed(lambda: engine, 2.0, engine.clock).startup_seconds > 2.0


def test_a_slow_machine_is_looked_at_with_small_pictures_alone() -> None:
    slow, fast = SlowEngine(1.0), SlowEngine(0.0001)
    assert [look.pixels for look in measure_speed(lambda: slow, 0.0, slow.clock).measurements] == [64 * 48, 128 * 96]
    began = fast.now
    assert len(measure_speed(lambda: fast, 0.0, fast.clock).measurements) == 4
    assert fast.now - began < 5 * BUDGET_SECONDS


def test_an_engine_that_fails_says_why() -> None:
    engine = FullEngine(1.0)
    with pytest.raises(OutOfMemoryError, match="too large"):
        measure_speed(lambda: engine, 0.0, engine.clock)


def test_a_painting_of_noise_is_a_painting() -> None:
    pixels = noise(Painting(Path("any"), "any"), 64)
    assert (pixels.shape[2], pixels.dtype) == (3, "uint8")
    assert pixels.std() > 50
