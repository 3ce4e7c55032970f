"""Engines that are slow: one at its evaluations, of whose blocks it may tell, one at saving checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.engine.events import Event, Request, RunControl
from pipeline.model import EngineSettings, Losses, Progress
from tests.fakes import FakeEngine, checkpoint

SECONDS = 6.0
SAVING_SECONDS = 1.2


class SlowEngine(FakeEngine):
    def _paint(self, request: Request) -> Iterator[Event]:
        blocks = 60
        for number in range(blocks):
            time.sleep(SECONDS / blocks)
            if request.token == "talks":
                self.control.on_share(request.token, (number + 1) / blocks)
        yield from super()._paint(request)


def slow_engine(settings: EngineSettings) -> SlowEngine:
    return SlowEngine(capacity=1)


class SlowlySavingEngine(FakeEngine):
    """Works on three pictures together until it is suspended."""

    def run(self, pull: Callable[[int], Sequence[Request]], control: RunControl = RunControl()) -> Iterator[Event]:
        requests = list(pull(3))
        while len(requests) < 3:
            time.sleep(0.02)
            requests += pull(3 - len(requests))
        while not control.suspend():
            time.sleep(0.02)
            yield Progress(
                token=requests[0].token,
                scale_index=0,
                scale_count=1,
                size=48,
                iteration=1,
                iterations=2,
                losses=Losses(0.5, 2.0, 2.5),
            )
        for request in requests:
            kept = checkpoint(request, 1, last=True)
            yield replace(kept, save=_slowly(kept.save))


def _slowly(save: Callable[[Path, float], None]) -> Callable[[Path, float], None]:
    def slow(path: Path, seconds: float) -> None:
        time.sleep(SAVING_SECONDS)
        save(path, seconds)

    return slow


def slowly_saving_engine(settings: EngineSettings) -> SlowlySavingEngine:
    return SlowlySavingEngine(capacity=3)
