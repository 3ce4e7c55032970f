from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.failpoints import NAMES, VARIABLE, failpoint, failpoint_listener

ROOT = Path(__file__).parents[1]

_PASS_THREE_TIMES = """
from pipeline.failpoints import failpoint
for number in range(3):
    print(number, flush=True)
    failpoint("job-done")
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
@pytest.mark.parametrize(
    ("asked", "passages", "is_killed"),
    [("job-done", 1, True), ("job-done:3", 3, True), ("job-done:4", 3, False), ("job-leased", 3, False)],
)
def test_the_process_is_killed_at_the_passage_that_was_asked_for(asked: str, passages: int, is_killed: bool) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PASS_THREE_TIMES],
        cwd=ROOT,
        env=os.environ | {VARIABLE: asked},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.stdout.split() == ["0", "1", "2"][:passages]
    assert ended.returncode == (-signal.SIGKILL if is_killed else 0)


def test_a_listener_is_called_at_every_failpoint_until_it_is_removed() -> None:
    passed: list[str] = []
    with failpoint_listener(passed.append):
        for name in NAMES:
            failpoint(name)
    failpoint("job-done")
    assert tuple(passed) == NAMES


def test_every_failpoint_is_somewhere_in_the_program() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "pipeline").rglob("*.py") if path.name != "failpoints.py"]
    assert [name for name in NAMES if not any(f'"{name}"' in source for source in sources)] == []
