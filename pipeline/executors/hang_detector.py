"""Decides whether a silent worker hangs. Owns the arithmetic; has no clock of its own.

A worker reports every evaluation, and within one of a large picture its blocks, so silence means that the engine
makes no progress, whatever its threads do. Only seconds in which the parent waited for a message count: a machine
that slept or a suspended terminal is no hang.
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
        """Record that the worker sent a message."""
        self._longest_silence_seconds = max(self._longest_silence_seconds, self.silent_seconds)
        self.silent_seconds = 0.0

    def restart(self, timeout_seconds: float) -> None:
        """Count from now on, with another timeout; a slow worker still gets ten times its longest silence."""
        self._timeout_seconds = timeout_seconds
        self.silent_seconds = 0.0

    def add_silence(self, seconds: float) -> bool:
        """Record that no message came for ``seconds``; True if the worker counts as hung."""
        self.silent_seconds += seconds
        limit_seconds = max(self._timeout_seconds, _TIMES_THE_SLOWEST * self._longest_silence_seconds)
        return self._timeout_seconds > 0 and self.silent_seconds > limit_seconds
