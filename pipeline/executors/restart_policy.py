"""Whether, and when, a worker that died gets a successor. Owns the arithmetic and the words; refuses clocks.

A death makes progress: of several pictures in progress fewer are taken up together, a single one is to blame. Only a
worker that dies before it begins with anything teaches nothing; a few of those in a row, and it is the surroundings.
"""

from __future__ import annotations

from typing import Final

#: A program that is being replaced is whole again, and memory that others took comes back, within seconds.
_DELAYS_SECONDS: Final = (1.0, 4.0, 16.0)


class RestartPolicy:
    """Counts the workers in a row that died before they began with a picture."""

    def __init__(self) -> None:
        self.deaths_in_a_row = 0

    def reset(self) -> None:
        """Take in that a worker died that had begun with pictures."""
        self.deaths_in_a_row = 0

    def next_delay_seconds(self) -> float | None:
        """Take in that one died that had not, and return how long to wait before the next; None: start none."""
        self.deaths_in_a_row += 1
        return _DELAYS_SECONDS[self.deaths_in_a_row - 1] if self.deaths_in_a_row <= len(_DELAYS_SECONDS) else None


def death_message(reason: str, in_progress: int, *, blamed: bool, delay_seconds: float, next_batch: int) -> str:
    """Tell of a death: ``reason``, what becomes of the pictures ``in_progress``, and what the next worker does.

    ``blamed``: their crashes are counted. ``next_batch``: how many pictures that one makes at once; 0 = there is none
    to come, or it is not known.
    """
    pictures = f"{in_progress} picture{'' if in_progress == 1 else 's'} in progress"
    parts = [f"{reason} with {pictures if in_progress else 'no picture in progress'}"]
    if in_progress:
        blame = f"that counts as a crash of {'it' if in_progress == 1 else 'each of them'}"
        parts += [blame if blamed else "they are put back"]
    if delay_seconds:
        parts += [f"the next one is started in {delay_seconds:g} s"]
    if next_batch:
        parts += [f"the next one makes {'one' if next_batch == 1 else f'at most {next_batch}'} at a time"]
    return "; ".join(parts)
