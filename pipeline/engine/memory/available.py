"""Finds out how much memory is free: in the system, in control groups and in the address space."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_KIBI = 1024
_STEP = 256 * 2**20


def available_bytes(root: Path = Path("/")) -> int | None:
    """Return how many bytes this process can still take without harm to others; None where that is unknown.

    The least of what the system has available, what this process's control groups (versions 1 and 2) leave it, and
    what its address space may still grow by. Elsewhere than on Linux: half of the machine's memory.
    """
    proc, groups = root / "proc", root / "sys/fs/cgroup"
    system = _field(proc / "meminfo", "MemAvailable:")
    if system is None:
        whole = _machine_memory()
        return None if whole is None else whole // 2
    groups_left = (limit.left for limit in _cgroup_limits(proc, groups))
    return max(0, min([system * _KIBI, *groups_left, *_address_space_left(proc)]))


def machine_bytes(root: Path = Path("/")) -> int | None:
    """Return how many bytes this process could have if nothing else ran; None where that is unknown.

    The least of the machine's memory with its swap space, and what the control groups allow.
    """
    proc, groups = root / "proc", root / "sys/fs/cgroup"
    memory = _field(proc / "meminfo", "MemTotal:")
    if memory is None:
        return _machine_memory()
    swap = _field(proc / "meminfo", "SwapTotal:") or 0
    return min([(memory + swap) * _KIBI, *(limit.most for limit in _cgroup_limits(proc, groups))])


def lasting_bytes(root: Path = Path("/")) -> int | None:
    """Return how many bytes this process could take, whatever else runs; None where that is unknown.

    It stays the same until somebody changes the machine or the process's limits: the least of the machine's memory,
    what the control groups allow, and what the address space may still grow by, in steps of 256 MiB.
    """
    proc, groups = root / "proc", root / "sys/fs/cgroup"
    memory = _field(proc / "meminfo", "MemTotal:")
    if memory is None:
        return _machine_memory()
    limits = [memory * _KIBI, *(limit.most for limit in _cgroup_limits(proc, groups)), *_address_space_left(proc)]
    return max(0, min(limits)) // _STEP * _STEP


@dataclass(frozen=True, slots=True)
class _Limit:
    """``most`` bytes in all, of which that many are ``left``."""

    most: int
    left: int


def _machine_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def _cgroup_limits(proc: Path, groups: Path) -> Iterator[_Limit]:
    for line in _lines(proc / "self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _nested_limits(groups, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            yield from _nested_limits(groups / "memory", path, *names)


def _nested_limits(mount: Path, path: str, limit: str, usage: str, droppable: str) -> Iterator[_Limit]:
    """Yield the limits of a group and of those around it; within a container only the outermost folder exists."""
    inner = PurePosixPath(path.lstrip("/"))
    for folder in (mount / inner, *(mount / outer for outer in inner.parents)):
        most, used = _number(folder / limit), _number(folder / usage)
        if most is not None and used is not None:
            # Cached pages of files count as used, but are freed on demand.
            yield _Limit(most, most - used + (_field(folder / "memory.stat", droppable) or 0))


def _address_space_left(proc: Path) -> Iterator[int]:
    try:
        import resource
    except ImportError:
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = _field(proc / "self/status", "VmSize:")
    if limit != resource.RLIM_INFINITY and used is not None:
        yield limit - used * _KIBI


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    """Return the number in a file; None if there is no file or no number, as in "max"."""
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _field(path: Path, name: str) -> int | None:
    """Return the number that follows ``name`` in a file of names and numbers."""
    for words in map(str.split, _lines(path)):
        if words[:1] == [name] and len(words) > 1 and words[1].isdigit():
            return int(words[1])
    return None
