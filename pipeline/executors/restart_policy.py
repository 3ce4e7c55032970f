"""Decides whether and when a crashed worker is replaced. Owns the delays and the message; has no clock of its own.

A crash with pictures in progress narrows the cause: the next worker takes fewer of them, and a single one is the
cause. A worker that crashes before it begins a picture tells nothing about its pictures; after a few of those in a
row the machine is at fault.
"""

from __future__ import annotations

from typing import Final

#: An installation that is being updated is complete again, and memory that others took is free again, within seconds.
_DELAYS_SECONDS: Final = (1.0, 4.0, 16.0)


class RestartPolicy:
    """Counts the workers in a row that crashed before they began with a picture."""

    def __init__(self) -> None:
        self.consecutive_crashes = 0

    def reset(self) -> None:
        """Record that a worker crashed that had begun pictures."""
        self.consecutive_crashes = 0

    def next_delay_seconds(self) -> float | None:
        """Record that one crashed that had not, and return how long to wait before the next; None: start none."""
        self.consecutive_crashes += 1
        return (
            _DELAYS_SECONDS[self.consecutive_crashes - 1]
            if self.consecutive_crashes <= len(_DELAYS_SECONDS)
            else None
        )


def crash_message(
    reason: str, in_progress: int, *, counts_as_crash: bool, delay_seconds: float, next_batch: int
) -> str:
    """Return a sentence on a crash: ``reason``, what becomes of the pictures ``in_progress``, and the next worker.

    ``counts_as_crash``: it counts as a crash of each of them. ``next_batch``: how many pictures the next worker makes
    at once; 0 = there is no next one, or that is unknown.
    """
    pictures = f"{in_progress} picture{'' if in_progress == 1 else 's'} in progress"
    parts = [f"{reason} with {pictures if in_progress else 'no picture in progress'}"]
    if in_progress:
        counted = f"that counts as a crash of {'it' if in_progress == 1 else 'each of them'}"
        parts += [counted if counts_as_crash else "they return to the queue"]
    if delay_seconds:
        parts += [f"the next one is started in {delay_seconds:g} s"]
    if next_batch:
        parts += [f"the next one makes {'one' if next_batch == 1 else f'at most {next_batch}'} at a time"]
    return "; ".join(parts)
