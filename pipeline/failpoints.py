"""Named places where a test can kill the process. Owns nothing else; does nothing unless a test asks.

Crash safety is a claim about the moments between two steps. Each such moment has a name here, and
``STYLEWATCH_FAILPOINT=NAME`` makes the process kill itself there with SIGKILL, as a power cut would.
``NAME:N`` does so at the N-th passage.
"""

from __future__ import annotations

import os
import signal
from typing import Final

VARIABLE: Final = "STYLEWATCH_FAILPOINT"

NAMES: Final = (
    "photos-recorded",
    "jobs-recorded",
    "job-leased",
    "worker-decoded",
    "worker-half-written",
    "worker-written",
    "artwork-recorded",
    "picture-linked",
    "picture-published",
    "job-done",
    "move-noted",
    "original-reserved",
    "original-copied",
    "original-leaving",
    "original-moved",
)

_passages: dict[str, int] = {}


def failpoint(name: str) -> None:
    """Die here by SIGKILL if a test asked for it; otherwise return at once."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    target, _, count = wanted.partition(":")
    if target != name:
        return
    _passages[name] = _passages.get(name, 0) + 1
    if _passages[name] >= int(count or "1"):
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
