"""A signal that ends ``run`` or ``watch`` at once, early or as the second one: it leaves no sign of life behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline.report.heartbeat import FILE_NAME
from pipeline.runner.instance.lock import WORKER_LOCK_NAME
from tests.workshop import CONFIG, Workshop

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc")

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 60.0

HANGING = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"


def minds(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    """Tell whether a process has a handler for a signal."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (caught,) = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def started(workshop: Workshop, command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", command, "--quiet", str(workshop.folder / "stylewatch.yaml")], cwd=ROOT
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("command", ["run", "watch"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_while_it_waits_for_another_ones_worker(tmp_path: Path, command: str, name: str) -> None:
    number = signal.Signals[name]
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("these tests themselves run under nohup")
    workshop = Workshop(tmp_path)
    state = workshop.config().state.folder
    state.mkdir(parents=True)
    with FileLock(state / WORKER_LOCK_NAME), started(workshop, command) as process:
        wait_for((state / FILE_NAME).exists)
        wait_for(lambda: minds(process, number))
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == -number
    assert not (state / FILE_NAME).exists()


def test_a_second_signal(tmp_path: Path) -> None:
    hook = json.dumps([sys.executable, "-c", HANGING, str(tmp_path / "begun")])
    workshop = Workshop(tmp_path, f"{CONFIG}hooks: {{after_run: {hook}}}\n")
    state = workshop.config().state.folder
    with started(workshop, "run") as process:
        wait_for((tmp_path / "begun").exists)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
    assert process.returncode == 130
    assert not (state / FILE_NAME).exists()
