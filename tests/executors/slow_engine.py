"""An engine whose only evaluation takes long, in blocks; whether it tells of them is up to the photo."""

from __future__ import annotations

import time
from collections.abc import Iterator

from pipeline.engine.events import Event, Request
from pipeline.model import EngineSettings
from tests.fakes import FakeEngine

SECONDS = 6.0


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
