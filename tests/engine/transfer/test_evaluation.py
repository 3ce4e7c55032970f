"""Batches are evaluated in pieces that fit, and nothing is lost when one does not."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.evaluation import Chunks, Evaluation, evaluate
from pipeline.engine.transfer.losses import BatchLosses, Objective
from pipeline.engine.transfer.statistics.second_moment import SecondMoment
from pipeline.model import LossKind, WeightsChoice


class Device:
    """A device that holds ``room`` images; an image's evaluation tells its number."""

    def __init__(self, room: float) -> None:
        self.room = room
        self.attempts: list[int] = []

    def work(self, part: slice) -> Evaluation:
        numbers = torch.arange(part.start, part.stop, dtype=torch.float32)
        self.attempts.append(len(numbers))
        if len(numbers) > self.room:
            raise torch.OutOfMemoryError("no room")
        return Evaluation(numbers[:, None].expand(-1, 3), numbers.view(-1, 1, 1, 1).expand(-1, 3, 2, 2))


def numbers(found: list[Evaluation]) -> list[float]:
    return [each.losses[0, 2].item() for each in found]


def test_without_a_budget_images_are_evaluated_one_by_one() -> None:
    device = Device(room=1)
    found = Chunks(0).run(3, 100, device.work)
    assert device.attempts == [1, 1, 1]
    assert numbers(found) == [0, 1, 2]
    assert found[2].losses.shape == (1, 3)
    assert found[2].gradients.shape == (1, 3, 2, 2)


def test_as_many_images_as_the_budget_allows_are_evaluated_at_once() -> None:
    device = Device(room=4)
    assert numbers(Chunks(399).run(5, 100, device.work)) == [0, 1, 2, 3, 4]
    assert device.attempts == [3, 2]


def test_out_of_memory_halves_what_is_evaluated_at_once_for_good() -> None:
    device, chunks = Device(room=2), Chunks(800)
    assert numbers(chunks.run(8, 100, device.work)) == list(range(8))
    assert device.attempts == [8, 4, 2, 2, 2, 2]
    device.attempts.clear()
    chunks.run(3, 100, device.work)
    assert device.attempts == [2, 1]


def test_an_image_that_does_not_fit_alone_is_for_others_to_decide_about() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        Chunks(200).run(2, 100, Device(room=0).work)


def test_other_errors_are_not_taken_for_want_of_memory() -> None:
    def work(part: slice) -> Evaluation:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        Chunks(200).run(2, 100, work)


class Kept:
    """What a graph keeps for its backward pass."""


class Backward(torch.autograd.Function):
    """Sums of pictures, whose backward pass needs ``kept``; there is no memory for it if that is None."""

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, kept: Kept | None) -> Tensor:
        ctx.kept = kept
        return pictures.sum((1, 2, 3))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        if ctx.kept is None:
            raise torch.OutOfMemoryError("no room")
        return gradient.view(-1, 1, 1, 1).expand(-1, 3, 8, 8), None


@dataclass(frozen=True)
class Short(Objective):
    """An objective with two backward passes: in the one that torch takes first memory runs out."""

    kept: list[weakref.ref[Kept]] = field(default_factory=list)

    def total(self, pictures: Tensor, found: Mapping[str, Tensor]) -> BatchLosses:
        kept = Kept()
        self.kept.append(weakref.ref(kept))
        total = Backward.apply(pictures, kept) + Backward.apply(pictures, None)
        return BatchLosses(total, total, total)


def test_nothing_is_kept_of_an_evaluation_that_ran_out_of_memory_in_its_backward_pass() -> None:
    network = Network(load_weights(WeightsChoice()), {"relu1_1"})
    short = Short((), (), 1.0, 1.0, 0.0, "relative")
    for _ in range(2):
        with pytest.raises(torch.OutOfMemoryError):
            evaluate(network, short, torch.rand(1, 3, 8, 8), {}, {})
        assert [kept() for kept in short.kept] == [None] * len(short.kept)
    assert short.kept


def objective(loss: LossKind = "relative") -> Objective:
    content = (("relu1_1", 1.0), ("conv2_1", 1.0), ("relu3_1", 0.5))
    return Objective(
        content,
        (("relu1_1", 1.0), ("relu1_2", 2.0), ("conv2_1", 1.0), ("relu3_1", 1.0)),
        *(0.5, 2.0, 0.1, loss),
        content_losses=(("features", 1.0), ("self_similarity", 0.5)),
        laplacian_weight=0.3,
    )


def targets(objective: Objective, features: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return targets of which each picture has its own content and the other one's style."""
    style = {term.name: SecondMoment().of(features[term.layer]).flip(0) for term in objective.style_terms}
    return objective.content_targets(features), style


def test_an_evaluation_has_each_images_losses_and_the_totals_gradient() -> None:
    network = Network(load_weights(WeightsChoice()), {"relu1_1"}, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    pictures, photos = torch.rand(2, 2, 3, 8, 8, dtype=torch.float64, generator=generator)
    objective = Objective((("relu1_1", 1.0),), (("relu1_1", 1.0),), 0.5, 2.0, 0.1, "relative")
    content, style = targets(objective, network.features(photos))
    found = evaluate(network, objective, pictures, content, style)
    step = 1e-6 * torch.sign(found.gradients)
    change = (
        evaluate(network, objective, pictures + step, content, style).losses
        - evaluate(network, objective, pictures - step, content, style).losses
    )[:, 2]
    torch.testing.assert_close(change, 2e-6 * found.gradients.abs().sum((1, 2, 3)), rtol=1e-4, atol=0)
    assert not found.losses.requires_grad
    weights = torch.tensor([0.5, 2.0], dtype=torch.float64)
    torch.testing.assert_close(found.losses[:, 3:] * weights, found.losses[:, :2])
