"""Decides when a size gains too little to be worked on any longer; without torch, so that forecasts can ask, too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from pipeline.model import Recipe

#: Evaluations over which the gain of the loss is compared with a recipe's tolerance.
PLATEAU_WINDOW: Final = 10

# The next size corrects remaining errors of a coarse one: twice the tolerance there can't be seen.
_COARSE: Final = 2

# An evaluation of twice the size takes four times as long, and has to gain as much more; up to here nobody waits.
_LARGE_PIXELS: Final = 1024


def tolerance_at(recipe: Recipe, scale_index: int) -> float:
    """Return the relative gain over :data:`PLATEAU_WINDOW` evaluations below which one of the sizes is finished."""
    return recipe.tolerance * (1 if _is_last(recipe, scale_index) else _COARSE) * leniency_at(recipe, scale_index)


def leniency_at(recipe: Recipe, scale_index: int) -> float:
    """Return how many times the usual tolerance a size has; before another one, as if it was twice as large.

    What a size leaves undone the next one does, in the evaluations that it needs in any case.
    """
    return leniency(recipe.sizes()[scale_index] * (1 if _is_last(recipe, scale_index) else 2))


def _is_last(recipe: Recipe, scale_index: int) -> bool:
    return scale_index + 1 == len(recipe.sizes())


def leniency(size: float) -> float:
    """Return how many times the tolerance of small pictures one with a long side of ``size`` pixels has."""
    return max(1.0, (size / _LARGE_PIXELS) ** 2)


def fewer_evaluations(times: float) -> float:
    """Return what a size's evaluations are divided by where the tolerance is so many ``times`` as high.

    Measured at 1024 and 2048 pixels.
    """
    return math.pow(times, 0.25)


def is_plateau(totals: Sequence[float], tolerance: float) -> bool:
    """Tell whether the best totals after the latest evaluations, oldest first, fell by less than ``tolerance``.

    With fewer than :data:`PLATEAU_WINDOW` evaluations after the first that is not known yet.
    """
    if len(totals) <= PLATEAU_WINDOW:
        return False
    return totals[0] - totals[-1] < tolerance * abs(totals[0])
