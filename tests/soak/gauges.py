"""What a daemon and its worker hold: memory, file descriptors, threads. As Linux tells it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_PROC = Path("/proc")

#: A leak grows with every round; what only swings stays within these.
_MEMORY_SHARE = 0.05
_MEMORY_BYTES = 4_000_000
_HANDLES = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """At an idle moment, ``seconds`` after the daemon began. Without a worker its bytes are 0."""

    seconds: float
    daemon_bytes: int
    worker_bytes: int
    handles: int
    threads: int


def sample(pid: int, seconds: float) -> Sample:
    """Read what the process holds now. Raises OSError if it is gone."""
    worker = worker_of(pid)
    worker_bytes = 0
    with contextlib.suppress(OSError):
        worker_bytes = _status(worker, "VmRSS") * 1024 if worker else 0
    return Sample(
        seconds=seconds,
        daemon_bytes=_status(pid, "VmRSS") * 1024,
        worker_bytes=worker_bytes,
        handles=len(list((_PROC / str(pid) / "fd").iterdir())),
        threads=_status(pid, "Threads"),
    )


def worker_of(parent: int) -> int:
    """Return the pid of a process's worker, 0 if it has none."""
    for status in _PROC.glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            command = (status.parent / "cmdline").read_bytes()
            if f"PPid:\t{parent}\n" in status.read_text() and b"spawn_main" in command:
                return int(status.parent.name)
    return 0


def _status(pid: int, key: str) -> int:
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{key}:")).split()[1])


def growth(samples: Sequence[Sample], kind: str) -> tuple[float, float]:
    """Return the medians of the second and of the last quarter of one field, without zeros."""
    values = [value for each in samples if (value := getattr(each, kind))]
    quarter = len(values) // 4
    if not quarter:
        return 0.0, 0.0
    return median(values[quarter : 2 * quarter]), median(values[-quarter:])


def leaks(samples: Sequence[Sample]) -> list[str]:
    """Return what grew between the second and the last quarter."""
    faults = []
    for kind in ("daemon_bytes", "worker_bytes"):
        before, after = growth(samples, kind)
        if after > before * (1 + _MEMORY_SHARE) + _MEMORY_BYTES:
            faults.append(f"{kind} grew from {before / 1e6:.1f} MB to {after / 1e6:.1f} MB")
    for kind in ("handles", "threads"):
        before, after = growth(samples, kind)
        if after > before + _HANDLES:
            faults.append(f"{kind} grew from {before:g} to {after:g}")
    return faults
