"""Freed memory is kept for the next picture and returned when asked for, where the C library can do that."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.engine.cpu.allocator import give_memory_back

SCRIPT = """
import os
from pathlib import Path
from pipeline.engine.cpu.allocator import give_memory_back, keep_memory

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_000_000

keep_memory()
before = megabytes()
many = [b"x" * 8_000_000 for _ in range(20)]
last = b"y" * 1000  # at the top of what was taken
del many
kept = megabytes() - before
give_memory_back()
print(kept, megabytes() - before, os.environ["THP_MEM_ALLOC_ENABLE"])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads its size in /proc")
def test_memory_is_kept_until_it_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kept, left, pages = map(int, done.stdout.split())
    assert left < 20
    assert kept >= left
    assert pages == 1


def test_giving_back_does_nothing_where_there_is_nothing_to_give() -> None:
    give_memory_back()
    give_memory_back()
