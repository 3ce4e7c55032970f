"""Gram matrices, their losses and their gradients are the published ones, one for each image."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.engine.transfer.statistics.moments import moments_of
from pipeline.engine.transfer.statistics.second_moment import SecondMoment
from pipeline.model import LossKind

KINDS: tuple[LossKind, ...] = ("relative", "gatys", "tensorflow")
SECOND = SecondMoment()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_a_gram_matrix_is_the_mean_product_of_channels() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]])
    assert SECOND.of(features).tolist() == [[[2.5, 0.5], [0.5, 5.0]]]


def test_gram_matrices_are_single_precision_at_least() -> None:
    assert SECOND.of(torch.ones(1, 2, 2, 2, dtype=torch.bfloat16)).dtype == torch.float32
    assert SECOND.of(random(1, 2, 2, 2)).dtype == torch.float64


def test_gram_matrices_do_not_depend_on_memory_order() -> None:
    features = random(2, 3, 4, 5)
    torch.testing.assert_close(SECOND.of(features.contiguous(memory_format=torch.channels_last)), SECOND.of(features))


def test_a_paintings_own_gram_matrix_is_its_target() -> None:
    features = torch.rand(1, 3, 4, 5)
    assert torch.equal(SECOND.target(moments_of(features)), SECOND.of(features)[0])


# G - T = [[1, 2], [2, 4]], squares add up to 25; T = [[1, 0], [0, 2]], squares add up to 5.
@pytest.mark.parametrize(("kind", "expected"), [("relative", 5.0), ("gatys", 25 / 16), ("tensorflow", 25 / 4)])
def test_style_losses_have_their_published_values(kind: LossKind, expected: float) -> None:
    found = torch.tensor([[[2.0, 2.0], [2.0, 6.0]]])
    target = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    assert SECOND.loss(found, target, kind).tolist() == [expected]


@pytest.mark.parametrize("kind", KINDS)
def test_a_black_target_gives_finite_losses(kind: LossKind) -> None:
    assert torch.isfinite(SECOND.loss(torch.ones(1, 2, 2), torch.zeros(1, 2, 2), kind)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_finite_differences(kind: LossKind) -> None:
    features, target = random(2, 3, 4, 4), SECOND.of(random(2, 3, 4, 4, seed=1))
    assert torch.autograd.gradcheck(
        lambda value: SECOND.loss(SECOND.of(value), target, kind), (features.requires_grad_(),)
    )


def test_shares_weigh_the_products_of_each_position() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]])
    shares = torch.tensor([[[[0.5, 1.5]]]])
    torch.testing.assert_close(SECOND.of(features, shares), torch.tensor([[[3.25, -0.75], [-0.75, 3.0]]]))
    assert torch.equal(SECOND.of(features, torch.ones_like(shares)), SECOND.of(features))


def test_gradients_by_place_agree_with_finite_differences() -> None:
    shares = random(2, 1, 4, 4, seed=2).square()
    shares[:, :, 0] = 0
    assert torch.autograd.gradcheck(lambda value: SECOND.of(value, shares), (random(2, 3, 4, 4).requires_grad_(),))


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_a_batch_do_not_touch_each_other(kind: LossKind) -> None:
    found, target = SECOND.of(random(3, 4, 5, 5)), SECOND.of(random(3, 4, 5, 5, seed=1))
    together = SECOND.loss(found, target, kind)
    alone = torch.cat([SECOND.loss(found[i : i + 1], target[i : i + 1], kind) for i in range(3)])
    torch.testing.assert_close(together, alone)
