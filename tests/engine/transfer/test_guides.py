"""Guides: every place counts as much as its style has of it, and none that is kept."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.engine.transfer.content import PIXELS
from pipeline.engine.transfer.geometry import network_geometry
from pipeline.engine.transfer.guides import Guide, Guides, guides_for, joined
from pipeline.engine.transfer.losses import Objective
from pipeline.engine.transfer.places import PaintedPlaces
from pipeline.model import LossKind, Style

A, B = Style("a", ()), Style("b", ())
SIDE = 64
GEOMETRY = network_geometry(SIDE, SIDE)


def columns(share: float) -> Tensor:
    """Return a map (1, 1, 64, 64) that is 1 in its left ``share``."""
    return (torch.arange(SIDE) < share * SIDE).float().expand(1, 1, SIDE, SIDE)


def places(painted: Tensor, kept: Tensor | None = None, guarded: Tensor | None = None) -> PaintedPlaces:
    return PaintedPlaces((A, B)[: painted.shape[1]], painted, kept, guarded)


def halves(left: float) -> PaintedPlaces:
    return places(torch.cat([columns(left), 1 - columns(left)], dim=1))


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def objective(loss: LossKind = "relative") -> Objective:
    return Objective((("relu1_1", 1.0),), (("relu1_1", 1.0), ("relu2_1", 1.0)), 1.0, 1.0, 0.0, loss)


def test_shares_are_one_on_the_average_and_styles_count_by_their_area() -> None:
    guides = guides_for(halves(0.25), GEOMETRY)
    for layer, side in (("relu1_1", 64), ("conv3_4", 16), ("relu5_1", 4)):
        guide = guides.of(layer)
        assert guide.shares.shape == (1, 2, side, side)
        torch.testing.assert_close(guide.shares.mean((2, 3)), torch.ones(1, 2))
        assert guide.shares[0, :, 0, 0].tolist() == [4, 0]
        assert guide.weights.tolist() == [[0.25, 0.75]]
        assert torch.equal(guide.factors, torch.ones(1, 1, side, side))
    assert guides.free is None


def test_lines_of_what_is_kept_do_not_count_and_those_of_faces_count_more() -> None:
    lines = Objective((), (), 1.0, 1.0, 0.0, "relative", laplacian_weight=1.0)
    photo = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    picture = torch.cat([photo[:, :, :, : SIDE // 2], photo[:, :, :, SIDE // 2 :].flip(2)], dim=3)

    def loss(kept: Tensor | None = None, guarded: Tensor | None = None) -> float:
        guides = guides_for(places(torch.ones(1, 1, SIDE, SIDE), kept, guarded), GEOMETRY)
        return lines.compare({PIXELS: picture}, lines.content_targets({PIXELS: photo}), {}, guides)[
            "laplacian"
        ].item()

    assert loss(guarded=1 - columns(0.5)) > 3 * loss() > 1
    assert loss(kept=1 - columns(0.25)) < 0.05 * loss()


def test_maps_come_to_a_layer_by_averages() -> None:
    guide = guides_for(halves(3 / 8), GEOMETRY).of("relu5_1")
    torch.testing.assert_close(guide.shares[0, 0, 0], torch.tensor([1, 0.5, 0, 0]) / (3 / 8))


def test_a_style_of_few_positions_is_left_out_at_that_layer_alone() -> None:
    guides = guides_for(halves(1 / 8), GEOMETRY)
    assert guides.of("relu5_1").weights.tolist() == [[0, 0.875]]
    assert guides.of("relu4_1").weights.tolist() == [[0.125, 0.875]]
    assert torch.isfinite(guides.of("relu5_1").shares).all()


def test_what_is_kept_counts_nowhere_and_its_edge_in_part() -> None:
    kept = 1 - columns(0.5)
    kept[..., 31] = 0.25
    guides = guides_for(places(1 - kept, kept=kept), GEOMETRY)
    assert guides.free is not None
    assert guides.free[0, 0, 5, 30:33].tolist() == [1, 0.75, 0]
    assert guides.of("relu1_1").factors[0, 0, 5, 30:33].tolist() == [1, 0.75, 0]
    assert guides.of("relu5_1").shares[0, 0, 0, 2:].tolist() == [0, 0]
    assert guides.of("relu1_1").weights.tolist() == [[pytest.approx(0.5 - 0.25 / 64)]]


def test_a_guarded_face_has_more_content_and_less_style() -> None:
    face = columns(0.25) * 0.5
    guide = guides_for(places(torch.ones(1, 1, SIDE, SIDE), guarded=face), GEOMETRY).of("relu1_1")
    on_face, elsewhere = guide.shares[0, 0, 0, 0], guide.shares[0, 0, 0, -1]
    assert 0 < on_face < 0.6 * elsewhere
    assert guide.factors[0, 0, 0, 0] > 2
    assert guide.factors[0, 0, 0, -1] == 1
    # A pixel that is no face is pulled as hard as in a picture without any.
    assert float(elsewhere * guide.weights[0, 0]) == pytest.approx(1)


def test_guides_of_several_pictures_are_those_of_each() -> None:
    both = [guides_for(halves(share), GEOMETRY) for share in (0.25, 0.5)]
    together = joined(both)
    for index, alone in enumerate(both):
        for layer in ("relu1_1", "relu4_1"):
            assert torch.equal(together.of(layer).shares[index : index + 1], alone.of(layer).shares)
            assert torch.equal(together.of(layer).weights[index : index + 1], alone.of(layer).weights)
            assert torch.equal(together.of(layer).factors[index : index + 1], alone.of(layer).factors)


def test_losses_of_one_style_for_the_whole_picture_have_the_bits_of_a_plain_one() -> None:
    features = {"relu1_1": torch.rand(1, 3, 64, 64), "relu2_1": torch.rand(1, 4, 32, 32)}
    content = {"content relu1_1": torch.rand(1, 3, 64, 64)}
    style = {"style relu1_1": torch.rand(1, 3, 3), "style relu2_1": torch.rand(1, 4, 4)}
    whole = guides_for(places(torch.ones(1, 1, SIDE, SIDE)), GEOMETRY)
    plain = objective().compare(features, content, style)
    guided = objective().compare(features, content, {name: target[:, None] for name, target in style.items()}, whole)
    assert {name: loss.item() for name, loss in guided.items()} == {name: loss.item() for name, loss in plain.items()}


@pytest.mark.parametrize("kind", ["relative", "gatys", "tensorflow"])
def test_guided_losses_have_right_gradients_each_image_its_own(kind: LossKind) -> None:
    sought = Objective((("relu1_1", 1.0),), (("relu1_1", 1.0),), 1.0, 1.0, 0.0, kind)
    guide = Guide(random(2, 2, 4, 4), random(2, 2, seed=1), random(2, 1, 4, 4, seed=2))
    content, style = {"content relu1_1": random(2, 3, 4, 4, seed=3)}, {"style relu1_1": random(2, 2, 3, 3, seed=4)}

    def losses(features: Tensor) -> tuple[Tensor, ...]:
        return tuple(sought.compare({"relu1_1": features}, content, style, Guides({1: guide}, None)).values())

    assert torch.autograd.gradcheck(losses, (random(2, 3, 4, 4, seed=5).requires_grad_(),))
