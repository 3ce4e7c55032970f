"""A daemon with the fake engine in a process of its own: ``python -m tests.daemon.drive FOLDER [plain]``.

Writes a line for each event: its kind, the photo and the words. What the program needs is imported when it begins:
its worker's process loads this file anew, and needs none of that.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    from tests.daemon.driven import run_daemon

    sys.exit(run_daemon(Path(sys.argv[1]), *sys.argv[2:]))
