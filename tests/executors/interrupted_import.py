"""A factory of engines whose module is hit by Ctrl-C while a worker imports it, before its main function begins."""

from __future__ import annotations

import multiprocessing
import signal

from pipeline.model import EngineSettings
from tests.fakes import FakeEngine, fake_engine

if multiprocessing.current_process().name == "stylewatch-worker":
    signal.raise_signal(signal.SIGINT)


def engine_after_ctrl_c(settings: EngineSettings) -> FakeEngine:
    return fake_engine(settings)
