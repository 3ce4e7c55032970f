"""By which seed, and how many times, tests of faults try things at random: a new seed each day, or one's own.

``STYLEWATCH_SEED=20261129`` repeats what was tried that day; the other variables say how many times. CI tries little,
``python -m tests.faults.long`` a lot.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime

SEED = int(os.environ.get("STYLEWATCH_SEED") or f"{datetime.now(UTC):%Y%m%d}")

#: Lives of a folder (tests.faults.test_state_machine).
EXAMPLES = int(os.environ.get("STYLEWATCH_EXAMPLES") or 40)
#: Kills of a daemon, and of its worker, while pictures are in work (tests.faults.test_siege).
KILLS = int(os.environ.get("STYLEWATCH_KILLS") or 3)
#: How many times as many damaged images are made as the thousand of CI (tests.faults.test_malformed_images).
DAMAGES = int(os.environ.get("STYLEWATCH_DAMAGES") or 1)

VARIABLES = {
    "STYLEWATCH_SEED": SEED,
    "STYLEWATCH_EXAMPLES": EXAMPLES,
    "STYLEWATCH_KILLS": KILLS,
    "STYLEWATCH_DAMAGES": DAMAGES,
}


def how_to_replay(file: str, variables: Mapping[str, int] = VARIABLES) -> str:
    """Return what to type to repeat the tests in this file with the same seed and numbers, by default today's."""
    return f"replay: {' '.join(f'{name}={value}' for name, value in variables.items())} .venv/bin/pytest {file}"
