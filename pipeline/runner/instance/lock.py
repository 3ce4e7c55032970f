"""One instance on one state folder. Owns the instance lock and who holds it."""

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
from pipeline.report.heartbeat import BEAT_SECONDS, read_heartbeat
from pipeline.report.heartbeat import FILE_NAME as SIGN_NAME

LOCK_NAME: Final = "instance.lock"
HOLDER_NAME: Final = "instance.json"
WORKER_LOCK_NAME: Final = "worker.lock"

_ORPHAN_SECONDS: Final = 60.0

#: A sign of life that is older than this is not worth waiting for a newer one.
_RECENT_SECONDS: Final = 300.0
_WATCHED_SECONDS: Final = 1.2 * BEAT_SECONDS
_LOOK_SECONDS: Final = 0.5

#: Whoever only asks whether the lock is held holds it for a moment, which must not make anybody believe it is.
_GLANCE_SECONDS: Final = 0.1
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
    folder can't be made. Locks of a share may be each machine's own: another machine's sign of life that changes
    while it is looked at is as good as a lock.
    """
    holder, me = state_folder / HOLDER_NAME, Holder(os.getpid(), command, platform.node())
    try:
        state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(state_folder / LOCK_NAME, timeout=_GLANCE_SECONDS, fallback_to_soft=False)
        lock.acquire(poll_interval=_GLANCE_SECONDS / 20)
    except Timeout as error:
        who = _describe(holder_of(state_folder))
        raise LockedError(f"{state_folder} is in use by {who}; wait for it or stop it") from error
    except (OSError, NotImplementedError) as error:
        raise _no_lock(state_folder, error) from error
    try:
        _refuse_another_machine(state_folder, sleep, now)
        with contextlib.suppress(OSError):  # a full disk: whoever is refused then learns no pid
            write_file(holder, json.dumps(dataclasses.asdict(me)).encode("utf-8"), durable=False)
        yield
    finally:
        if holder_of(state_folder) in (None, me):  # not another machine's, which may have a lock of its own
            with contextlib.suppress(OSError):
                holder.unlink(missing_ok=True)
        lock.release()


def _refuse_another_machine(state_folder: Path, sleep: Callable[[float], None], now: Callable[[], float]) -> None:
    """Raise LockedError if another machine is at work. Takes a while only after one was there minutes ago."""
    before = read_heartbeat(state_folder)
    if before is None or before.host == platform.node() or _age_seconds(state_folder, now) > _RECENT_SECONDS:
        return
    # It may have been killed just now, and the clocks of two machines differ: only a change proves that it is alive.
    for _ in range(round(_WATCHED_SECONDS / _LOOK_SECONDS)):
        sleep(_LOOK_SECONDS)
        sign = read_heartbeat(state_folder)
        if sign is None:
            return
        if sign != before:
            raise LockedError(f"{state_folder} is in use by {sign.name()}; wait for it or stop it")


def _age_seconds(state_folder: Path, now: Callable[[], float]) -> float:
    """Return how old the sign of life is, as far as possible by the one clock of its own disk."""
    try:
        said_at = (state_folder / SIGN_NAME).stat().st_mtime
        probe = state_folder / f".{HOLDER_NAME}.part"
        try:
            probe.write_bytes(b"")
            return probe.stat().st_mtime - said_at
        finally:
            probe.unlink(missing_ok=True)
    except OSError:
        sign = read_heartbeat(state_folder)
        return 0.0 if sign is None else now() - sign.beat


def is_held(state_folder: Path) -> bool:
    """Tell whether a process holds the state folder now; makes nothing. Raises StorageError if it can't be read."""
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
        with FileLock(file, timeout=_GLANCE_SECONDS, fallback_to_soft=False):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):  # somebody else's folder
        return _is_held_by_another_user(file)


def _is_held_by_another_user(file: Path) -> bool:
    """Ask for a lock that whoever may read the file can have."""
    try:
        import fcntl
    except ImportError:  # Windows: what he wrote there has to do
        return holder_of(file.parent) is not None
    until = time.monotonic() + _GLANCE_SECONDS
    try:
        with file.open("rb") as open_file:
            while True:
                try:
                    fcntl.flock(open_file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > until:
                        return True
                    time.sleep(_GLANCE_SECONDS / 10)
                else:
                    return False
    except OSError:
        return holder_of(file.parent) is not None


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that says it holds a state folder; only the lock proves that it does."""

    pid: int
    command: str
    host: str = ""


def holder_of(state_folder: Path) -> Holder | None:
    """Return who holds the state folder as far as is written there, None if nothing is."""
    try:
        entry = json.loads((state_folder / HOLDER_NAME).read_text(encoding="utf-8"))
        return Holder(int(entry["pid"]), str(entry["command"]), str(entry.get("host", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
    except (OSError, NotImplementedError) as error:
        raise _no_lock(state_folder, error) from error


def _describe(holder: Holder | None) -> str:
    return "another stylewatch" if holder is None else f"'{holder.command}' with pid {holder.pid}"
