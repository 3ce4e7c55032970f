"""How long a worker may say nothing. Owns the arithmetic; refuses clocks.

A worker tells of every evaluation, so silence means that the engine does not get on, whatever its threads do. The
seconds are those that somebody listened: a machine that sleeps, or a stopped terminal, makes nobody a suspect.
"""

from __future__ import annotations

from typing import Final

_TIMES_THE_SLOWEST: Final = 10.0


class HangDetector:
    """Runs out after ``least_seconds`` (0 = never) and ten times the longest silence that was followed by a word."""

    def __init__(self, least_seconds: float) -> None:
        self._least_seconds = least_seconds
        self._longest_seconds = 0.0
        self.silent_seconds = 0.0

    def hear(self) -> None:
        """Take in that the worker said something."""
        self._longest_seconds = max(self._longest_seconds, self.silent_seconds)
        self.silent_seconds = 0.0

    def tighten(self, least_seconds: float) -> None:
        """Wait no longer than this from now on, or ten times the longest silence."""
        self._least_seconds = least_seconds
        self.silent_seconds = 0.0

    def wait(self, seconds: float) -> bool:
        """Take in that it was listened to in vain for ``seconds``; True once patience has run out."""
        self.silent_seconds += seconds
        limit_seconds = max(self._least_seconds, _TIMES_THE_SLOWEST * self._longest_seconds)
        return self._least_seconds > 0 and self.silent_seconds > limit_seconds
