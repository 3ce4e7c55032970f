"""A step finds targets, evaluates and moves a batch, and changes to the next scale; without any scheduler."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.engine.events import Failed, Finished, Places, RunControl
from pipeline.engine.memory.plan import LEAST, PLAIN
from pipeline.engine.network.vgg import Network, build_convolutions
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.blocks.partition import BLOCK_PIXELS
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.canvas import Canvas, blank_canvas
from pipeline.engine.transfer.color.matching import ColorMatch, palette_of
from pipeline.engine.transfer.evaluation import Chunks, Evaluation, Targets
from pipeline.engine.transfer.geometry import to_tensor
from pipeline.engine.transfer.guides import Guides
from pipeline.engine.transfer.losses import Objective
from pipeline.engine.transfer.networks import Networks
from pipeline.engine.transfer.step import SuspendedError, TransferStep, batch_key
from pipeline.engine.transfer.targets import StyleTargets
from pipeline.model import Progress, Region, Style, WeightsChoice
from tests.engine.scheduler.test_stylizer import TINY, load_painting, request, style_from

CPU = torch.device("cpu")

GRAM = replace(TINY, scales=1, style_loss=(("gram", 1.0),))


class Gray:
    """Pulls all pixels to gray, and records how each batch was evaluated."""

    def __init__(self, loss: float | None = None) -> None:
        self.loss = loss
        self.batches: list[tuple[int, bool]] = []

    def __call__(
        self,
        network: Network,
        objective: Objective,
        pictures: Tensor,
        content: Targets,
        style: Targets,
        *,
        in_blocks: InBlocks | None = None,
        guides: Guides | None = None,
    ) -> Evaluation:
        self.batches.append((len(pictures), in_blocks is not None))
        assert {layer: len(target) for layer, target in style.items()} == dict.fromkeys(style, len(pictures))
        offset = pictures - 0.5
        loss = offset.square().flatten(1).mean(1) if self.loss is None else torch.full((len(pictures),), self.loss)
        return Evaluation(torch.stack([loss, loss, loss], dim=1), 2 * offset / offset[0].numel())


def step_with(evaluate: Gray, memory_bytes: float = math.inf, pixels_at_once: int = 10**9) -> TransferStep:
    weights = load_weights(WeightsChoice())
    networks = Networks(weights, build_convolutions(weights, CPU), CPU, autocast=False)
    targets = StyleTargets(load_painting, None, weights_id=weights.id, precision="cpu:float32", device=CPU)
    return TransferStep(networks, targets, evaluate, Chunks(pixels_at_once), CPU, memory_bytes)


@pytest.fixture
def canvas() -> Canvas:
    return blank_canvas(request("a"), CPU)


def test_a_batch_is_evaluated_at_once_and_moved(canvas: Canvas) -> None:
    gray = Gray()
    batch = [canvas, blank_canvas(request("b", seed=1), CPU)]
    before = [canvas.state.pixels for canvas in batch]
    events = step_with(gray).run(batch, in_blocks=False)
    assert [(event.token, event.iteration) for event in events if isinstance(event, Progress)] == [("a", 1), ("b", 1)]
    assert gray.batches == [(2, False)]
    for moved, pixels in zip(batch, before, strict=True):
        assert not torch.equal(moved.state.pixels, pixels)
        assert set(moved.style) == {"style relu1_1", "style relu2_1"}
        assert set(moved.content) == {"content relu2_1"}


def test_a_finished_scale_is_followed_by_the_next_and_the_last_by_the_picture(canvas: Canvas) -> None:
    step = step_with(Gray())
    events = [event for _ in range(8) for event in step.run([canvas], in_blocks=False)]
    assert [event.size for event in events if isinstance(event, Progress)] == [32] * 4 + [48] * 4
    assert isinstance(events[-1], Finished)
    assert canvas.ended


def long_canvas() -> Canvas:
    """Return a canvas of two blocks."""
    side = BLOCK_PIXELS + 16
    return blank_canvas(request("a", recipe=replace(TINY, size=side, scales=1), width=side, height=32), CPU)


def test_short_memory_lets_a_picture_be_evaluated_in_blocks_which_is_noted_once() -> None:
    gray, canvas = Gray(), long_canvas()
    step = step_with(gray)
    step.run([canvas], in_blocks=True)
    step.run([canvas], in_blocks=True)
    assert gray.batches == [(1, True)] * 2
    assert ["memory was short" in note for note in canvas.notes] == [True]


def test_what_is_planned_in_blocks_is_evaluated_so_without_a_note() -> None:
    gray, canvas = Gray(), long_canvas()
    step = step_with(gray, memory_bytes=1.0)
    step.run([canvas], in_blocks=False)
    assert gray.batches == [(1, True)]
    assert canvas.notes == []
    assert canvas.state.plan == LEAST
    assert batch_key(canvas) != batch_key(long_canvas())


def test_a_picture_of_one_block_is_never_evaluated_in_blocks(canvas: Canvas) -> None:
    gray = Gray()
    step_with(gray, memory_bytes=1.0).run([canvas], in_blocks=True)
    assert gray.batches == [(1, False)]
    assert canvas.notes == []


def test_the_plan_of_a_size_stays_as_it_was_begun() -> None:
    canvas = long_canvas()
    step_with(Gray()).run([canvas], in_blocks=False)
    step_with(Gray(), memory_bytes=1.0).run([canvas], in_blocks=False)
    assert canvas.state.plan == PLAIN


def test_what_fails_leaves_the_others_alone(canvas: Canvas) -> None:
    gray = Gray()
    bad = blank_canvas(request("bad", style=style_from("small")), CPU)
    events = step_with(gray).run([bad, canvas], in_blocks=False)
    assert [type(event) for event in events] == [Failed, Progress]
    assert (bad.ended, canvas.ended, gray.batches) == (True, False, [(1, False)])


def test_a_loss_that_is_no_number_ends_its_canvas_where_it_was(canvas: Canvas) -> None:
    before = canvas.state.pixels
    (event,) = step_with(Gray(float("nan"))).run([canvas], in_blocks=False)
    assert isinstance(event, Failed)
    assert canvas.ended
    assert torch.equal(canvas.state.pixels, before)


def test_canvases_are_of_one_kind_if_they_can_be_evaluated_and_moved_together(canvas: Canvas) -> None:
    def other(**changes: object) -> Canvas:
        return blank_canvas(request("b", seed=1, recipe=replace(TINY, **changes)), CPU)  # type: ignore[arg-type]

    assert batch_key(other(seed=3, init="noise", tolerance=0.5)) == batch_key(canvas)
    for changes in ({"optimizer": "adam"}, {"content_weight": 9.0}, {"pooling": "average"}, {"scales": (48,)}):
        assert batch_key(other(**changes)) != batch_key(canvas)
    scaled = [other(size=48, scales=scales) for scales in ((32, 48), (48,))]
    scaled[0].state.iteration = 1
    scaled[0].start_next_scale()
    assert scaled[0].geometry == scaled[1].geometry
    assert batch_key(scaled[0]) != batch_key(scaled[1])  # only one of them has a smaller size behind it
    assert batch_key(other(optimizer="adam", adam_betas=(0.9, 0.999))) != batch_key(other(optimizer="adam"))


def test_paintings_of_regions_get_the_photos_colors_in_their_region_alone() -> None:
    step, recipe = step_with(Gray()), replace(GRAM, color="match")
    night, wave = style_from("night"), style_from("wave")
    regions = Region("white", night), Region("black", wave)
    left = np.zeros((40, 48), np.float32)
    left[:, :24] = 1
    wanted = replace(
        request("a", recipe=recipe), style=replace(night, regions=regions), places=Places((left, 1 - left))
    )
    canvas = blank_canvas(wanted, CPU)
    step.run([canvas], in_blocks=False)
    photo = to_tensor(wanted.photo)
    for found, style, part in zip(
        canvas.style["style relu1_1"], (night, wave), (photo[..., :24], photo[..., 24:]), strict=True
    ):
        near, far = (match_distance(step, found, style, colors) for colors in (part, photo))
        assert near < 0.05 < 0.1 < far


@pytest.mark.parametrize("opaque", [255, 1.0])
def test_colors_that_nobody_sees_do_not_count(opaque: float) -> None:
    step, wanted = step_with(Gray()), request("a", recipe=replace(GRAM, color="match"))
    alpha = np.zeros((40, 48), np.uint8 if opaque == 255 else np.float32)
    alpha[:, :24] = opaque
    canvas = blank_canvas(replace(wanted, alpha=alpha), CPU)
    step.run([canvas], in_blocks=False)
    photo, found = to_tensor(wanted.photo), canvas.style["style relu1_1"]
    near, far = (match_distance(step, found, wanted.style, colors) for colors in (photo[..., :24], photo))
    assert near < 0.05 < 0.1 < far


def match_distance(step: TransferStep, found: Tensor, style: Style, colors: Tensor) -> float:
    """Return how far a target is from that of a photo with these colors."""
    match = ColorMatch(palette_of(colors), 1.0)
    target = step.style_target(style, GRAM, 48, match).moments["relu1_1"].second
    return float((found - target).norm() / target.norm())


class Talking(Gray):
    """Says that it passes blocks."""

    def __call__(self, *given: Any, in_blocks: InBlocks | None = None, guides: Guides | None = None) -> Evaluation:
        if in_blocks is not None:
            for share in (0.25, 1.0):
                in_blocks.after_block(share)
        return super().__call__(*given, in_blocks=in_blocks, guides=guides)


def test_of_a_picture_in_blocks_it_is_told_how_far_its_evaluation_is() -> None:
    told: list[tuple[str, float]] = []
    control = RunControl(on_share=lambda token, share: told.append((token, share)))
    step_with(Talking(), memory_bytes=1.0).run([long_canvas()], in_blocks=False, control=control)
    assert told[-2:] == [("a", 0.25), ("a", 1.0)]
    assert set(told[:-2]) == {("a", 0.0)}  # its targets


def test_pictures_of_a_batch_are_told_of_together() -> None:
    told: list[tuple[str, float]] = []
    control = RunControl(on_share=lambda token, share: told.append((token, share)))
    batch = [long_canvas(), long_canvas()]
    step = step_with(Talking(), pixels_at_once=1)
    step.run(batch, in_blocks=True, control=control)
    assert [each for each in told if each[1]] == [("a", share) for share in (0.125, 0.5, 0.625, 1.0) for _ in batch]


def test_an_evaluation_in_blocks_is_left_once_the_run_is_to_end() -> None:
    told: list[float] = []
    control = RunControl(suspend=lambda: 0.25 in told, on_share=lambda _, share: told.append(share))
    with pytest.raises(SuspendedError):
        step_with(Talking(), memory_bytes=1.0).run([long_canvas()], in_blocks=False, control=control)
    assert told[-1] == 0.25
