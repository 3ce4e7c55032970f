"""A worker that dies of a memory limit costs no job."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.executors.local import LocalExecutor
from pipeline.model import Artwork, EngineSettings, Failure, FailureKind, Painting, Recipe, Style
from tests.executors.memory_limited_engine import memory_limited_engine
from tests.executors.test_local import Source
from tests.fakes import write_painting, write_photo
from tests.worker.test_worker import an_assignment


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads its size in /proc")
def test_a_worker_that_its_memory_limit_kills_is_replaced_and_its_photo_made(tmp_path: Path) -> None:
    style = Style("night", (Painting(write_painting(tmp_path / "night.png"), "0" * 64),))
    recipe = Recipe(size=48, scales=1, iterations=2)
    assignment = replace(an_assignment(write_photo(tmp_path / "a.png")), style=style, recipe=recipe)
    source, reasons, artworks = Source(assignment), list[str](), list[str]()
    executor = LocalExecutor(EngineSettings(device="cpu", cache_folder=tmp_path), factory=memory_limited_engine)
    with contextlib.closing(executor):
        for event in executor.run(source):
            if isinstance(event, Failure):
                assert event.kind in (FailureKind.CRASH, FailureKind.REQUEUED)
                reasons.append(event.reason)
                source.waiting.append(assignment)
            if isinstance(event, Artwork):
                artworks.append(event.token)
    assert artworks == [assignment.token]
    (reason,) = reasons
    assert "the worker process died" in reason
