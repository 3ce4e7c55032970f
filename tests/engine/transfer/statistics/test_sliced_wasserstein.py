"""Sliced Wasserstein distances are those of quantiles along directions, with right gradients."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads, same_bits
from pipeline.engine.transfer.statistics.moments import Moments, moments_of
from pipeline.engine.transfer.statistics.quantiles import directions, with_levels
from pipeline.engine.transfer.statistics.sliced_wasserstein import SlicedWasserstein, quantiles_of
from pipeline.model import LossKind

KINDS: tuple[LossKind, ...] = ("relative", "gatys", "tensorflow")
SLICED = SlicedWasserstein()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def shares_of(*shape: int) -> Tensor:
    shares = random(*shape, seed=5).abs()
    return shares / shares.mean((2, 3), keepdim=True)


def moments_with_quantiles(features: Tensor) -> Moments:
    return replace(moments_of(features), quantiles=quantiles_of(features))


def target_of(painting: Tensor, count: int = 1) -> Tensor:
    target = SLICED.target(moments_with_quantiles(painting))
    return target.expand(count, *target.shape)


def test_it_sorts_the_features_along_directions() -> None:
    features = random(1, 4, 4, 8)
    along = torch.einsum("kc,chw->khw", directions(4, torch.float64, torch.device("cpu")), features[0])
    expected = along.flatten(1).sort(1).values.view(4, 16, 2).mean(2)
    torch.testing.assert_close(SLICED.of(features)[0], expected)


def test_a_shift_is_as_far_as_its_length() -> None:
    painting, step = random(1, 4, 6, 6), torch.tensor([1.0, 2.0, 0.0, -1.0], dtype=torch.float64)
    found = SLICED.of(painting + step[:, None, None])
    torch.testing.assert_close(
        SLICED.loss(found, target_of(painting), "gatys")[0], step.square().mean(), rtol=1e-12, atol=0
    )


def test_pictures_of_any_size_are_compared() -> None:
    large = random(1, 4, 40, 32)
    assert SLICED.loss(SLICED.of(large), target_of(large[:, :, ::2, ::2]), "relative").item() < 0.05
    assert SLICED.loss(SLICED.of(large[:, :, ::2, ::2]), target_of(large), "relative").item() < 0.05
    assert SLICED.loss(SLICED.of(large * 2), target_of(large), "relative").item() > 0.5


def test_places_that_do_not_count_are_not_seen() -> None:
    features = random(1, 4, 4, 8)
    shares = torch.zeros(1, 1, 4, 8, dtype=torch.float64)
    shares[..., ::2] = 2
    torch.testing.assert_close(with_levels(SLICED.of(features, shares), 8), SLICED.of(features[..., ::2]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shares", [None, shares_of(2, 1, 4, 4)], ids=["everywhere", "by place"])
def test_gradients_agree_with_finite_differences(kind: LossKind, shares: Tensor | None) -> None:
    features, target = random(2, 3, 4, 4), target_of(random(1, 3, 5, 4, seed=1), 2)
    assert torch.autograd.gradcheck(
        lambda value: SLICED.loss(SLICED.of(value, shares), target, kind),
        (features.requires_grad_(),),
        fast_mode=True,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_blank_pictures_and_paintings_give_finite_losses_and_gradients(kind: LossKind) -> None:
    features = torch.full((1, 2, 4, 4), 3.0, requires_grad=True)
    loss = SLICED.loss(SLICED.of(features), target_of(torch.zeros(1, 2, 4, 4)), kind)
    (gradient,) = torch.autograd.grad(loss.sum(), features)
    assert torch.isfinite(loss).all()
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("by_place", [False, True], ids=["everywhere", "by place"])
def test_an_image_has_the_same_bits_alone_in_a_batch_and_on_any_threads(by_place: bool) -> None:
    features = random(3, 32, 30, 25).float().contiguous(memory_format=torch.channels_last)
    shares = shares_of(1, 1, 30, 25).float() if by_place else None
    target = target_of(random(1, 32, 8, 8, seed=1).float())

    def gradient(images: Tensor) -> Tensor:
        images = images.clone().requires_grad_()
        places = None if shares is None else shares.expand(len(images), -1, -1, -1)
        found = SLICED.loss(SLICED.of(images, places), target.expand(len(images), -1, -1), "relative")
        return torch.autograd.grad(found.sum(), images)[0]

    assert torch.equal(gradient(features), torch.cat([gradient(image) for image in features.split(1)]))
    with on_threads(2):
        assert same_bits(lambda: gradient(features))


def test_a_target_without_quantiles_is_a_mistake_in_the_program() -> None:
    with pytest.raises(TypeError, match="needs the quantiles"):
        SLICED.target(moments_of(torch.rand(1, 2, 3, 3)))
