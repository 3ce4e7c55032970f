"""Passes whose imports are over when they begin: processes forked off a server that has loaded the program once.

A pass with the fake engine takes a tenth of the time that a new process needs to load what it needs. It is a process
of its own all the same, and dies as one; its worker is started by the program itself, as ever.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

_PATIENCE_SECONDS = 120.0


def run_pass(folder: Path, **environment: str) -> tuple[int, str]:
    """Make a pass over ``folder``; return the exit code, negative for a signal, and what was said."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["tests.faults.passing"])
    with tempfile.NamedTemporaryFile() as said:
        process = server.Process(target=_pass, args=(folder, said.name, environment))
        process.start()
        process.join(_PATIENCE_SECONDS)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
        text = said.read().decode()
    assert code is not None, f"not over after {_PATIENCE_SECONDS:.0f} s: {text}"
    return code, text


def _pass(folder: Path, said: str, environment: dict[str, str]) -> None:
    descriptor = os.open(said, os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(environment)
    from tests.faults.passing import make_a_pass

    sys.exit(make_a_pass(folder))
