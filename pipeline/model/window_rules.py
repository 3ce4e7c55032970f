"""Rules of a schedule's windows as plain values. Owns how a time of day is written; reads no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from typing import Final
from zoneinfo import ZoneInfo

_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class WindowRule:
    """The rule by which a window repeats, in the wall time of ``zone`` (None = the system's own).

    It begins by ``cron`` (five fields, or an alias like ``@daily``) and ends at the first ``until`` after that.
    """

    cron: str
    until: time
    zone: ZoneInfo | None = None


def clock_time(text: str) -> time:
    """Return the time of day that ``06:00``, ``6:00`` or ``24:00`` means. Raises ValueError."""
    match = _CLOCK.fullmatch("0:00" if text == "24:00" else text)
    if match is None:
        raise ValueError(f"must be a time of day like '06:00', found {text!r}")
    return time(int(match[1]), int(match[2]))
