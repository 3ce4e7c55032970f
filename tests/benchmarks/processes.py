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


class Neighbors:
    """Tells how much of this machine others have used since it was made: what spoils measurements."""

    def __init__(
        self,
        used_by_others: Callable[[], float | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        processors: int = os.cpu_count() or 1,
    ) -> None:
        """``used_by_others`` returns the processor seconds since boot that went to others, None if unknown."""
        self._used = used_by_others or _used_by_others
        self._clock = clock
        self._processors = processors
        self._began = clock()
        self._before = self._used()

    def share(self) -> float | None:
        """Return the share (0..1) of all processors' time that went to other programs; None where that is unknown."""
        now = self._used()
        if now is None or self._before is None:
            return None
        return max(0.0, now - self._before) / ((self._clock() - self._began) * self._processors)


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


def _used_by_others() -> float | None:
    """Return the processor seconds since boot that neither this process nor its ended children have used."""
    status = Path("/proc/stat")
    if not status.exists():
        return None
    user, nice, system, _idle, _wait, interrupts, soft_interrupts, *_ = map(
        int, status.read_text("ascii").split()[1:8]
    )
    busy = (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")
    return busy - sum(os.times()[:4])
