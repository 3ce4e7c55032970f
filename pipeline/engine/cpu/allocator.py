"""Sets how the C library handles freed memory in a worker; where it has no such switches, nothing happens.

glibc returns blocks of more than a few megabytes to the system as soon as they are freed, and the next block costs a
page fault for every 4 KiB: a tenth to a quarter of an evaluation. So freed memory is kept, and returned to the system
after each picture.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

# From malloc.h.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8

_NEVER: Final = 2**31 - 1
_LARGEST_MMAP_THRESHOLD: Final = 32 * 2**20  # glibc refuses more


def keep_memory() -> None:
    """Keep freed memory in this process until :func:`give_memory_back`; to be called before torch is loaded."""
    # Pages of 2 MiB for tensors, where the system has them: read by torch when it is loaded.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    library = _glibc()
    if library is not None:
        library.mallopt(_ARENA_MAX, 1)  # so that one thread can reuse what another has freed
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        library.mallopt(_TRIM_THRESHOLD, _NEVER)


def give_memory_back() -> None:
    """Return freed memory to the system."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """Return the C library if it is GNU's."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "mallopt") and hasattr(library, "gnu_get_libc_version") else None
    except OSError:
        return None
