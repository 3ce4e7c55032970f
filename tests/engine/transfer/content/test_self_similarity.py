"""Self-similarity keeps which places look alike, at few enough of them, and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.transfer.content.features import Features
from pipeline.engine.transfer.content.self_similarity import MOST_POSITIONS, SelfSimilarity, _positions
from pipeline.model import LossKind

SIMILAR = SelfSimilarity()
KINDS: tuple[LossKind, ...] = ("relative", "gatys", "tensorflow")
STRENGTH = 6.0
A, B = torch.eye(2, dtype=torch.float64)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def row(*places: Tensor) -> Tensor:
    """Return features (1, C, 1, w) with these channels side by side."""
    return torch.stack(places, dim=1)[None, :, None]


def test_the_loss_is_what_share_of_the_distances_is_elsewhere() -> None:
    # The shares of each place's distances: of the photo 0 0 1 | 0 0 1 | ½ ½ 0, of the picture 0 ½ ½ | 1 0 0 | 1 0 0.
    loss = SIMILAR.loss(row(A, B, B), SIMILAR.target(row(A, A, B)), "relative")
    assert loss.item() == pytest.approx(STRENGTH * (1 + 2 + 1) / 3)


def test_colors_are_free_and_shapes_are_not() -> None:
    photo = random(1, 8, 5, 6)
    rotation = torch.linalg.qr(random(8, 8, seed=1))[0]
    brightness = 0.1 + random(1, 1, 5, 6, seed=2)
    recolored = torch.einsum("kc,bchw->bkhw", rotation, photo) * brightness
    target = SIMILAR.target(photo)
    assert SIMILAR.loss(recolored, target, "relative").item() < 1e-9
    assert Features().loss(recolored, photo, "relative").item() > 0.5
    assert SIMILAR.loss(photo.flip(3), target, "relative").item() > 0.02


def test_each_form_asks_for_the_same_content_weight_as_that_of_features() -> None:
    photo, found = random(2, 4, 5, 6), random(2, 4, 5, 6, seed=1)
    similar, features = (
        [loss.loss(found, loss.target(photo), kind) for kind in KINDS] for loss in (SIMILAR, Features())
    )
    for form in (1, 2):
        torch.testing.assert_close(similar[form] / similar[0], features[form] / features[0])


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_finite_differences(kind: LossKind) -> None:
    target, factors = SIMILAR.target(random(2, 3, 3, 4)), random(2, 1, 3, 4)
    features = random(2, 3, 3, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda value: SIMILAR.loss(value, target, kind, factors), (features,))


def test_two_places_count_as_much_as_the_geometric_mean_of_their_factors() -> None:
    found, target = random(1, 3, 4, 5), SIMILAR.target(random(1, 3, 4, 5, seed=1))
    plain = SIMILAR.loss(found, target, "relative")
    torch.testing.assert_close(SIMILAR.loss(found, target, "relative", torch.full((1, 1, 4, 5), 3.0)), 3 * plain)
    left = torch.tensor([4.0, 4, 0, 0, 0], dtype=torch.float64).expand(1, 1, 4, 5)
    right = torch.tensor([0.0, 0, 9, 9, 9], dtype=torch.float64).expand(1, 1, 4, 5)
    alone, apart, both = (SIMILAR.loss(found, target, "relative", each) for each in (left, right, left + right))
    across = plain - alone / 4 - apart / 9
    torch.testing.assert_close(both, alone + apart + 6 * across)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (32, 32), (33, 32), (64, 48), (5000, 1), (200, 300), (1, 1025)])
def test_positions_are_all_or_one_of_each_cell(shape: tuple[int, int]) -> None:
    height, width = shape
    positions = _positions(*shape)
    assert len(positions) == len(positions.unique()) <= MOST_POSITIONS
    if height * width <= MOST_POSITIONS:
        assert positions.tolist() == list(range(height * width))
        return
    assert len(positions) > MOST_POSITIONS / 5
    side = next(side for side in range(2, 99) if -(-height // side) * -(-width // side) <= MOST_POSITIONS)
    cells = (positions // width // side) * -(-width // side) + positions % width // side
    assert cells.tolist() == list(range(len(positions)))


def test_positions_lie_on_no_grid() -> None:
    columns = (_positions(512, 512) % 512).view(32, 32)
    inside = (columns % 16).flatten()
    assert torch.bincount(inside, minlength=16).min() > 32
    assert (columns - columns[:1]).abs().max() >= 8


def test_a_picture_has_the_same_bits_alone_in_any_batch_and_on_any_number_of_threads() -> None:
    photos, pictures = (random(3, 64, 32, 32, seed=seed).float() for seed in (0, 1))
    target = torch.cat([SIMILAR.target(photo) for photo in photos.split(1)])

    def found(part: slice, threads: int) -> tuple[Tensor, Tensor]:
        x = pictures[part].clone().requires_grad_()
        with on_threads(threads):
            losses = SIMILAR.loss(x, target[part], "relative")
            return losses.detach(), torch.autograd.grad(losses.sum(), x)[0]

    loss, gradient = found(slice(3), 1)
    for threads in (2, 3):
        for number in range(3):
            alone = found(slice(number, number + 1), threads)
            assert torch.equal(alone[0], loss[number : number + 1])
            assert torch.equal(alone[1], gradient[number : number + 1])


def test_a_blank_photo_keeps_nothing_and_gives_no_nan() -> None:
    for blank in (torch.zeros(1, 4, 6, 6), torch.full((1, 4, 6, 6), 0.3)):
        picture = random(1, 4, 6, 6).float().requires_grad_()
        loss = SIMILAR.loss(picture, SIMILAR.target(blank), "relative")
        (gradient,) = torch.autograd.grad(loss.sum(), picture)
        assert torch.isfinite(loss).all()
        if blank.any():
            assert gradient.abs().max() < 1e-3
        assert torch.isfinite(gradient).all()
    flat = torch.zeros(1, 4, 6, 6, requires_grad=True)
    assert torch.isfinite(
        torch.autograd.grad(SIMILAR.loss(flat, SIMILAR.target(flat.detach()), "relative").sum(), flat)[0]
    ).all()


def test_low_precision_is_computed_in_single() -> None:
    features = random(1, 4, 6, 6).bfloat16()
    target = SIMILAR.target(features)
    assert target.dtype == torch.float32
    assert SIMILAR.loss(features, target, "relative").item() == 0
