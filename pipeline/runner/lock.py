"""One instance on one state folder. Owns the instance lock and who holds it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from pipeline.errors import LockedError, StorageError

LOCK_NAME: Final = "instance.lock"
HOLDER_NAME: Final = "instance.json"
WORKER_LOCK_NAME: Final = "worker.lock"

_ORPHAN_SECONDS: Final = 60.0

#: What says that a file system has no locks, rather than that this folder can't be written.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


@contextlib.contextmanager
def instance_lock(state_folder: Path, command: str) -> Iterator[None]:
    """Hold the state folder for this process.

    The operating system frees the lock when the process dies, however it dies, so a lease in the ledger is void
    as soon as this lock can be had. Raises LockedError naming the process that has it, StorageError when the
    folder can't be made.
    """
    holder = state_folder / HOLDER_NAME
    try:
        state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(state_folder / LOCK_NAME, timeout=0, fallback_to_soft=False)
        lock.acquire()
    except Timeout as error:
        raise LockedError(f"{state_folder} is in use by {_describe(holder)}; wait for it or stop it") from error
    except (OSError, NotImplementedError) as error:
        raise _no_lock(state_folder, error) from error
    try:
        with contextlib.suppress(OSError):  # a full disk: whoever is refused then learns no pid
            holder.write_text(json.dumps({"pid": os.getpid(), "command": command}), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _no_lock(state_folder: Path, error: OSError | NotImplementedError) -> StorageError:
    if isinstance(error, NotImplementedError) or error.errno in _NO_LOCKS:
        return StorageError(f"{state_folder} can't hold a lock ({error}); set state.folder to a local disk")
    return StorageError(
        f"{state_folder} can't be written ({error.strerror}); mount its disk or share, give the program the right to "
        f"write there, or correct output.folder or state.folder"
    )


def wait_for_orphan(state_folder: Path, seconds: float = _ORPHAN_SECONDS) -> None:
    """Wait until no worker of a killed instance writes any more. Raises LockedError if it does not end."""
    lock = FileLock(state_folder / WORKER_LOCK_NAME, timeout=seconds, fallback_to_soft=False)
    try:
        with lock:
            pass
    except Timeout as error:
        raise LockedError(
            f"a worker process of an earlier run still holds {lock.lock_file}; end the process 'stylewatch-worker'"
        ) from error


def _describe(holder: Path) -> str:
    try:
        entry = json.loads(holder.read_text(encoding="utf-8"))
        return f"'{entry['command']}' with pid {entry['pid']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another stylewatch"
