"""The daemon's second thread: when it has scanned, what ends it, and whom it calls. Real files and watcher."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.daemon.clock import SYSTEM_CLOCK
from pipeline.daemon.config_reloader import ConfigVersion
from pipeline.daemon.health import Health
from pipeline.daemon.pause_tracker import PauseTracker
from pipeline.daemon.scan_thread import ScanThread
from pipeline.model import PhotoSetAside, WatchNotice
from pipeline.runner.input_root import InputRoot
from pipeline.runner.preparation import resolve_config
from tests.daemon.harness import CONFIG, TIMEOUT_SECONDS
from tests.workshop import Workshop


@dataclass
class Harness:
    workshop: Workshop
    events: list[PhotoSetAside | WatchNotice] = field(default_factory=list)
    errors: int = 0

    def __post_init__(self) -> None:
        config = self.workshop.config()
        self.version = ConfigVersion(config, resolve_config(config))
        self.thread = ScanThread(
            PauseTracker(self.events.append), Health(), self.emit, on_error=self.count_error, clock=SYSTEM_CLOCK
        )

    def emit(self, event: PhotoSetAside | WatchNotice) -> None:
        self.events.append(event)

    def count_error(self) -> None:
        self.errors += 1

    def root(self) -> InputRoot:
        return InputRoot(self.workshop.folder / "in")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    workshop = Workshop(tmp_path, CONFIG)
    workshop.photo("a.png")
    with workshop.ledger():
        return Harness(workshop)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_it_finds_comes_into_the_ledger_or_is_reported(harness: Harness) -> None:
    (harness.workshop.folder / "in" / "letter.jpg").write_text("Dear Theo,")
    assert not harness.thread.has_scanned
    with harness.thread.running(harness.version, harness.root(), lambda: False):
        assert harness.thread.work_available.wait(TIMEOUT_SECONDS)
        wait_for(lambda: harness.thread.has_scanned)
        with harness.workshop.ledger() as ledger:
            wait_for(ledger.queries.has_work)
        wait_for(lambda: len(harness.events) == 2)
    assert [event.kind for event in harness.events] == ["watching", "quarantined"]
    assert (harness.thread.error, harness.errors) == (None, 0)


def test_under_another_config_the_folder_counts_as_not_scanned_yet(harness: Harness) -> None:
    for _ in range(2):
        with harness.thread.running(harness.version, harness.root(), lambda: True):
            assert not harness.thread.has_scanned or harness.thread.work_available.is_set()
            wait_for(lambda: harness.thread.has_scanned)
        harness.thread.work_available.clear()
    assert [event.kind for event in harness.events].count("watching") == 2


def test_an_error_that_nobody_foresaw_is_kept_for_the_main_thread(harness: Harness) -> None:
    def emit(event: PhotoSetAside | WatchNotice) -> None:
        raise ZeroDivisionError(event.kind)

    thread = ScanThread(
        PauseTracker(harness.events.append), Health(), emit, on_error=harness.count_error, clock=SYSTEM_CLOCK
    )
    with thread.running(harness.version, harness.root(), lambda: False):
        assert thread.work_available.wait(TIMEOUT_SECONDS), "the main thread is woken"
    assert isinstance(thread.error, ZeroDivisionError)
    assert harness.errors == 1
    assert not thread.has_scanned
