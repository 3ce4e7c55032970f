"""Means and deviations, their losses and their gradients are the published ones, one for each image."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.engine.transfer.statistics.mean_std import MeanStd
from pipeline.engine.transfer.statistics.moments import Moments, moments_of
from pipeline.model import LossKind

KINDS: tuple[LossKind, ...] = ("relative", "gatys", "tensorflow")
MEAN_STD = MeanStd()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def shares_of(*shape: int) -> Tensor:
    shares = random(*shape, seed=5).abs()
    return shares / shares.mean((2, 3), keepdim=True)


def test_it_is_the_mean_and_the_standard_deviation_of_each_channel() -> None:
    features = random(2, 3, 4, 5)
    expected = torch.stack([features.mean((2, 3)), features.std((2, 3), correction=0)], dim=1)
    torch.testing.assert_close(MEAN_STD.of(features), expected)


def test_places_count_by_their_shares() -> None:
    features = random(1, 3, 1, 4)
    shares = torch.tensor([2.0, 0.0, 0.0, 2.0], dtype=torch.float64).view(1, 1, 1, 4)
    torch.testing.assert_close(MEAN_STD.of(features, shares), MEAN_STD.of(features[..., [0, 3]]))


def test_a_paintings_own_are_its_target() -> None:
    features = torch.rand(1, 3, 8, 5)
    torch.testing.assert_close(MEAN_STD.target(moments_of(features)), MEAN_STD.of(features)[0])


def test_rounding_makes_no_deviation_the_root_of_a_negative_number() -> None:
    assert MEAN_STD.target(Moments(torch.tensor([1.0]), torch.tensor([[1.0 - 1e-7]]))).tolist() == [[1.0], [0.0]]


# Differences are (1, 0) of the means and (0, 2) of the deviations; the target's squares add up to 10.
@pytest.mark.parametrize(("kind", "expected"), [("gatys", 5 / 2), ("tensorflow", 5 / 4)])
def test_losses_have_their_published_values(kind: LossKind, expected: float) -> None:
    found = torch.tensor([[[2.0, 0.0], [0.0, 5.0]]])
    target = torch.tensor([[[1.0, 0.0], [0.0, 3.0]]])
    assert MEAN_STD.loss(found, target, kind).tolist() == [expected]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shares", [None, shares_of(2, 1, 4, 4)], ids=["everywhere", "by place"])
def test_gradients_agree_with_finite_differences(kind: LossKind, shares: Tensor | None) -> None:
    features, target = random(2, 3, 4, 4), MEAN_STD.of(random(2, 3, 4, 4, seed=1))
    assert torch.autograd.gradcheck(
        lambda value: MEAN_STD.loss(MEAN_STD.of(value, shares), target, kind),
        (features.requires_grad_(),),
        fast_mode=True,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_blank_pictures_and_paintings_give_finite_losses_and_gradients(kind: LossKind) -> None:
    features = torch.full((1, 2, 4, 4), 3.0, requires_grad=True)
    loss = MEAN_STD.loss(MEAN_STD.of(features), MEAN_STD.target(moments_of(torch.zeros(1, 2, 4, 4)))[None], kind)
    (gradient,) = torch.autograd.grad(loss.sum(), features)
    assert torch.isfinite(loss).all()
    assert torch.isfinite(gradient).all()


def test_an_image_has_the_same_bits_alone_and_in_a_batch() -> None:
    features = random(3, 16, 9, 7).float().contiguous(memory_format=torch.channels_last)
    alone = torch.cat([MEAN_STD.of(image) for image in features.split(1)])
    assert torch.equal(MEAN_STD.of(features), alone)
