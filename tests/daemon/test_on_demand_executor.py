"""When a daemon's executor is started and closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Config
from pipeline.daemon.on_demand_executor import OnDemandExecutor
from pipeline.executors import Executor
from tests.workshop import InProcessExecutor, Workshop


class Harness:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.now = 1000.0
        self.made: list[InProcessExecutor] = []
        self.executor = OnDemandExecutor(self.make, lambda: self.now)

    def make(self, config: Config) -> Executor:
        assert config is self.config
        self.made.append(InProcessExecutor())
        return self.made[-1]


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(Workshop(tmp_path).config())


def test_one_executor_serves_all_passes(harness: Harness) -> None:
    harness.executor.close()
    assert harness.made == []
    assert harness.executor.get(harness.config) is harness.executor.get(harness.config)
    assert len(harness.made) == 1


def test_it_is_closed_after_a_minute_without_work_and_made_anew(harness: Harness) -> None:
    harness.executor.get(harness.config)
    harness.executor.record_use()
    harness.now += 60
    harness.executor.close_if_idle()
    assert not harness.made[0].closed
    harness.now += 1
    harness.executor.close_if_idle()
    assert harness.made[0].closed
    harness.executor.get(harness.config)
    assert len(harness.made) == 2


def test_one_that_was_stopped_is_replaced(harness: Harness) -> None:
    harness.executor.get(harness.config)
    harness.executor.close_if_stopped()
    assert not harness.made[0].closed
    harness.executor.record_stop()
    harness.executor.close_if_stopped()
    assert harness.made[0].closed
    harness.executor.get(harness.config)
    harness.executor.close_if_stopped()
    assert not harness.made[1].closed
