"""Tells how this program is started from the user's shell, so that a command can be copied as it stands."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def command_line(*words: str | Path) -> str:
    """Return words as one line for the system's shell, each quoted if need be."""
    texts = [os.fspath(word) for word in words]
    return subprocess.list2cmdline(texts) if os.name == "nt" else shlex.join(texts)


def own_words(argv0: str | None = None, which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """Return the words that start this program as it was started: by its name, by its path, or by Python."""
    argv0 = argv0 or sys.argv[0]
    if Path(argv0).suffix == ".py":
        return [sys.executable, "-m", "pipeline"]
    name = Path(argv0).name.removesuffix(".exe")
    found = which(name)
    if not Path(argv0).parent.name or (found and Path(found).resolve() == Path(argv0).resolve()):
        return [name]
    return [os.path.relpath(argv0) if Path(argv0).is_relative_to(Path.cwd()) else argv0]


def absolute_words(words: list[str], which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """Return the words as they start the program from any folder, without the shell's search path."""
    program, *rest = words
    return [str(Path(which(program) or program).absolute()), *rest]


def path_from_here(path: Path) -> Path:
    """Return an absolute path as it is typed in the current folder: relative if it lies in it."""
    try:
        relative = path.relative_to(Path.cwd())
    except ValueError:
        return path
    return Path(".", relative) if not str(relative).startswith("-") else path
