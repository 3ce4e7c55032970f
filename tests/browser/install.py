"""`python -m tests.browser.install`: installs Chromium on Debian as root if there is none; elsewhere it says how."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.browser.chromium import VARIABLE, advice, find_chromium

INSTALL = (
    ("apt-get", "update", "-q"),
    ("apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"),
)


def may_install() -> bool:
    """Tell whether this is Debian or a child of it, and we may install packages."""
    return (
        VARIABLE not in os.environ and hasattr(os, "geteuid") and os.geteuid() == 0 and bool(shutil.which("apt-get"))
    )


def run(command: Sequence[str]) -> bool:
    """Run one command; its output is the user's to read."""
    return (
        subprocess.run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False).returncode == 0
    )


def main(
    find: Callable[[], Path | None] = find_chromium,
    allowed: Callable[[], bool] = may_install,
    execute: Callable[[Sequence[str]], bool] = run,
) -> int:
    """Return 0 if there is a browser now, else 1, with the line to type on standard error."""
    if find() is None and allowed():
        all(execute(command) for command in INSTALL)
    if find() is not None:
        return 0
    print(advice(), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
