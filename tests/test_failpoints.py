"""A test can be told of failpoints; that they kill the process is tried by tests/faults/test_kill_9.py."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.failpoints import NAMES, VARIABLE, failpoint, failpoint_listener


def test_a_listener_is_called_as_long_as_it_listens_and_may_raise() -> None:
    passed: list[str] = []
    with failpoint_listener(passed.append):
        failpoint("job-done")
        failpoint("job-leased")
    failpoint("job-done")
    assert passed == ["job-done", "job-leased"]

    def refuse(name: str) -> None:
        raise KeyError(name)

    with failpoint_listener(refuse), pytest.raises(KeyError, match="job-done"):
        failpoint("job-done")


def test_without_the_variable_nothing_happens_and_no_name_is_there_twice() -> None:
    for name in NAMES:
        failpoint(name)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_the_process_dies_at_the_passage_that_was_asked_for() -> None:
    script = "from pipeline.failpoints import failpoint\nfor n in 'xyz': failpoint('job-done'); print(n, flush=True)"
    done = subprocess.run(
        [sys.executable, "-c", script], env={VARIABLE: "job-done:3"}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (-9, "x\ny\n")
