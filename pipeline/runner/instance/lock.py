"""Lets one process at a time use a state folder. Owns the lock files and the name of the process that holds it."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from pipeline.durable_files import write_file
from pipeline.errors import LockedError, StorageError
from pipeline.report.heartbeat import BEAT_SECONDS, process_name, read_heartbeat
from pipeline.report.heartbeat import FILE_NAME as HEARTBEAT_NAME

LOCK_NAME: Final = "instance.lock"
HOLDER_NAME: Final = "instance.json"
WORKER_LOCK_NAME: Final = "worker.lock"

_ORPHAN_TIMEOUT_SECONDS: Final = 60.0

#: A heartbeat older than this is not worth waiting for the next one.
_RECENT_SECONDS: Final = 300.0
_WATCH_SECONDS: Final = 1.2 * BEAT_SECONDS
_POLL_SECONDS: Final = 0.5

#: To test the lock is to hold it for a moment, which must not make another process believe that it is held.
_TEST_SECONDS: Final = 0.1
#: What says that a file system has no locks, rather than that this folder can't be written.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


@contextlib.contextmanager
def instance_lock(
    state_folder: Path,
    command: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> Iterator[None]:
    """Hold the state folder for this process.

    The operating system frees the lock when the process dies, however it dies, so a lease in the ledger is void
    as soon as this lock can be had. Raises LockedError naming the process that has it, StorageError when the
    folder can't be made. On a share each machine may have locks of its own: a heartbeat of another machine that
    changes while it is watched is as good as a lock.
    """
    holder, me = state_folder / HOLDER_NAME, LockHolder(os.getpid(), command, platform.node())
    try:
        state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(state_folder / LOCK_NAME, timeout=_TEST_SECONDS, fallback_to_soft=False)
        lock.acquire(poll_interval=_TEST_SECONDS / 20)
    except Timeout as error:
        found = read_holder(state_folder)
        who = found.name() if found else "another stylewatch"
        raise LockedError(f"{state_folder} is in use by {who}; wait for it or stop it") from error
    except (OSError, NotImplementedError) as error:
        raise _no_lock(state_folder, error) from error
    try:
        _require_no_other_machine(state_folder, sleep, now)
        with contextlib.suppress(OSError):  # a full disk: the refusal then names no pid
            write_file(holder, json.dumps(dataclasses.asdict(me)).encode("utf-8"), durable=False)
        yield
    finally:
        if read_holder(state_folder) in (None, me):  # not another machine's, which may have a lock of its own
            with contextlib.suppress(OSError):
                holder.unlink(missing_ok=True)
        lock.release()


def _require_no_other_machine(state_folder: Path, sleep: Callable[[float], None], now: Callable[[], float]) -> None:
    """Raise LockedError if another machine uses the folder. Waits only if one did so some minutes ago."""
    before = read_heartbeat(state_folder)
    if (
        before is None
        or before.host == platform.node()
        or _heartbeat_age_seconds(state_folder, now) > _RECENT_SECONDS
    ):
        return
    # It may have been killed just now, and the clocks of two machines differ: only a change proves that it is alive.
    for _ in range(round(_WATCH_SECONDS / _POLL_SECONDS)):
        sleep(_POLL_SECONDS)
        heartbeat = read_heartbeat(state_folder)
        if heartbeat is None:
            return
        if heartbeat != before:
            raise LockedError(f"{state_folder} is in use by {heartbeat.name()}; wait for it or stop it")


def _heartbeat_age_seconds(state_folder: Path, now: Callable[[], float]) -> float:
    """Return how old the heartbeat is, by the clock of its own disk where that can be asked."""
    try:
        beat_at = (state_folder / HEARTBEAT_NAME).stat().st_mtime
        probe = state_folder / f".{HOLDER_NAME}.part"
        try:
            probe.write_bytes(b"")
            return probe.stat().st_mtime - beat_at
        finally:
            probe.unlink(missing_ok=True)
    except OSError:
        heartbeat = read_heartbeat(state_folder)
        return 0.0 if heartbeat is None else now() - heartbeat.beat


def is_held(state_folder: Path) -> bool:
    """Tell whether a process holds the state folder now; changes nothing. Raises StorageError if it can't be read."""
    file = state_folder / LOCK_NAME
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StorageError(
            f"{state_folder} can't be read ({error.strerror}); ask its owner for the right to, or check its disk"
        ) from error
    try:
        with FileLock(file, timeout=_TEST_SECONDS, fallback_to_soft=False):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):  # another user's folder
        return _is_held_by_another_user(file)


def _is_held_by_another_user(file: Path) -> bool:
    """Tell by a shared lock, for which the right to read the file is enough."""
    try:
        import fcntl
    except ImportError:  # Windows: then rely on what that process wrote
        return read_holder(file.parent) is not None
    until = time.monotonic() + _TEST_SECONDS
    try:
        with file.open("rb") as open_file:
            while True:
                try:
                    fcntl.flock(open_file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > until:
                        return True
                    time.sleep(_TEST_SECONDS / 10)
                else:
                    return False
    except OSError:
        return read_holder(file.parent) is not None


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The process that says it holds a state folder; only the lock proves that it does."""

    pid: int
    command: str
    host: str = ""

    def name(self) -> str:
        """Return what the process is called in messages."""
        return process_name(self.command, self.pid, self.host)


def read_holder(state_folder: Path) -> LockHolder | None:
    """Return who holds the state folder as far as is written there, None if nothing is."""
    try:
        entry = json.loads((state_folder / HOLDER_NAME).read_text(encoding="utf-8"))
        return LockHolder(int(entry["pid"]), str(entry["command"]), str(entry.get("host", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _no_lock(state_folder: Path, error: OSError | NotImplementedError) -> StorageError:
    if isinstance(error, NotImplementedError) or error.errno in _NO_LOCKS:
        return StorageError(f"{state_folder} can't hold a lock ({error}); set state.folder to a local disk")
    return StorageError(
        f"{state_folder} can't be written ({error.strerror}); mount its disk or share, give the program the right to "
        f"write there, or correct output.folder or state.folder"
    )


def wait_for_orphaned_worker(state_folder: Path, seconds: float = _ORPHAN_TIMEOUT_SECONDS) -> None:
    """Wait until no worker of a killed process writes any more. Raises LockedError if it does not end."""
    lock = FileLock(state_folder / WORKER_LOCK_NAME, timeout=seconds, fallback_to_soft=False)
    try:
        with lock:
            pass
    except Timeout as error:
        raise LockedError(
            f"a worker process of an earlier run still holds {lock.lock_file}; end the process 'stylewatch-worker'"
        ) from error
    except (OSError, NotImplementedError) as error:
        raise _no_lock(state_folder, error) from error
