from __future__ import annotations

import os
from multiprocessing import resource_tracker

import pytest

from pipeline.errors import CannotRunError
from pipeline.executors.child import WorkerOptions
from pipeline.executors.local import LocalExecutor
from pipeline.executors.process import WorkerDiedError, WorkerProcess
from pipeline.model import EngineSettings
from tests.executors.test_local import Source
from tests.fakes import FakeEngine, fake_engine


def test_what_the_system_refuses_to_start_is_one_sentence() -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    executor = LocalExecutor(EngineSettings(), factory=fake_engine)
    resource_tracker.ensure_running()  # keeps a pipe of its own once it runs
    used = len(os.listdir("/dev/fd"))
    for spare in range(-1, 6):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, hard))
            with pytest.raises(CannotRunError, match=r"no worker process can be started \(Too many open files\)"):
                list(executor.run(Source()))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(os.listdir("/dev/fd")) == used


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_a_death_by_a_signal_without_a_name_is_told_by_its_number() -> None:
    worker = WorkerProcess(EngineSettings(), engine_that_is_signalled, WorkerOptions())
    with pytest.raises(WorkerDiedError):
        worker.receive(60)
    assert worker.exit_reason() == "signal 40"
    worker.end(kill=True)


def engine_that_is_signalled(settings: EngineSettings) -> FakeEngine:
    os.kill(os.getpid(), 40)
    raise AssertionError("unreachable")
