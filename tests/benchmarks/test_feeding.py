from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pipeline.engine.events import Finished, Request
from pipeline.model import EngineSettings, Recipe, Style
from tests.benchmarks.feeding import slow_engine


def test_the_stub_finishes_all_it_gets_and_notes_how_long_it_took(tmp_path: Path) -> None:
    photo = np.zeros((4, 6, 3), np.uint8)
    waiting = [Request(token, photo, Style("s", ()), Recipe()) for token in "ab"]
    engine = slow_engine(EngineSettings(cache_folder=tmp_path / "cache"))
    events = list(engine.run(lambda count: [waiting.pop(0)] if waiting else []))
    assert [event.token for event in events if isinstance(event, Finished)] == ["a", "b"]
    notes = json.loads((tmp_path / "cache" / "feeding.json").read_text("utf-8"))
    assert notes["made"] == 2
    assert notes["elapsed"] >= 0.08
