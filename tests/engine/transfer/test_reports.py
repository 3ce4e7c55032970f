"""What is reported of a canvas says where it stands, and what to do where it can't go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pipeline.engine.events import Failed, Finished, Snapshot
from pipeline.engine.transfer.canvas import Canvas, blank_canvas
from pipeline.engine.transfer.reports import evaluated, failed, finished, not_finite, out_of_memory, preview
from pipeline.errors import MemoryShortError, OutOfMemoryError, PaintingError
from pipeline.model import Losses, Progress
from tests.engine.scheduler.test_stylizer import TINY, request

LOSSES = Losses(1.0, 2.0, 3.0)


@pytest.fixture
def canvas() -> Canvas:
    canvas = blank_canvas(request("t", recipe=replace(TINY, snapshot_every=2)), torch.device("cpu"))
    canvas.record(LOSSES)
    return canvas


def test_an_evaluation_is_reported_with_its_place_among_all(canvas: Canvas) -> None:
    (progress,) = evaluated(canvas, LOSSES)
    assert progress == Progress(
        token="t", scale_index=0, scale_count=2, size=32, iteration=1, iterations=4, losses=LOSSES
    )


def test_every_so_many_evaluations_come_with_a_snapshot(canvas: Canvas) -> None:
    canvas.record(LOSSES)
    _, snapshot = evaluated(canvas, LOSSES)
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.iteration, snapshot.scale_index, snapshot.pixels.shape) == (2, 0, (40, 48, 3))


def test_a_preview_has_the_best_pixels_so_far_and_is_no_larger_than_the_picture(canvas: Canvas) -> None:
    canvas.move_to(torch.zeros_like(canvas.state.pixels))
    canvas.record(Losses(9.0, 9.0, 9.0))
    small, large = preview(canvas, 24), preview(canvas, 400)
    assert (small.token, small.evaluations, small.pixels.shape) == ("t", 2, (20, 24, 3))
    assert large.pixels.shape == (40, 48, 3)
    assert small.pixels.mean() > 0.1  # black was worse


def test_what_has_failed_or_is_finished_has_ended(canvas: Canvas) -> None:
    assert not canvas.ended
    event: Failed | Finished = failed(canvas, PaintingError("gone"))
    assert (event.token, canvas.ended) == ("t", True)
    canvas.ended = False
    event = finished(canvas)
    assert (event.iterations, event.first, event.last, canvas.ended) == ((1,), LOSSES, LOSSES, True)


def test_a_loss_that_is_no_number_is_told_with_its_place_and_its_recipe(canvas: Canvas) -> None:
    assert str(not_finite(canvas, float("nan"))) == (
        "the loss became nan at 32 pixels, evaluation 2; "
        "use a smaller learning_rate, smaller weights or optimizer lbfgs in recipe 'default'"
    )


def test_memory_that_is_short_beside_others_may_suffice_later() -> None:
    assert isinstance(out_of_memory(request("t"), alone=False), MemoryShortError)
    error = out_of_memory(request("t", height=20, width=24))
    assert isinstance(error, OutOfMemoryError)
    assert "a picture of 48 × 40 pixels does not fit" in str(error)
