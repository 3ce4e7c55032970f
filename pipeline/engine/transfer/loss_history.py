"""Keeps how a picture's losses went: some of its evaluations, evenly spread over each scale, and always the last one.

Which evaluations are kept depends on their numbers alone, so that a picture that is resumed has the history of one
that was not interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pipeline.model import LossPoint

#: How many evaluations of a scale are kept at most.
MOST_POINTS: Final = 40

Points = tuple[LossPoint, ...]


def with_point(points: Points, point: LossPoint, first: int) -> Points:
    """Return ``points`` with another one, the latest; some of its scale, which begins at ``first``, may go."""
    stride = 1
    while (point.evaluation - first) // stride >= MOST_POINTS - 1:
        stride *= 2
    kept = (
        each for each in points if each.scale_index != point.scale_index or (each.evaluation - first) % stride == 0
    )
    return (*kept, point)


def stored(points: Points) -> list[Any]:
    """Return points as JSON can hold them, all their bits included."""
    return [[each.evaluation, each.scale_index, each.total, each.tv, list(each.layers)] for each in points]


def restored(values: Sequence[Any]) -> Points:
    """Return what :func:`stored` was given. Raises TypeError or ValueError for anything else."""
    return tuple(
        LossPoint(int(evaluation), int(scale_index), float(total), float(tv), tuple(map(float, layers)))
        for evaluation, scale_index, total, tv, layers in values
    )
