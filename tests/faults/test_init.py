"""``init`` on a disk that refuses: one sentence, and nothing is left."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.injection import StorageFaults, needs_injection

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, needs_injection]


@pytest.mark.parametrize(
    ("calls", "name", "error"),
    [
        ("write", "tide.jpg", errno.ENOSPC),
        ("fsync", "stylewatch.yaml", errno.EIO),
    ],
)
def test_what_the_disk_refuses_is_named_and_nothing_is_left(
    tmp_path: Path, calls: str, name: str, error: int
) -> None:
    faults = StorageFaults(tmp_path / "faults")
    faults.fail(calls, name, error)
    folder = tmp_path / "place" / "new"
    command = [sys.executable, "-m", "pipeline", "init", "--yes", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, env=faults.environment(), check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert name in ended.stderr
    assert os.strerror(error) in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "place").exists()
