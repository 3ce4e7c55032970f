"""A pass with the fake engine in a process of its own, to be killed: ``python -m tests.faults.drive FOLDER``.

What the program needs is imported when it begins: its worker's process loads this file anew, and needs none of that.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    from tests.faults.passing import make_a_pass

    sys.exit(make_a_pass(Path(sys.argv[1])))
