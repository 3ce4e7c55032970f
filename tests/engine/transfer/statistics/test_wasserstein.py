"""Wasserstein-2 distances of Gaussians are those of the formula, with exact gradients, and 0 at the target."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads, same_bits
from pipeline.engine.transfer.statistics.moments import moments_of
from pipeline.engine.transfer.statistics.wasserstein import Wasserstein
from pipeline.model import LossKind

KINDS: tuple[LossKind, ...] = ("relative", "gatys", "tensorflow")
WASSERSTEIN = Wasserstein()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def like_features(*shape: int, seed: int = 0) -> Tensor:
    """Return what a layer gives: never negative, some channels far stronger, and correlated."""
    channels = shape[1]
    mixed = torch.einsum("kc,bchw->bkhw", random(channels, channels, seed=seed + 10), random(*shape, seed=seed))
    return mixed.relu() * torch.logspace(0, 2, channels, dtype=torch.float64)[:, None, None]


def shares_of(*shape: int) -> Tensor:
    shares = random(*shape, seed=5).abs()
    return shares / shares.mean((2, 3), keepdim=True)


def target_of(painting: Tensor, count: int = 1) -> Tensor:
    target = WASSERSTEIN.target(moments_of(painting))
    return target.expand(count, *target.shape)


def distance(features: Tensor, painting: Tensor, kind: LossKind = "gatys") -> Tensor:
    return WASSERSTEIN.loss(WASSERSTEIN.of(features), target_of(painting, len(features)), kind)


def test_it_is_the_mean_and_the_covariance() -> None:
    features = random(1, 3, 4, 5)
    found = WASSERSTEIN.of(features)[0]
    torch.testing.assert_close(found[:, :3], torch.cov(features[0].flatten(1), correction=0))
    torch.testing.assert_close(found[:, 3], features[0].mean((1, 2)))


def test_places_count_by_their_shares() -> None:
    features = random(1, 3, 1, 4)
    shares = torch.tensor([2.0, 0.0, 0.0, 2.0], dtype=torch.float64).view(1, 1, 1, 4)
    torch.testing.assert_close(WASSERSTEIN.of(features, shares), WASSERSTEIN.of(features[..., [0, 3]]))


def test_it_is_the_distance_of_the_formula_up_to_the_ridge() -> None:
    picture, painting = random(1, 4, 9, 9), random(1, 4, 8, 8, seed=1) * 2 + 1
    S, T = (torch.cov(features[0].flatten(1), correction=0) for features in (picture, painting))
    means = (picture - painting.mean((2, 3), keepdim=True)).mean((2, 3)).square().sum()
    root = torch.linalg.eigvals(S @ T).real.sqrt().sum()
    expected = (means + S.trace() + T.trace() - 2 * root) / 4
    torch.testing.assert_close(distance(picture, painting)[0], expected, rtol=0.02, atol=0)


def test_a_shift_and_a_stretch_of_the_painting_are_as_far_as_its_pixels_move() -> None:
    # Of all ways to one Gaussian from another, these move it least.
    painting = like_features(1, 6, 12, 12)
    moved = painting * 1.5 + 2
    torch.testing.assert_close(
        distance(moved, painting)[0], (moved - painting).square().mean((2, 3)).sum() / 6, rtol=0.02, atol=0
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shares", [None, shares_of(2, 1, 4, 4)], ids=["everywhere", "by place"])
def test_gradients_agree_with_finite_differences(kind: LossKind, shares: Tensor | None) -> None:
    features, target = random(2, 3, 4, 4), target_of(random(1, 3, 5, 4, seed=1), 2)
    assert torch.autograd.gradcheck(
        lambda value: WASSERSTEIN.loss(WASSERSTEIN.of(value, shares), target, kind),
        (features.requires_grad_(),),
        fast_mode=True,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_value_and_gradient_are_0_at_the_painting_though_its_covariance_is_singular(kind: LossKind) -> None:
    painting = like_features(1, 24, 3, 5).float().requires_grad_()  # 15 places, so at most 14 of 24 dimensions
    loss = distance(painting, painting.detach(), kind)
    (gradient,) = torch.autograd.grad(loss.sum(), painting)
    other = like_features(1, 24, 3, 5, seed=1).float().requires_grad_()
    far = distance(other, painting.detach(), kind)
    (slope,) = torch.autograd.grad(far.sum(), other)
    assert loss.item() < 1e-8 * far.item()
    assert gradient.norm() < 1e-3 * slope.norm()


def test_single_precision_is_enough() -> None:
    picture, painting = like_features(1, 48, 6, 6), like_features(1, 48, 6, 6, seed=1)
    exact, single = picture.clone().requires_grad_(), picture.float().requires_grad_()
    losses = distance(exact, painting), distance(single, painting.float())
    torch.testing.assert_close(losses[1].double(), losses[0], rtol=1e-5, atol=0)
    gradients = [torch.autograd.grad(loss.sum(), x)[0] for loss, x in zip(losses, (exact, single), strict=True)]
    assert (gradients[1] - gradients[0]).norm() < 1e-3 * gradients[0].norm()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("picture", [0.0, 3.0, 1e4], ids="a picture of {}".format)
@pytest.mark.parametrize("painting", [0.0, 3.0], ids="a painting of {}".format)
def test_blank_ones_give_finite_losses_and_gradients(kind: LossKind, picture: float, painting: float) -> None:
    features = torch.full((1, 6, 8, 8), picture, requires_grad=True)
    loss = distance(features, torch.full((1, 6, 8, 8), painting), kind)
    (gradient,) = torch.autograd.grad(loss.sum(), features)
    assert torch.isfinite(loss).all()
    assert torch.isfinite(gradient).all()


def test_an_image_has_the_same_bits_alone_in_a_batch_and_on_any_threads() -> None:
    features = like_features(3, 96, 9, 7).float().contiguous(memory_format=torch.channels_last)
    painting = like_features(1, 96, 8, 8, seed=1).float()

    def gradient(images: Tensor) -> Tensor:
        images = images.clone().requires_grad_()
        return torch.autograd.grad(distance(images, painting, "relative").sum(), images)[0]

    assert torch.equal(gradient(features), torch.cat([gradient(image) for image in features.split(1)]))
    with on_threads(2):
        assert same_bits(lambda: gradient(features))


def test_several_layers_have_the_same_bits_together_and_alone_on_any_threads() -> None:
    layers = [like_features(2, channels, 12, 12, seed=channels).float() for channels in (8, 32, 16)]
    found = [WASSERSTEIN.of(layer).requires_grad_() for layer in layers]
    targets = [target_of(layer[:1].flip(3), 2) for layer in layers]

    def together() -> Tensor:
        losses = WASSERSTEIN.losses(found, targets, "relative")
        return torch.cat([each.flatten() for each in (*losses, *torch.autograd.grad(sum(losses).sum(), found))])

    def alone() -> Tensor:
        losses = [WASSERSTEIN.loss(*each, "relative") for each in zip(found, targets, strict=True)]
        return torch.cat([each.flatten() for each in (*losses, *torch.autograd.grad(sum(losses).sum(), found))])

    expected = alone()
    for threads in (1, 2, 3):
        with on_threads(threads):
            assert torch.equal(together(), expected)
    assert WASSERSTEIN.losses([], [], "relative") == []


def test_a_target_has_the_same_bits_on_any_threads() -> None:
    moments = moments_of(like_features(1, 512, 8, 8))
    with on_threads(2):
        assert same_bits(lambda: WASSERSTEIN.target(moments))
