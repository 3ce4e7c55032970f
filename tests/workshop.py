"""A whole stylewatch folder for tests: photos, paintings, config, and passes over it with the fake engine."""

from __future__ import annotations

import contextlib
import copy
import functools
import os
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from pipeline.config import Config, load_config
from pipeline.config.document import Document
from pipeline.config.loading import context_of
from pipeline.config.mistakes import validate
from pipeline.config.settings import ingest_settings, pass_settings, plan_settings
from pipeline.config.yaml_source import read_document
from pipeline.engine.speed import Measurement, Speed, read_speed, store_speed
from pipeline.errors import ConfigError
from pipeline.executors import Executor
from pipeline.ledger import Ledger
from pipeline.model import (
    EngineSettings,
    ExecutorEvent,
    Failure,
    FailureKind,
    JobFailed,
    JobFinished,
    JobSource,
    RunEvent,
    RunFinished,
    Started,
)
from pipeline.model.gallery_files import GALLERY_FOLDER
from pipeline.runner.execution.session import Session
from pipeline.runner.execution.single_pass import PassOptions, SinglePass
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.instance.lock import instance_lock
from pipeline.runner.planning.run_plan import MeasureSpeed, RunPlan, plan_run
from pipeline.runner.preparation import open_ledger, require_state_and_output, resolve_config
from pipeline.worker import Worker
from tests.fakes import FakeEngine, write_painting, write_photo

CONFIG = """
input: {folder: in, settle_seconds: 0}
output: {folder: out, min_free_disk: 0}
styles:
  - {name: night, painting: night.jpg}
recipes:
  default: {size: 48, scales: 1}
"""


#: What :func:`know_the_machine` pretends was measured: a microsecond a pixel, one picture at a time.
SPEED = Speed(
    device="cpu (fake)",
    pictures_at_once=1,
    startup_seconds=5.0,
    shallow_share=0.2,
    measurements=(Measurement(1_000_000, 1.0, 1.0, 2.0),),
)


def know_the_machine() -> None:
    """Let ``plan`` find that this machine was measured before, which takes seconds."""
    store_speed(EngineSettings(machine_folder=platformdirs.user_cache_path("stylewatch")), SPEED)


class InProcessExecutor:
    """Runs the real worker with a fake engine, here and now; a photo that kills its worker only crashes."""

    def __init__(self, engine: Callable[[], FakeEngine] = FakeEngine) -> None:
        self.engine = engine
        self.stopped = False
        self.closed = False

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        while not self.stopped and (assignments := source(1)):
            told: list[ExecutorEvent] = []
            waiting = list(assignments)
            if "deadly" in assignments[0].job.photo:
                yield Started(assignments[0].token)
                yield Failure(assignments[0].token, FailureKind.CRASH, "the worker process died (SIGKILL)")
                continue
            Worker(self.engine(), told.append).work(lambda count: [waiting.pop()] if waiting else [])  # noqa: B023
            yield from told

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True


@functools.lru_cache(maxsize=100)
def _parsed(text: str) -> Document | None:
    """Return what a config's text holds, None for mistakes: reading it takes most of a load's time."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ConfigError):
        path = Path(folder) / "stylewatch.yaml"
        path.write_text(text, encoding="utf-8")
        document = read_document(path)
        return None if document.problems else document
    return None


@dataclass
class Workshop:
    """A folder with ``in/``, ``out/``, one painting and a config."""

    folder: Path
    text: str = CONFIG
    events: list[RunEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "in").mkdir(parents=True, exist_ok=True)
        if not (self.folder / "night.jpg").exists():
            write_painting(self.folder / "night.jpg")

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def photo(self, name: str, kind: str = "fine", shade: int = 0) -> Path:
        return write_photo(self.folder / "in" / name, kind, shade=shade)

    def config(self) -> Config:
        path = self.folder / "stylewatch.yaml"
        path.write_text(self.text, encoding="utf-8")
        if (document := copy.deepcopy(_parsed(self.text))) is not None:
            config, mistakes = validate(document, lambda data: context_of(data, self.folder.absolute()))
            if config is not None and not mistakes:
                return config
        return load_config(path)  # which names the file in its error

    def ledger(self, emit: Callable[[str], None] = lambda _: None) -> Ledger:
        return open_ledger(self.config(), emit=emit)

    def plan(self, measure_speed: MeasureSpeed = read_speed, config: Config | None = None) -> RunPlan:
        """Return what a pass would do; ``config`` spares writing it to its file once more."""
        config = config or self.config()
        require_state_and_output(config)
        return plan_run(plan_settings(config), resolve_config(config), measure_speed)

    def run(
        self,
        options: PassOptions = PassOptions(),
        executor: Executor | None = None,
        on_event: Callable[[SinglePass, RunEvent], None] | None = None,
        session: Session | None = None,
    ) -> RunFinished:
        """Run one pass; its events are left in :attr:`events`."""
        config = self.config()
        self.events = []
        with instance_lock(config.state.folder, "a test"), open_ledger(config) as ledger:

            def emit(event: RunEvent) -> None:
                self.events.append(event)
                if on_event is not None:
                    on_event(the_pass, event)

            resolved = resolve_config(config)
            the_pass = SinglePass(
                pass_settings(config),
                resolved,
                ledger,
                executor or InProcessExecutor(),
                emit,
                session=session,
            )
            return the_pass.run(
                lambda sleep: ingest(ingest_settings(config), resolved, ledger, sleep=lambda _: None), options
            )

    def pictures(self) -> list[str]:
        """Return the pictures in the output folder, temporary files included, state and gallery left out."""
        found: list[str] = []
        # Not rglob: a program at work may delete a folder of its state just when that is looked into.
        for folder, folders, files in os.walk(self.out):
            folders[:] = [name for name in folders if name not in {".stylewatch", GALLERY_FOLDER}]
            found += [(Path(folder) / name).relative_to(self.out).as_posix() for name in files]
        return sorted(found)

    def finished(self) -> list[JobFinished]:
        return [event for event in self.events if isinstance(event, JobFinished)]

    def failed(self) -> list[JobFailed]:
        return [event for event in self.events if isinstance(event, JobFailed)]
