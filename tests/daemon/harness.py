"""A daemon at work on a whole stylewatch folder: real watcher, intake, ledger and runner, and the fake engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from PIL import Image

from pipeline.daemon import Daemon
from pipeline.daemon.clock import Clock
from pipeline.daemon.config_reloader import ConfigReloader
from pipeline.daemon.health import Health
from pipeline.engine.events import Event, Request
from pipeline.executors import Executor
from pipeline.ledger import Ledger
from pipeline.model import (
    ExecutorEvent,
    JobFinished,
    JobSource,
    JobStarted,
    PhotoSetAside,
    RunEvent,
    RunFinished,
    WatchNotice,
)
from pipeline.runner.instance.lock import instance_lock
from pipeline.worker import Worker
from tests.fakes import FakeEngine
from tests.workshop import InProcessExecutor, Workshop

T = TypeVar("T")

#: Far more than anything takes; a test that waits so long has failed.
TIMEOUT_SECONDS = 60.0

#: No scan but the first: what arrives later is found by events, or not at all.
CONFIG = """
input: {folder: in, settle_seconds: 0.3, rescan_seconds: 3600}
output: {folder: out, min_free_disk: 0}
styles:
  - {name: night, painting: night.jpg}
recipes:
  default: {size: 48, scales: 1}
"""


@dataclass
class Gate:
    """Holds the engine back before each picture, its photo already read, until ``open``; makes executors."""

    reached: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def executor(self) -> Executor:
        return GatedExecutor(self)


class GatedEngine(FakeEngine):
    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate

    def _paint(self, request: Request) -> Iterator[Event]:
        self.gate.reached.set()
        assert self.gate.open.wait(TIMEOUT_SECONDS)
        yield from super()._paint(request)


class GatedExecutor(InProcessExecutor):
    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate

    def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
        while not self.stopped and (assignments := source(1)):
            told: list[ExecutorEvent] = []
            waiting = list(assignments)
            Worker(GatedEngine(self.gate), told.append).work(lambda count: [waiting.pop()] if waiting else [])  # noqa: B023
            yield from told


@dataclass
class DaemonHarness:
    """A workshop with a daemon in a thread; ``events`` is what it emitted so far."""

    workshop: Workshop
    events: list[RunEvent] = field(default_factory=list)
    on_event: Callable[[RunEvent], object] = lambda _: None
    errors: list[BaseException] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.workshop.folder / "in"

    @contextmanager
    def running(
        self,
        *,
        executor: Callable[[], Executor] = InProcessExecutor,
        health: Health | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        haste: float = 1.0,
    ) -> Iterator[Daemon]:
        """Run the daemon until the block ends; what ended it before is raised.

        Its config is ``workshop.text``, and then what :meth:`rewrite` puts in its place. What it does every few
        seconds by its own clock it does ``haste`` times as often.
        """
        daemon = self.make_daemon(executor, health, now, haste)
        state_folder = self.workshop.config().state.folder

        def run() -> None:
            try:
                with instance_lock(state_folder, "a test"):
                    daemon.run()
            except BaseException as error:
                self.errors.append(error)

        self.errors.clear()
        thread = threading.Thread(target=run)
        thread.start()
        try:
            self.wait_for(
                lambda: self.has_failed() or bool(self.notices("watching", "polling")), "the daemon's first words"
            )
            yield daemon
        finally:
            daemon.stop()
            thread.join(TIMEOUT_SECONDS)
            assert not thread.is_alive()
        if self.errors:
            raise self.errors[0]

    def run_until_error(self, cause: Callable[[], object]) -> None:
        """Work until ``cause``, and what follows from it, has ended the daemon; raises why."""
        with self.running():
            cause()
            self.wait_for(self.has_failed, "the end")

    def make_daemon(
        self,
        executor: Callable[[], Executor] = InProcessExecutor,
        health: Health | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        haste: float = 1.0,
    ) -> Daemon:
        config = self.workshop.config()
        reloader = ConfigReloader(self.workshop.folder / "stylewatch.yaml", settle_seconds=0.1)
        clock = Clock(now=now, monotonic=lambda: haste * time.monotonic())
        return Daemon(config, lambda _: executor(), self._emit, reloader, health=health, clock=clock)

    def rewrite(self, old: str, new: str) -> None:
        """Put another config in the place of the one in force, as an editor does."""
        assert old in self.workshop.text
        self.workshop.text = self.workshop.text.replace(old, new)
        checkpoint = self.workshop.folder / ".stylewatch.yaml.swp"
        checkpoint.write_text(self.workshop.text, encoding="utf-8")
        checkpoint.replace(self.workshop.folder / "stylewatch.yaml")

    def run_until_first_report(self, executor: Callable[[], Executor]) -> None:
        with self.running(executor=executor):
            self.wait_for(self.runs, "a report")

    def _emit(self, event: RunEvent) -> None:
        self.events.append(event)
        self.on_event(event)

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + TIMEOUT_SECONDS
        while not condition():
            assert time.monotonic() < end, f"waited in vain for {what}; so far: {self.events}"
            time.sleep(0.02)

    def wait_for_pictures(self, *names: str) -> None:
        """Wait until exactly these pictures of the photos' contents are there, and the daemon has come to rest."""
        self.wait_for(
            lambda: self.pictures() == sorted(names) and self.is_idle(), f"{sorted(names)}, not {self.pictures()}"
        )

    def wait_for_ledger(self, condition: Callable[[Ledger], object], what: str) -> None:
        with self.workshop.ledger() as ledger:
            self.wait_for(lambda: condition(ledger), what)

    def has_failed(self) -> bool:
        """Tell whether the daemon ended by an error."""
        return bool(self.errors)

    def is_idle(self) -> bool:
        """Tell whether the last run that began is over."""
        begun = sum(type(event).__name__ == "RunStarted" for event in list(self.events))
        return begun == len(self.events_of(RunFinished))

    def pictures(self) -> list[str]:
        return [name for name in self.workshop.pictures() if name.endswith(".jpg")]

    def events_of(self, kind: type[T]) -> list[T]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    def runs(self) -> list[RunFinished]:
        return self.events_of(RunFinished)

    def notices(self, *kinds: str) -> list[WatchNotice]:
        return [event for event in list(self.events) if isinstance(event, WatchNotice) and event.kind in kinds]

    def set_aside(self) -> list[tuple[str, str]]:
        return [(event.path, event.kind) for event in list(self.events) if isinstance(event, PhotoSetAside)]

    def finished(self) -> list[str]:
        return [event.job.photo for event in list(self.events) if isinstance(event, JobFinished)]

    def started(self) -> list[str]:
        return [event.job.photo for event in list(self.events) if isinstance(event, JobStarted)]

    def show_their_photos(self) -> bool:
        """Tell whether every picture is the one of its photo: the fake engine inverts colors."""
        return all(self._shows_its_photo(name) for name in self.pictures())

    def _shows_its_photo(self, name: str) -> bool:
        stem = name.removesuffix(".jpg").rpartition("--")[0]
        files = {path.relative_to(self.folder).with_suffix("").as_posix(): path for path in self.folder.rglob("*.*")}
        photo = files[stem]
        with Image.open(photo) as before, Image.open(self.workshop.out / name) as after:
            wanted = [255 - value for value in before.convert("RGB").resize((1, 1)).getpixel((0, 0))]
            found = after.convert("RGB").resize((1, 1)).getpixel((0, 0))
        return all(abs(one - other) <= 4 for one, other in zip(wanted, found, strict=True))
