"""Stand-ins that many tests share: an engine steered by a photo's color, photos made on the spot, a fake clock.

The engine paints at once and without torch, so that whole programs can be tested in milliseconds. A photo's mean
color tells it what to do: see :data:`COLORS`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.engine.events import (
    CheckpointReady,
    Event,
    Failed,
    Finished,
    Preview,
    Request,
    Resumed,
    RunControl,
    Snapshot,
)
from pipeline.errors import MemoryShortError, OutOfMemoryError, StylewatchError, StylizeError, WeightsError
from pipeline.failpoints import failpoint
from pipeline.images.decode import decode_painting
from pipeline.model import EngineSettings, Losses, LossHistory, LossPoint, Occupancy, Progress

#: What the fake engine does with a photo of this color.
COLORS = {
    "fine": (40, 120, 40),
    "diverges": (200, 40, 40),
    "kills the worker": (40, 40, 200),
    "needs too much memory": (200, 200, 40),
    "comes when memory is short": (10, 10, 10),
    "takes for ever": (200, 40, 200),
    "hangs": (40, 200, 200),
    "breaks the worker": (240, 240, 240),
}


#: How the losses of each of its pictures went.
HISTORY = LossHistory(
    ("content relu4_2", "style relu1_1"),
    (LossPoint(1, 0, 2.5, 0.0, (0.5, 2.0)), LossPoint(2, 0, 1.4, 0.0, (0.4, 1.0))),
)


def write_photo(path: Path, kind: str = "fine", size: tuple[int, int] = (48, 32), shade: int = 0) -> Path:
    """Write a PNG that the fake engine treats as ``kind``; different shades are different contents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    red, green, blue = COLORS[kind]
    Image.new("RGB", size, (red + shade % 16, green + shade // 16 % 16, blue)).save(path, format="PNG")
    return path


def write_painting(path: Path, color: tuple[int, int, int] = (250, 180, 20)) -> Path:
    """Write a painting with some texture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.effect_noise((96, 64), 60).convert("RGB")
    Image.blend(image, Image.new("RGB", image.size, color), 0.5).save(path, quality=95)
    return path


class FakeEngine:
    """Gives back the photo with its colors inverted, one canvas after the other.

    A checkpoint of its holds no more than the number of evaluations and the seconds spent.
    """

    def __init__(self, capacity: int = 2, *, steered: bool = True) -> None:
        self.capacity = capacity
        self._steered = steered
        self.device_name = f"fake ({capacity} at once)"
        self.control = RunControl()

    def run(self, pull: Callable[[int], Sequence[Request]], control: RunControl = RunControl()) -> Iterator[Event]:
        self.control = control
        while not control.suspend() and (requests := pull(self.capacity)):
            for request in requests:
                if control.suspend():
                    yield checkpoint(request, 0, last=True)
                else:
                    yield from self._paint(request)

    def _paint(self, request: Request) -> Iterator[Event]:
        kind = _kind(request) if self._steered else "fine"
        if kind == "kills the worker":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "breaks the worker":
            os.kill(os.getpid(), signal.SIGSEGV)
        if kind == "hangs":
            time.sleep(3600)
        errors: dict[str, StylewatchError] = {
            "diverges": StylizeError("the loss became nan"),
            "needs too much memory": OutOfMemoryError("does not fit"),
            "comes when memory is short": MemoryShortError("not enough memory just now"),
        }
        if kind in errors:
            yield Failed(request.token, errors[kind])
            return
        losses = Losses(0.5, 2.0, 2.5)
        evaluations, seconds = kept_in(request.checkpoint)
        if evaluations:
            yield _resumed(request, evaluations, seconds)
        yield _step(request, losses)
        evaluations += 1
        yield from self._preview(request, evaluations)
        if self.control.wants_checkpoint(request.token):
            yield checkpoint(request, evaluations)
        if kind == "takes for ever":
            yield from self._go_on_until_suspended(request, evaluations, losses)
            return
        pixels = (1.0 - request.photo.astype(np.float32) / 255.0).astype(np.float32)
        if request.recipe.snapshot_every:
            yield Snapshot(token=request.token, iteration=1, scale_index=0, pixels=pixels)
        yield Occupancy(used=3, offered=4)
        yield Finished(
            token=request.token,
            pixels=pixels,
            sizes=request.recipe.sizes(),
            iterations=(1,) * len(request.recipe.sizes()),
            first=losses,
            last=Losses(0.4, 1.0, 1.4),
            cache_hits=1,
            cache_misses=0,
            notes=(),
            history=HISTORY,
        )

    def _go_on_until_suspended(self, request: Request, evaluations: int, losses: Losses) -> Iterator[Event]:
        while not self.control.suspend():
            time.sleep(0.02)
            yield _step(request, losses)
            evaluations += 1
            yield from self._preview(request, evaluations)
            if self.control.wants_checkpoint(request.token):
                yield checkpoint(request, evaluations)
        yield checkpoint(request, evaluations, last=True)

    def _preview(self, request: Request, evaluations: int) -> Iterator[Event]:
        if self.control.wants_preview(request.token, evaluations):
            pixels = request.photo.astype(np.float32) / np.float32(255)
            yield Preview(token=request.token, evaluations=evaluations, pixels=pixels)


class LookingEngine(FakeEngine):
    """Looks at a picture's paintings before it paints, as the real one does with an empty style cache."""

    def _paint(self, request: Request) -> Iterator[Event]:
        try:
            for painting in request.style.paintings:
                decode_painting(painting.path, painting.sha256)
        except StylewatchError as error:
            yield Failed(request.token, error)
            return
        yield from super()._paint(request)


def _step(request: Request, losses: Losses) -> Progress:
    size = request.recipe.size
    return Progress(
        token=request.token, scale_index=0, scale_count=1, size=size, iteration=1, iterations=1, losses=losses
    )


def checkpoint(request: Request, evaluations: int, *, last: bool = False) -> CheckpointReady:
    def save(path: Path, seconds: float) -> None:
        path.with_suffix(".part").write_text(f"{evaluations} {seconds}")
        failpoint("worker-checkpoint-written")
        path.with_suffix(".part").replace(path)
        failpoint("worker-checkpoint-kept")

    return CheckpointReady(
        token=request.token,
        size=request.recipe.size,
        iteration=evaluations,
        iterations=evaluations + 1,
        evaluations=evaluations,
        size_bytes=1000,
        save=save,
        last=last,
    )


def kept_in(checkpoint: Path | None) -> tuple[int, float]:
    """Return the evaluations and seconds in a checkpoint of the fake engine, zeros if there is none."""
    if checkpoint is None or not checkpoint.exists():
        return 0, 0.0
    evaluations, seconds = checkpoint.read_text().split()
    return int(evaluations), float(seconds)


def _resumed(request: Request, evaluations: int, seconds: float) -> Resumed:
    return Resumed(
        token=request.token,
        size=request.recipe.size,
        iteration=evaluations,
        iterations=evaluations + 1,
        evaluations=evaluations,
        seconds=seconds,
    )


def _kind(request: Request) -> str:
    mean = request.photo.reshape(-1, 3).mean(axis=0)
    return min(COLORS, key=lambda kind: float(np.abs(mean - np.array(COLORS[kind])).sum()))


def fake_engine(settings: EngineSettings) -> FakeEngine:
    """Build the fake engine in a worker's process."""
    return FakeEngine(settings.batch_size or 2)


def cpu_engine(settings: EngineSettings) -> FakeEngine:
    """Build a fake engine that says it works on the CPU, with the machine's own memory."""
    engine = fake_engine(settings)
    engine.device_name = "cpu (1 threads, float32)"
    return engine


def plain_engine(settings: EngineSettings) -> FakeEngine:
    """Build a fake engine that paints whatever it gets, in whatever color it is."""
    return FakeEngine(settings.batch_size or 2, steered=False)


def unfit_engine(settings: EngineSettings) -> FakeEngine:
    """Fail as an engine without weights does."""
    raise WeightsError("the weights are gone; put them back")


def stillborn_engine(settings: EngineSettings) -> FakeEngine:
    """Die before being ready."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def frail_engine(settings: EngineSettings) -> FakeEngine:
    """Build the fake engine, or die before being ready once there is a file ``broken`` in the machine's folder."""
    assert settings.machine_folder is not None
    if (settings.machine_folder / "broken").exists():
        stillborn_engine(settings)
    return fake_engine(settings)
