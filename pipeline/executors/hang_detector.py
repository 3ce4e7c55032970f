"""How long a worker may say nothing. Owns the arithmetic; refuses clocks.

A worker tells of every evaluation, so silence means that the engine does not get on, whatever its threads do. The
seconds are those that somebody listened: a machine that sleeps, or a stopped terminal, makes nobody a suspect.
"""

from __future__ import annotations

from typing import Final

_TIMES_THE_SLOWEST: Final = 10.0


class HangDetector:
    """Finds a worker hung after ``timeout_seconds`` without a message (0 = never).

    A worker that was slower before gets ten times its longest silence.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._longest_silence_seconds = 0.0
        self.silent_seconds = 0.0

    def message_received(self) -> None:
        """Take in that the worker said something."""
        self._longest_silence_seconds = max(self._longest_silence_seconds, self.silent_seconds)
        self.silent_seconds = 0.0

    def restart(self, timeout_seconds: float) -> None:
        """Wait no longer than this from now on, or ten times the longest silence."""
        self._timeout_seconds = timeout_seconds
        self.silent_seconds = 0.0

    def add_silence(self, seconds: float) -> bool:
        """Take in that it was listened to in vain for ``seconds``; True once patience has run out."""
        self.silent_seconds += seconds
        limit_seconds = max(self._timeout_seconds, _TIMES_THE_SLOWEST * self._longest_silence_seconds)
        return self._timeout_seconds > 0 and self.silent_seconds > limit_seconds
