"""An engine whose worker dies right after it told of a finished picture, with another one begun."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.engine.events import CheckpointReady, Event, Finished, Request, RunControl
from pipeline.model import EngineSettings
from tests.fakes import FakeEngine, checkpoint


class DyingEngine(FakeEngine):
    def run(self, pull: Callable[[int], Sequence[Request]], control: RunControl = RunControl()) -> Iterator[Event]:
        for event in super().run(lambda count: pull(1), control):
            yield event
            if isinstance(event, Finished) and (begun := pull(1)):
                # Kept by the thread that tells of the finished picture, after it did.
                yield fatal_checkpoint(begun[0])


def fatal_checkpoint(request: Request) -> CheckpointReady:
    def die(path: Path, seconds: float) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    return replace(checkpoint(request, 1), save=die)


def dying_engine(settings: EngineSettings) -> DyingEngine:
    return DyingEngine()
