"""The Laplacian loss has its published value, and keeps lines without colors or brightness."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from pipeline.engine.transfer.content.laplacian import Laplacian
from pipeline.model import LossKind

LINES = Laplacian()
KINDS: tuple[LossKind, ...] = ("relative", "gatys", "tensorflow")
BLACK = torch.zeros(1, 3, 32, 32, dtype=torch.float64)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def with_square(side: int) -> Tensor:
    """Return a black picture with a white square, inside of it and on the grid of squares of this side."""
    picture = BLACK.clone()
    picture[:, :, side : 2 * side, side : 2 * side] = 1
    return picture


def bends(gray: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    wide = np.pad(gray, 1, mode="edge")
    return 4 * gray - wide[:-2, 1:-1] - wide[2:, 1:-1] - wide[1:-1, :-2] - wide[1:-1, 2:]


def reduced(gray: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the means of squares of 4 × 4 pixels, after each has become the mean of the 5 × 5 around it."""
    wide = np.pad(gray, 2, mode="edge")
    height, width = gray.shape
    near = sum(wide[down : down + height, right : right + width] for down in range(5) for right in range(5)) / 25
    return near.reshape(height // 4, 4, width // 4, 4).mean((1, 3))


@pytest.mark.parametrize("kind", ["gatys", "tensorflow"])
def test_the_loss_is_the_sum_or_mean_of_squared_differences_of_laplacians(kind: LossKind) -> None:
    photo, picture = random(2, 1, 3, 32, 48)
    fine = reduced((picture - photo)[0].mean(0).numpy())
    squares = [np.square(bends(each)) for each in (fine, reduced(fine))]
    expected = np.mean([each.sum() if kind == "gatys" else each.mean() for each in squares])
    assert LINES.loss(picture, LINES.target(photo), kind).item() == pytest.approx(expected)


def test_its_gradient_has_no_blocks() -> None:
    picture = BLACK.clone().requires_grad_()
    loss = LINES.loss(picture, LINES.target(with_square(8)), "relative")
    (gradient,) = torch.autograd.grad(loss.sum(), picture)
    steps = (gradient[0, 0, :, 1:] - gradient[0, 0, :, :-1]).abs()
    between = steps[:, 3::4].max()
    assert between < 1.01 * steps.max()
    assert between < 0.5 * gradient[0, 0].abs().max()


def test_lines_of_the_photo_count_in_relation_to_all_its_lines() -> None:
    photo = with_square(4)
    assert LINES.loss(BLACK, LINES.target(photo), "relative").item() == pytest.approx(1)
    assert LINES.loss(3 * photo, LINES.target(photo), "relative").item() == pytest.approx(4)


def test_colors_and_brightness_are_free_and_the_border_is_no_line() -> None:
    photo = random(1, 3, 32, 48)
    tint = torch.tensor([0.3, -0.2, -0.1], dtype=torch.float64).view(1, 3, 1, 1)
    assert LINES.loss(photo + tint + 0.1, LINES.target(photo), "relative").item() < 1e-20
    assert LINES.loss(photo.flip(2), LINES.target(photo), "relative").item() > 1


def test_fog_is_not_taken_for_lines() -> None:
    fog = 0.5 + 0.002 * random(1, 3, 32, 48)
    strokes = fog + 0.02 * random(1, 3, 32, 48, seed=1)
    assert LINES.loss(strokes, LINES.target(fog), "relative").item() < 0.5
    assert LINES.loss(with_square(4), LINES.target(BLACK), "relative").isfinite()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_finite_differences(kind: LossKind) -> None:
    target, factors = LINES.target(random(2, 3, 16, 32)), random(2, 1, 16, 32)
    picture = random(2, 3, 16, 32, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda value: LINES.loss(value, target, kind, factors), (picture,), fast_mode=True
    )


@pytest.mark.parametrize("kind", KINDS)
def test_factors_weigh_places_and_change_nothing_at_one(kind: LossKind) -> None:
    found, target = random(2, 3, 32, 32), LINES.target(random(2, 3, 32, 32, seed=1))
    plain = LINES.loss(found, target, kind)
    assert torch.equal(LINES.loss(found, target, kind, torch.ones(2, 1, 32, 32)), plain)
    top = torch.zeros(2, 1, 32, 32, dtype=torch.float64)
    top[:, :, :16] = 1
    parts = [LINES.loss(found, target, kind, factors) for factors in (top, 1 - top)]
    torch.testing.assert_close(parts[0] + parts[1], plain)
    assert parts[0].min() > 0


def test_the_smallest_picture_has_lines_too() -> None:
    assert LINES.loss(with_square(16), LINES.target(BLACK), "relative").item() > 1
