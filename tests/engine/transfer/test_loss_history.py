"""Of the evaluations of each scale a bounded number is kept, evenly spread, the first and the last among them."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from pipeline.engine.transfer.loss_history import MOST_POINTS, Points, restored, stored, with_point
from pipeline.model import LossPoint


def point(evaluation: int, scale_index: int = 0) -> LossPoint:
    return LossPoint(evaluation, scale_index, 1 / evaluation, 0.0, (0.1 / evaluation, 0.9 / evaluation))


def worked(evaluations: int, scale_index: int = 0, before: Points = (), first: int = 1) -> Points:
    points = before
    for evaluation in range(first, first + evaluations):
        points = with_point(points, point(evaluation, scale_index), first)
        assert points[-1].evaluation == evaluation
    return points


@pytest.mark.parametrize("evaluations", [1, 2, 39, 40, 41, 77, 78, 79, 80, 150, 1000])
def test_points_are_evenly_spread_and_the_ends_are_there(evaluations: int) -> None:
    kept = [each.evaluation for each in worked(evaluations)]
    assert (kept[0], kept[-1]) == (1, evaluations)
    assert min(evaluations, MOST_POINTS // 2) <= len(kept) <= MOST_POINTS
    *steps, last = [following - before for before, following in pairwise(kept)] or [1]
    assert len(set(steps)) <= 1
    assert last <= max(steps, default=1)


def test_each_scale_has_points_of_its_own() -> None:
    coarse = worked(100)
    both = worked(300, 1, coarse, first=101)
    assert both[: len(coarse)] == coarse
    assert {each.scale_index for each in both[len(coarse) :]} == {1}
    assert both[len(coarse)].evaluation == 101
    assert len(both) <= 2 * MOST_POINTS


def test_it_does_not_depend_on_where_a_picture_was_interrupted() -> None:
    whole = worked(200)
    again = worked(63)
    for evaluation in range(64, 201):
        again = restored(json.loads(json.dumps(stored(with_point(again, point(evaluation), 1)))))
    assert again == whole


@pytest.mark.parametrize("damaged", [[[1]], [[1, 2, "x", 0.0, []]], [1], [[1, 2, 3.0, 0.0, None]]])
def test_what_is_no_history_is_not_taken_for_one(damaged: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        restored(damaged)  # type: ignore[arg-type]
