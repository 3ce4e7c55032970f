"""The least effort that reaches a goal, by a ladder of efforts and bisection between its last two rungs."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil


def smallest_budget(
    value: Callable[[int], float], target: float, *, start: int, most: int, precision: float = 0.1
) -> int | None:
    """Return the smallest budget, up to ``precision`` of it, whose ``value`` is at most ``target``.

    None if not even ``most`` reaches it. ``value`` falls with the budget, and costs enough to be asked seldom.
    """
    low, high = 0, min(start, most)
    while value(high) > target:
        if high == most:
            return None
        low, high = high, min(most, ceil(high * 1.5))
    while high - low > max(1, int(high * precision)):
        middle = (low + high) // 2
        if value(middle) <= target:
            high = middle
        else:
            low = middle
    return high
