"""Batches are evaluated in pieces that fit, and nothing is lost when one does not."""

from __future__ import annotations

import pytest
import torch

from pipeline.engine.evaluation import Chunks, Evaluation, evaluate
from pipeline.engine.losses import Objective, gram
from pipeline.engine.vgg import Network
from pipeline.engine.weights import load_weights
from pipeline.model import WeightsChoice


class Device:
    """A device that holds ``room`` images, twice as many frugally; an image's evaluation tells its number."""

    def __init__(self, room: float) -> None:
        self.room = room
        self.attempts: list[int] = []
        self.frugal: list[bool] = []

    def work(self, part: slice, frugal: bool) -> Evaluation:
        numbers = torch.arange(part.start, part.stop, dtype=torch.float32)
        self.attempts.append(len(numbers))
        self.frugal.append(frugal)
        if len(numbers) > self.room * (1 + frugal):
            raise torch.OutOfMemoryError("no room")
        return Evaluation(numbers[:, None].expand(-1, 3), numbers.view(-1, 1, 1, 1).expand(-1, 3, 2, 2))


def numbers(found: list[Evaluation | None]) -> list[float | None]:
    return [None if each is None else each.losses[0, 2].item() for each in found]


def test_without_a_budget_images_are_evaluated_one_by_one() -> None:
    device = Device(room=1)
    found = Chunks(0).run(3, 100, device.work)
    assert device.attempts == [1, 1, 1]
    assert numbers(found) == [0, 1, 2]
    assert found[2] is not None
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


def test_an_image_that_does_not_fit_alone_is_given_up() -> None:
    device = Device(room=0)
    assert numbers(Chunks(200).run(2, 100, device.work)) == [None, None]


def test_an_image_that_does_not_fit_alone_is_evaluated_frugally_and_so_are_others_as_large() -> None:
    device, chunks = Device(room=0.5), Chunks(200)
    assert numbers(chunks.run(2, 100, device.work)) == [0, 1]
    assert device.attempts == [2, 1, 1, 1]
    assert device.frugal == [False, False, True, True]
    device.frugal.clear()
    device.room = 9
    chunks.run(1, 99, device.work)
    assert device.frugal == [False]


def test_other_errors_are_not_taken_for_want_of_memory() -> None:
    def work(part: slice, frugal: bool) -> Evaluation:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        Chunks(0).run(1, 100, work)


def test_an_evaluation_has_each_images_losses_and_the_totals_gradient() -> None:
    network = Network(load_weights(WeightsChoice()), {"relu1_1"}, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    pictures, photos = torch.rand(2, 2, 3, 8, 8, dtype=torch.float64, generator=generator)
    objective = Objective((("relu1_1", 1.0),), (("relu1_1", 1.0),), 0.5, 2.0, 0.1, "relative")
    content = network.features(photos)
    style = {"relu1_1": gram(content["relu1_1"]).flip(0)}
    found = evaluate(network, objective, pictures, content, style)
    step = 1e-6 * torch.sign(found.gradients)
    change = (
        evaluate(network, objective, pictures + step, content, style).losses
        - evaluate(network, objective, pictures - step, content, style).losses
    )[:, 2]
    torch.testing.assert_close(change, 2e-6 * found.gradients.abs().sum((1, 2, 3)), rtol=1e-4, atol=0)
    assert not found.losses.requires_grad
