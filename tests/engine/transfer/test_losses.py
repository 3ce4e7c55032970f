"""Losses have their published values and right gradients, one for each image."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pipeline.engine.transfer.content import CONTENT_LOSSES, PIXEL_LOSSES, PIXELS
from pipeline.engine.transfer.losses import Objective, total_variation
from pipeline.model import LossKind

KINDS: tuple[LossKind, ...] = ("relative", "gatys", "tensorflow")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# F - P = (1, 2, 2), squares add up to 9; P = (1, 1, 1).
@pytest.mark.parametrize(("kind", "expected"), [("relative", 3.0), ("gatys", 4.5), ("tensorflow", 3.0)])
def test_content_losses_have_their_published_values(kind: LossKind, expected: float) -> None:
    found = torch.tensor([2.0, 3.0, 3.0]).view(1, 1, 1, 3)
    assert CONTENT_LOSSES["features"].loss(found, torch.ones(1, 1, 1, 3), kind).tolist() == [expected]


def test_total_variation_is_the_mean_squared_difference_of_neighbors() -> None:
    picture = torch.tensor([[0.0, 1.0], [0.0, 3.0]]).expand(1, 3, 2, 2)
    # Down: 0 and 2; right: 1 and 3. (4 + 1 + 9) for each of three colors, over twelve values.
    assert total_variation(picture).tolist() == [3.5]


def test_total_variation_of_a_single_pixel_is_zero() -> None:
    assert total_variation(torch.ones(1, 3, 1, 1)).tolist() == [0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_black_target_gives_finite_losses(kind: LossKind) -> None:
    assert torch.isfinite(
        CONTENT_LOSSES["features"].loss(torch.ones(1, 2, 2, 2), torch.zeros(1, 2, 2, 2), kind)
    ).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_finite_differences(kind: LossKind) -> None:
    features, photo = random(2, 3, 4, 4), random(2, 3, 4, 4, seed=2)
    checks: list[Callable[[Tensor], Tensor]] = [
        lambda value: CONTENT_LOSSES["features"].loss(value, photo, kind),
        total_variation,
    ]
    for loss in checks:
        assert torch.autograd.gradcheck(loss, (features.clone().requires_grad_(),))


def test_an_objective_weighs_and_averages_over_layers() -> None:
    features = {"a": torch.full((1, 1, 1, 1), 2.0), "b": torch.full((1, 1, 1, 1), 3.0)}
    objective = Objective(
        content_layers=(("b", 2.0),),
        style_layers=(("a", 1.0), ("b", 0.5)),
        content_weight=10.0,
        style_weight=100.0,
        tv_weight=4.0,
        loss="tensorflow",
    )
    picture = torch.tensor([0.0, 1.0]).expand(1, 3, 1, 2)
    content = {"content b": torch.ones(1, 1, 1, 1)}
    style = {"style a": torch.full((1, 1, 1), 3.0), "style b": torch.full((1, 1, 1), 7.0)}
    losses = objective.total(picture, objective.compare(features, content, style))
    assert losses.content.item() == 10 * 2 * (3 - 1) ** 2
    assert losses.style.item() == 100 * ((4 - 3) ** 2 + 0.5 * (9 - 7) ** 2) / 2
    assert losses.total.item() == losses.content.item() + losses.style.item() + 4 * 0.5
    by_layer = [loss.item() for loss in objective.by_layer(objective.compare(features, content, style))]
    assert objective.series == ("content b", "style a", "style b")
    assert objective.weighted(by_layer) == (10 * 2 * (3 - 1) ** 2, 100 * (4 - 3) ** 2 / 2, 50 * 0.5 * (9 - 7) ** 2)
    assert sum(objective.weighted(by_layer)) == losses.content.item() + losses.style.item()
    assert objective.weighted([]) == ()


def test_lines_of_the_photo_are_content_by_a_weight_of_their_own() -> None:
    objective = Objective(
        (("a", 2.0),), (("a", 1.0),), 10.0, 100.0, 0.5, "tensorflow", (("gram", 1.0),), (("features", 1.0),), 3.0
    )
    features = {"a": torch.full((1, 1, 1, 1), 2.0)}
    photo, picture = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    content = objective.content_targets({"a": torch.ones(1, 1, 1, 1)})
    assert set(content) == {"content a"}
    content |= objective.content_targets({PIXELS: photo})
    found = objective.compare(features, content, {"style a": torch.full((1, 1, 1), 3.0)})
    assert set(found) == {"content a", "style a"}
    found |= objective.compare({PIXELS: picture}, content, {})
    losses = objective.total(picture, found)
    lines = PIXEL_LOSSES["laplacian"].loss(picture, photo.mean(1, keepdim=True), "tensorflow")
    torch.testing.assert_close(losses.content, 20 * (found["content a"]) + 3 * lines)
    torch.testing.assert_close(losses.total, losses.content + losses.style + 0.5 * total_variation(picture))
    assert objective.series == ("content a", "laplacian", "style a")
    by_layer = objective.weighted([loss.item() for loss in objective.by_layer(found)])
    assert by_layer == pytest.approx((20, 3 * lines.item(), 100))


def test_an_objective_may_leave_out_content_and_total_variation() -> None:
    objective = Objective((), (("a", 1.0),), 1.0, 1.0, 0.0, "gatys")
    features = {"a": torch.ones(2, 1, 1, 1)}
    losses = objective.total(
        torch.zeros(2, 3, 1, 1), objective.compare(features, {}, {"style a": torch.full((2, 1, 1), 3.0)})
    )
    assert losses.content.tolist() == [0, 0]
    assert losses.total.tolist() == losses.style.tolist() == [1, 1]
