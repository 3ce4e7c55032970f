"""Runs programs as their users do and measures them whole: seconds from launch to exit, and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Measured:
    """A process that has ended well. ``peak_bytes`` is the most that it or one of its children had at once (RSS)."""

    seconds: float
    peak_bytes: int


def measure(command: Sequence[str | Path], on_line: Callable[[float, str], None] | None = None) -> Measured:
    """Run ``python ARGUMENTS...`` to its end; ``on_line`` hears each line it prints, and the seconds since launch.

    Raises RuntimeError with its last words if it fails.
    """
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryFile() as errors:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if on_line is not None:
                    on_line(time.monotonic() - began, line)
        code, peak = _reap(process)
        elapsed = time.monotonic() - began
        if code:
            errors.seek(0)
            raise RuntimeError(f"{command} ended with {code}: {errors.read()[-2000:].decode('utf-8', 'replace')}")
    return Measured(elapsed, peak)


def _reap(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Wait for a process; return its exit code and the peak memory of it and its children, 0 if not known."""
    if not hasattr(os, "wait4"):
        return process.wait(), 0
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
