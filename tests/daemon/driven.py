"""A daemon with the fake engine, each event told on standard output: its kind, the photo and the words."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.cli.runtime import INTERRUPTED, make_executor, stop_on_signal
from pipeline.cli.watch import on_hangup
from pipeline.config import Config, load_config
from pipeline.daemon import Daemon
from pipeline.daemon.config_reloader import ConfigReloader
from pipeline.daemon.health import Health
from pipeline.daemon.notify import notifier_from_environment
from pipeline.executors.local import LocalExecutor
from pipeline.model import JobFailed, JobFinished, JobStarted, RunEvent, WatchNotice
from pipeline.report.heartbeat import Heartbeat
from pipeline.runner.instance.lock import instance_lock, wait_for_orphaned_worker
from tests.fakes import fake_engine, plain_engine


def emit(event: RunEvent) -> None:
    words = event.text if isinstance(event, WatchNotice) else getattr(event, "reason", "")
    photo = ascii(event.job.photo) if isinstance(event, JobStarted | JobFinished | JobFailed) else ""
    print(type(event).__name__, photo, words, flush=True)


def run_daemon(folder: Path, engine: str = "steered") -> int:
    file = folder / "stylewatch.yaml"
    reloader = ConfigReloader(file)
    config = load_config(file)
    state = config.state.folder
    with instance_lock(state, "drive"), Heartbeat(state, "drive") as heart:
        wait_for_orphaned_worker(state)
        health = Health(heart, notifier_from_environment(os.environ))

        def executor(settings: Config) -> LocalExecutor:
            return make_executor(
                settings, health.report_main_alive, plain_engine if engine == "plain" else fake_engine
            )

        def hear(event: RunEvent) -> None:
            heart(event)
            emit(event)

        daemon = Daemon(config, executor, hear, reloader, health=health)
        with stop_on_signal(daemon.stop), on_hangup(reloader.request_reload, daemon.stop):
            daemon.run()
    return INTERRUPTED
