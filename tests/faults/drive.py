"""A pass with the fake engine in a process of its own, to be killed: ``python -m tests.faults.drive FOLDER``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from pipeline.cli.surroundings import executor_of
from pipeline.config import load_config
from pipeline.model import RunEvent
from pipeline.runner.lock import instance_lock, wait_for_orphan
from pipeline.runner.preparation import open_ledger, prepare
from pipeline.runner.single_pass import SinglePass
from tests.fakes import fake_engine


def main(folder: Path) -> int:
    config = load_config(folder / "stylewatch.yaml")

    def tell(event: RunEvent) -> None:
        print(type(event).__name__, getattr(event, "token", ""), flush=True)

    with instance_lock(config.state.folder, "drive"):
        wait_for_orphan(config.state.folder)
        executor = executor_of(config, factory=fake_engine)
        with contextlib.closing(executor), open_ledger(config) as ledger:
            return 1 if SinglePass(config, prepare(config), ledger, executor, tell).run().failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
