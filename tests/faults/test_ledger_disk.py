"""The ledger's disk fails under the whole program: a run says so and ends, a daemon waits and goes on by itself."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.harness import CONFIG, TIMEOUT_SECONDS
from tests.faults.injection import StorageFaults, needs_injection
from tests.scenarios.daemon.test_process import read_until, wait_for
from tests.workshop import Workshop

pytestmark = [pytest.mark.slow, needs_injection]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def faults(tmp_path: Path) -> StorageFaults:
    return StorageFaults(tmp_path / "faults")


def test_a_run_whose_ledger_can_not_be_read_says_so_and_can_be_repeated(
    tmp_path: Path, faults: StorageFaults
) -> None:
    workshop = Workshop(tmp_path)
    workshop.photo("a.png")
    workshop.run()
    faults.fail("read", ".stylewatch/ledger.sqlite3", errno.EIO, skip=5)
    command = [sys.executable, "-m", "pipeline", "run", "--quiet", tmp_path / "stylewatch.yaml"]
    result = subprocess.run(command, cwd=ROOT, env=faults.environment(), capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (3, "")
    (line,) = result.stderr.splitlines()
    assert "the ledger can't be read or written" in line
    assert workshop.run().finished == 0


@pytest.mark.parametrize("calls", ["open,create,stat", "write,fsync"])
def test_a_daemon_whose_ledgers_disk_fails_waits_and_goes_on(
    tmp_path: Path, faults: StorageFaults, calls: str
) -> None:
    workshop = Workshop(tmp_path, CONFIG.replace("rescan_seconds: 3600", "rescan_seconds: 1"))
    workshop.config()
    workshop.photo("a.png")
    command = [sys.executable, "-m", "tests.daemon.drive", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=faults.environment(), stdout=subprocess.PIPE, text=True) as daemon:
        try:
            read_until(daemon.stdout, "RunFinished")
            faults.fail(calls, ".stylewatch/ledger.sqlite3", errno.EIO)
            # Only after an error is the file opened anew.
            faults.fail("read", ".stylewatch/ledger.sqlite3", errno.EIO)
            workshop.photo("b.png", shade=2)
            read_until(daemon.stdout, "the ledger can't be")
            faults.mend()
            wait_for(lambda: (workshop.out / "b--night.jpg").exists() or daemon.poll() is not None)
            daemon.terminate()
            assert daemon.wait(TIMEOUT_SECONDS) == 130
        finally:
            daemon.kill()
    assert [name for name in workshop.pictures() if name.endswith(".jpg")] == ["a--night.jpg", "b--night.jpg"]
