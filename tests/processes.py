"""Other processes, as Linux' /proc shows them: whose worker is which, and holding one still."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the worker's pid in /proc")


def worker_of(parent: int) -> int | None:
    """Return the pid of the worker process that ``parent`` started, if it has one now."""
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if (
                f"PPid:\t{parent}\n" in status.read_text()
                and b"spawn_main" in (status.parent / "cmdline").read_bytes()
            ):
                return int(status.parent.name)
    return None


def freeze(pid: int) -> bool:
    """Hold a process still until it gets SIGCONT or SIGKILL; returns when it is, False if it has ended."""
    try:
        os.kill(pid, signal.SIGSTOP)
        while (state := (Path("/proc") / str(pid) / "stat").read_text().rpartition(") ")[2][0]) != "T":
            if state in "ZX":
                return False
            time.sleep(0.001)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True
