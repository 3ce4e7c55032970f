"""Runs one command as a process, until it ends or its deadline passes. Owns what it inherits and how it is killed.

It gets arguments, not a command line; empty input; and a process group of its own (on POSIX a session), so that
Ctrl-C does not reach it and its children are killed with it. It has ended once its program has and every process that
holds its output has closed it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Final

from pipeline.hooks.calls import HookCall
from pipeline.hooks.excerpt import Excerpt

_CHUNK_BYTES: Final = 65_536
#: Time between checks of the deadline, which may come nearer meanwhile.
_POLL_SECONDS: Final = 0.1
#: A killed process ends at once, unless it belongs to another user and can't be killed.
_KILL_SECONDS: Final = 2.0

#: Returns when the time is over, by ``time.monotonic()``.
Deadline = Callable[[], float]
ReadOutput = Callable[[IO[bytes], Callable[[bytes], None], Deadline], bool]


@dataclass(frozen=True, slots=True)
class CompletedCall:
    """How a command ended: ``code`` is its exit code, -N for signal N, None if it was killed at its deadline."""

    code: int | None
    output: list[str]


def execute(call: HookCall, deadline: Deadline, *, read_output: ReadOutput | None = None) -> CompletedCall:
    """Run a command to its end. Raises OSError or ValueError if it can't be started."""
    process = subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
        call.arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | call.environment,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # on Windows, which has no sessions
    )
    assert process.stdout is not None
    excerpt = Excerpt()
    with process.stdout:
        closed = (read_output or _read_output)(process.stdout, excerpt.add, deadline)
        # It is reaped only after its group is killed: until then no other process group can get its number.
        code = _wait(process, deadline) if closed else None
        if code is None:
            _kill(process)
    return CompletedCall(code, excerpt.lines())


def _wait(process: subprocess.Popen[bytes], deadline: Deadline) -> int | None:
    while (left := deadline() - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(min(left, _POLL_SECONDS))
    return None


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):  # another user's, or already gone
        if sys.platform == "win32":
            subprocess.run(  # noqa: S603 - only a number is filled in
                ["taskkill", "/T", "/F", "/PID", str(process.pid)],  # noqa: S607 - a part of Windows
                capture_output=True,
                timeout=_KILL_SECONDS,
                check=False,
            )
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_SECONDS)


def read_by_events(output: IO[bytes], on_data: Callable[[bytes], None], deadline: Deadline) -> bool:
    """Read an output to its end; False if the deadline came first."""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while (left := deadline() - time.monotonic()) > 0:
            if selector.select(min(left, _POLL_SECONDS)):
                data = os.read(output.fileno(), _CHUNK_BYTES)
                if not data:
                    return True
                on_data(data)
    return False


def read_by_thread(output: IO[bytes], on_data: Callable[[bytes], None], deadline: Deadline) -> bool:
    """Do the same on Windows, where select() takes no pipes."""

    def read() -> None:
        with contextlib.suppress(OSError, ValueError):  # the file was closed after the deadline
            while data := os.read(output.fileno(), _CHUNK_BYTES):
                on_data(data)

    reader = threading.Thread(target=read, name="hook-output", daemon=True)
    reader.start()
    while reader.is_alive() and (left := deadline() - time.monotonic()) > 0:
        reader.join(min(left, _POLL_SECONDS))
    return not reader.is_alive()


_read_output: Final[ReadOutput] = read_by_thread if os.name == "nt" else read_by_events
