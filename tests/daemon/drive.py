"""A daemon with the fake engine in a process of its own: ``python -m tests.daemon.drive FOLDER [plain]``.

Writes a line for each event: its kind, the photo and the words.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from pipeline.cli.surroundings import INTERRUPTED, stopping, worker_of
from pipeline.config import load_config
from pipeline.daemon import Daemon
from pipeline.model import JobFailed, JobFinished, JobStarted, RunEvent, WatchNotice
from pipeline.runner.lock import instance_lock, wait_for_orphan
from tests.fakes import fake_engine, plain_engine


def tell(event: RunEvent) -> None:
    words = event.text if isinstance(event, WatchNotice) else getattr(event, "reason", "")
    photo = ascii(event.job.photo) if isinstance(event, JobStarted | JobFinished | JobFailed) else ""
    print(type(event).__name__, photo, words, flush=True)


def main(folder: Path, engine: str = "steered") -> int:
    config = load_config(folder / "stylewatch.yaml")
    with instance_lock(config.state.folder, "drive"):
        wait_for_orphan(config.state.folder)
        daemon = Daemon(config, partial(worker_of, config, plain_engine if engine == "plain" else fake_engine), tell)
        with stopping(daemon.stop):
            daemon.run()
    return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
