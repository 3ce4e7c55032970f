"""As on a GPU: canvases of one kind are evaluated at once, in the memory there is. The CPU does it for the tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from pipeline.engine.devices import DeviceBudget
from pipeline.engine.events import Failed, Finished, Request
from pipeline.engine.memory.requirements import move_bytes, picture_pixels, state_bytes
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.engine.transfer.evaluation import Evaluation
from pipeline.model import ColorKind, Painting
from tests.engine.scheduler.test_stylizer import CPU, TINY, load_painting, only, picture, request, run
from tests.scenarios.engine.test_short_memory import Scarce

RECIPE = replace(
    TINY, scales=1, iterations=3, tolerance=0.0, content_layers=(("relu1_1", 1.0),), style_layers=(("relu1_1", 1.0),)
)
LARGE = 10**9


class Judge(Scarce):
    """Remembers how many pictures were judged at once."""

    def __init__(self, most: int = 0, load_fails: int = 0) -> None:
        super().__init__(0, 1.0, 0)
        self.most = most or LARGE
        self.load_fails = load_fails
        self.batches: list[int] = []

    def load(self, painting: Painting, long_side: int) -> npt.NDArray[np.uint8]:
        if self.load_fails:
            self.load_fails -= 1
            raise torch.OutOfMemoryError("no room for a painting")
        return load_painting(painting, long_side)

    def evaluate(self, network: Any, objective: Any, pictures: torch.Tensor, *targets: Any, **how: Any) -> Evaluation:
        if len(pictures) > self.most:
            raise torch.OutOfMemoryError("no room for so many")
        self.batches.append(len(pictures))
        return super().evaluate(network, objective, pictures, *targets, **how)


def made(judge: Judge, budget: DeviceBudget, count: int = 8) -> list[Any]:
    stylizer = Stylizer(CPU, judge.load, evaluate=judge.evaluate, budget=budget)
    return run(stylizer, *(request(str(seed), seed, RECIPE) for seed in range(count)))


def test_pictures_of_one_kind_are_evaluated_at_once() -> None:
    judge = Judge()
    events = made(judge, DeviceBudget(8, LARGE))
    assert len(only(events, Finished)) == 8
    assert judge.batches == [8, 8, 8]


def test_a_batch_that_does_not_fit_is_evaluated_in_parts() -> None:
    judge = Judge(most=3)
    events = made(judge, DeviceBudget(8, LARGE))
    assert (len(only(events, Finished)), only(events, Failed)) == (8, [])
    assert judge.batches == [2, 2, 2, 2] * 3


def test_memory_that_runs_out_elsewhere_halves_the_batch_and_no_more() -> None:
    judge = Judge(load_fails=1)
    events = made(judge, DeviceBudget(8, LARGE))
    assert (len(only(events, Finished)), only(events, Failed)) == (8, [])
    assert judge.batches == [4, 4] * 3


def test_pictures_for_which_there_is_no_memory_at_all_are_given_up() -> None:
    judge = Judge(load_fails=LARGE)
    events = made(judge, DeviceBudget(4, LARGE))
    assert (len(only(events, Finished)), len(only(events, Failed))) == (0, 8)
    # With four, with two, and each of them beside others, alone, and alone where memory is short.
    assert LARGE - judge.load_fails <= 2 + 8 * 3


def test_large_pictures_wait_until_there_is_memory_for_their_state() -> None:
    judge = Judge()
    pixels = picture_pixels(RECIPE, 40, 48)
    each = state_bytes(pixels, RECIPE) + move_bytes(pixels)
    events = made(judge, DeviceBudget(8, LARGE, 3.5 * each))
    assert (len(only(events, Finished)), only(events, Failed)) == (8, [])
    assert sum(judge.batches) == 8 * 3
    assert max(judge.batches) == 3


def test_one_picture_is_made_whatever_it_needs() -> None:
    events = made(Judge(), DeviceBudget(8, LARGE, 1.0), count=2)
    assert len(only(events, Finished)) == 2


@pytest.mark.parametrize("budget", [DeviceBudget(3, LARGE), DeviceBudget(3, 1)], ids=["together", "in parts"])
def test_the_pictures_are_nearly_the_same_as_alone(budget: DeviceBudget) -> None:
    colors: tuple[ColorKind, ...] = ("painting", "photo", "match")
    requests: list[Request] = [
        request(str(seed), seed, replace(TINY, color=color)) for seed, color in enumerate(colors)
    ]
    together = run(Stylizer(CPU, load_painting, budget=budget), *requests)
    alone = run(Stylizer(CPU, load_painting), *requests)
    for number in range(3):
        difference = picture(together, str(number)) - picture(alone, str(number))
        assert np.abs(difference).mean() < 0.01
