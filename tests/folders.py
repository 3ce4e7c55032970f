"""Where tests put their files: in memory, if the machine has room for them, as they fill hundreds of small folders.

A disk makes them wait for each file that is synced, made or removed: most of the time of many a test. What only a
disk can show, ``pytest --basetemp FOLDER`` shows.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
NEEDED_BYTES = 2 << 30  # several times of what they use at any time

_PREFIX = "stylewatch-tests-"


def folder_in_memory(memory: Path = MEMORY, needed_bytes: int = NEEDED_BYTES) -> Path | None:
    """Return a new folder in memory for all tests of a run; None if there is no room for it."""
    try:
        if min(shutil.disk_usage(memory).free, _available_bytes()) < needed_bytes:
            return None
        _remove_what_is_left(memory)
        return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=memory))
    except (OSError, ValueError):  # no such folder, or a system that does not tell
        return None


def _available_bytes() -> int:
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), 0)


def _remove_what_is_left(memory: Path) -> None:
    """Remove the folders of runs that were killed, or that left a failed test's files to look at."""
    for folder in memory.glob(f"{_PREFIX}*"):
        pid = int(folder.name.removeprefix(_PREFIX).partition("-")[0])
        with contextlib.suppress(PermissionError):  # another user's
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                shutil.rmtree(folder, ignore_errors=True)


def another_file_system(path: Path) -> Path | None:
    """Return a folder for temporary files that lies on another file system than ``path``, if there is one."""
    for folder in (Path(tempfile.gettempdir()), MEMORY):
        if folder.is_dir() and folder.stat().st_dev != path.stat().st_dev:
            return folder
    return None
