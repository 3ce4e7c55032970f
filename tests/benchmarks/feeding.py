"""(g) Files beside the arithmetic: how busy an engine is kept that needs 40 ms a picture and no processor."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from pipeline.config import load_config
from pipeline.config.settings import ingest_settings, pass_settings
from pipeline.engine.events import Event, Finished, Request, RunControl
from pipeline.executors.local import LocalExecutor
from pipeline.model import EngineSettings, Losses
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.instance.lock import instance_lock
from pipeline.runner.preparation import open_ledger, resolve_config
from tests.benchmarks.ours import Desk
from tests.benchmarks.subjects import Subjects, fill_with_large
from tests.benchmarks.table import Row, percent, seconds

TITLE = "g. Feeding"

_PICTURE_SECONDS = 0.04
_TWO_MEGAPIXELS = (1633, 1225)
_NOTES = "feeding.json"


class SlowEngine:
    """Gives photos back as they are after 40 ms each, and notes in a file how busy it was."""

    capacity = 1
    device_name = "stub (40 ms a picture)"

    def __init__(self, notes: Path) -> None:
        self._notes = notes

    def run(self, pull: Callable[[int], Sequence[Request]], control: RunControl = RunControl()) -> Iterator[Event]:
        """Finish requests until there are none; the clock starts with the first."""
        began, made = 0.0, 0
        while requests := pull(self.capacity):
            began = began or time.monotonic()
            for request in requests:
                time.sleep(_PICTURE_SECONDS)
                made += 1
                yield _finished(request)
        if made:
            elapsed = time.monotonic() - began
            self._notes.parent.mkdir(parents=True, exist_ok=True)
            self._notes.write_text(json.dumps({"made": made, "elapsed": elapsed}), encoding="utf-8")


def slow_engine(settings: EngineSettings) -> SlowEngine:
    """Build the engine in a worker's process."""
    assert settings.cache_folder is not None
    return SlowEngine(settings.cache_folder / _NOTES)


def rows(subjects: Subjects) -> list[Row]:
    """Run a pass over 1,000 photos of 2 megapixels, to pictures of 512 px, and return the engine's busy share."""
    count = 30 if subjects.quick else 1000
    photos = subjects.folder / "g-photos"
    fill_with_large(photos, subjects.photos[0], count, _TWO_MEGAPIXELS)
    desk = Desk(subjects.folder / "g")
    path = desk.config({subjects.paintings[0]: 1.0}, {"size": 512}, photos)
    path.write_text(path.read_text("utf-8").replace('"format": "png"', '"format": "jpeg"'), encoding="utf-8")
    elapsed = _pass(path)
    notes = json.loads((desk.folder / "cache" / _NOTES).read_text("utf-8"))
    busy = notes["made"] * _PICTURE_SECONDS / notes["elapsed"]
    ours = f"{notes['made']:,} pictures in {seconds(notes['elapsed'])}"
    return [
        Row("an engine of 40 ms a picture is busy", ours, "photos of 2 megapixels", percent(busy), "95 %"),
        Row("... the whole pass, from the scan to the last picture", seconds(elapsed)),
    ]


def _pass(path: Path) -> float:
    config = load_config(path)
    executor = LocalExecutor(config.engine_settings(), factory=slow_engine)
    began = time.monotonic()
    with (
        instance_lock(config.state.folder, "the benchmark"),
        contextlib.closing(executor),
        open_ledger(config) as ledger,
    ):
        resolved = resolve_config(config)
        the_pass = SinglePass(pass_settings(config), resolved, ledger, executor, lambda _: None)
        the_pass.run(partial(ingest, ingest_settings(config), resolved, ledger))
    return time.monotonic() - began


def _finished(request: Request) -> Finished:
    return Finished(
        token=request.token,
        pixels=request.photo.astype("float32") / 255,
        sizes=(512,),
        iterations=(1,),
        first=Losses(1.0, 1.0, 2.0),
        last=Losses(1.0, 1.0, 2.0),
        cache_hits=0,
        cache_misses=0,
        notes=(),
    )
