"""How often, and by which dice, tests of faults try things at random: another seed each day, the same one on request.

``STYLEWATCH_SEED=20261129`` brings a day's dice back; the other variables throw them more often.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

SEED = int(os.environ.get("STYLEWATCH_SEED") or f"{datetime.now(UTC):%Y%m%d}")

#: Lives of a folder (tests.faults.test_state_machine).
EXAMPLES = int(os.environ.get("STYLEWATCH_EXAMPLES") or 250)
#: Kills of a daemon, and of its worker, while pictures are in work (tests.faults.test_siege).
KILLS = int(os.environ.get("STYLEWATCH_KILLS") or 6)
#: How many times as many damaged images are made as the thousand of CI (tests.faults.test_malformed_images).
DAMAGES = int(os.environ.get("STYLEWATCH_DAMAGES") or 1)


def how_to_replay(file: str) -> str:
    """Return what to type to throw the same dice again for the tests in this file."""
    return (
        f"replay: STYLEWATCH_SEED={SEED} STYLEWATCH_EXAMPLES={EXAMPLES} STYLEWATCH_KILLS={KILLS} "
        f"STYLEWATCH_DAMAGES={DAMAGES} .venv/bin/pytest {file}"
    )
