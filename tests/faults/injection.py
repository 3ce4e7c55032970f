"""System calls that fail on purpose, in other processes: a preloaded library breaks chosen calls on chosen paths.

Calls are named ``open`` (to read), ``create`` (to write), ``list`` (a folder), ``stat``, ``read``, ``write``,
``fsync``, ``rename``, ``link``, ``unlink``, ``mkdir``, ``statvfs``. Rules may change while the processes run: a disk
breaks, and is mended.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

needs_injection = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None, reason="needs Linux and a C compiler"
)

_SOURCE = Path(__file__).with_name("injection.c")


@dataclass
class StorageFaults:
    """The faults of the processes that are started with :meth:`environment`; none at first."""

    folder: Path
    rules: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", self.folder / "injection.so", _SOURCE, "-ldl"]
        subprocess.run(command, check=True)
        self._write()

    def environment(self) -> dict[str, str]:
        """Return the environment, this process's own included, of a process that is to meet the faults."""
        return os.environ | {
            "LD_PRELOAD": str(self.folder / "injection.so"),
            "STYLEWATCH_STORAGE_FAULTS": str(self.folder / "rules"),
        }

    def fail(self, calls: str, path: Path | str, error: int, *, skip: int = 0, times: int = 0) -> None:
        """Let ``calls`` (names with commas between) on every path that contains ``path`` fail with this errno.

        In each process the first ``skip`` calls still succeed; ``times`` of them fail, 0 = all from then on.
        """
        self.rules.append(f"{error} {skip} {times} {calls} {path}")
        self._write()

    def mend(self) -> None:
        """Let everything succeed again."""
        self.rules = [""] * len(self.rules)  # a rule's calls are counted by its line: those of later ones begin at 0
        self._write()

    def _write(self) -> None:
        new = self.folder / "rules.new"
        new.write_text("\n".join(self.rules), encoding="utf-8")
        new.replace(self.folder / "rules")
