"""``reject`` with real processes: killed between ledger and file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.failpoints import VARIABLE
from tests.workshop import Workshop

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")]


@pytest.mark.parametrize("name", ["rejection-noted", "rejected-set-aside", "rejected-deleted"])
def test_after_a_kill_the_next_run_finishes_and_makes_nothing(tmp_path: Path, name: str) -> None:
    workshop = Workshop(tmp_path / "place")
    workshop.photo("a.png", shade=1)
    workshop.photo("b.png", shade=2)
    workshop.run()
    command = [sys.executable, "-m", "pipeline", "reject", str(workshop.folder / "stylewatch.yaml"), "a--night.jpg"]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | {VARIABLE: name}, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL
    over = workshop.run()
    assert (over.finished, over.counts["rejected"]) == (0, 1)
    assert workshop.pictures() == ["b--night.jpg"]
