"""A pass over a folder with the fake engine, each event told on standard output."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path

from pipeline.cli.runtime import make_executor
from pipeline.config import load_config
from pipeline.config.settings import ingest_settings, pass_settings
from pipeline.model import RunEvent
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.instance.lock import instance_lock, wait_for_orphaned_worker
from pipeline.runner.preparation import open_ledger, resolve_config
from tests.fakes import fake_engine


def make_a_pass(folder: Path) -> int:
    """Return the exit code."""
    config = load_config(folder / "stylewatch.yaml")

    def emit(event: RunEvent) -> None:
        print(type(event).__name__, getattr(event, "token", ""), flush=True)

    with instance_lock(config.state.folder, "drive"):
        wait_for_orphaned_worker(config.state.folder)
        executor = make_executor(config, factory=fake_engine)
        with contextlib.closing(executor), open_ledger(config) as ledger:
            resolved = resolve_config(config)
            the_pass = SinglePass(pass_settings(config), resolved, ledger, executor, emit)
            over = the_pass.run(partial(ingest, ingest_settings(config), resolved, ledger))
            return 1 if over.failed or over.photos_set_aside else 0
