"""Evaluated in blocks, a picture has the losses and the gradient that it has as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import pytest
import torch
from torch import Tensor

from pipeline.engine.network.vgg import Network
from pipeline.engine.network.weights import load_weights
from pipeline.engine.transfer.blocks.evaluation import evaluate_in_blocks
from pipeline.engine.transfer.blocks.partition import Divide, Stage
from pipeline.engine.transfer.blocks.share import InBlocks
from pipeline.engine.transfer.content import PIXELS
from pipeline.engine.transfer.evaluation import Targets, evaluate
from pipeline.engine.transfer.geometry import network_geometry
from pipeline.engine.transfer.guides import Guides, guides_for, joined
from pipeline.engine.transfer.losses import Objective, objective_of
from pipeline.engine.transfer.places import PaintedPlaces
from pipeline.engine.transfer.statistics import moments_for
from pipeline.model import LAYERS, ContentLossKind, LossKind, PoolingKind, Recipe, Style, StyleLossKind, WeightsChoice

HEIGHT, WIDTH = 64, 96

# As strong as the others, so that a wrong part of any of them shows.
DEEP = Recipe(style_weight=1.0, content_weight=1.0)
RECIPE = replace(DEEP, style_layers=(("relu1_1", 1.0), ("relu3_1", 1.0)), content_layers=(("relu2_2", 1.0),))


def halves(side: int, stage: Stage) -> Sequence[int]:
    return [0, side // 2 // stage.grid * stage.grid, side]


def thirds(side: int, stage: Stage) -> Sequence[int]:
    return [0, *(side * part // 3 // stage.grid * stage.grid for part in (1, 2)), side]


def two_by_three(side: int, stage: Stage) -> Sequence[int]:
    return halves(side, stage) if side * stage.reduction == HEIGHT else thirds(side, stage)


def unequal(side: int, stage: Stage) -> Sequence[int]:
    return [0, stage.grid, side * 2 // 3 // stage.grid * stage.grid, side]


def random(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@lru_cache(maxsize=4)
def network_with(layers: frozenset[str], pooling: PoolingKind) -> Network:
    return Network(load_weights(WeightsChoice()), layers, pooling=pooling, dtype=torch.float64)


class Case:
    """A batch of pictures, their targets, and what is minimized."""

    def __init__(self, recipe: Recipe, count: int = 1) -> None:
        self.objective: Objective = objective_of(recipe)
        layers = {layer for layer, _ in (*self.objective.content_layers, *self.objective.style_layers)}
        self.network = network_with(frozenset(layers), recipe.pooling)
        self.pictures = random(count, 3, HEIGHT, WIDTH, seed=0)
        photos = random(count, 3, HEIGHT, WIDTH, seed=1)
        with torch.no_grad():
            self.content = self._each([self._content(photo[None]) for photo in photos])
            self.style = self._each([self._style(random(1, 3, 64, 80, seed=2 + n)) for n in range(count)])

    def _content(self, photo: Tensor) -> Targets:
        return self.objective.content_targets({**self.network.features(photo), PIXELS: photo})

    def _style(self, painting: Tensor) -> Targets:
        losses = [loss for loss, _ in self.objective.style_losses]
        features = self.network.features(painting)
        moments = {layer: moments_for(losses, features[layer]) for layer, _ in self.objective.style_layers}
        return {name: target[None] for name, target in self.objective.style_targets(moments).items()}

    def _each(self, targets: list[Targets]) -> dict[str, Tensor]:
        return {name: torch.cat([each[name] for each in targets]) for name in targets[0]}

    def assert_same(self, divide: Divide, guides: Guides | None = None) -> None:
        style = self.style
        if guides is not None:
            styles = guides.of("relu1_1").weights.shape[1]
            style = {name: torch.stack([target, 0.9 * target], 1)[:, :styles] for name, target in style.items()}
        given = (self.network, self.objective, self.pictures, self.content, style)
        whole = evaluate(*given, guides=guides)
        losses, gradients = evaluate_in_blocks(*given, guides, InBlocks(divide))
        torch.testing.assert_close(losses, whole.losses, rtol=1e-10, atol=1e-14)
        for found, expected in zip(gradients, whole.gradients, strict=True):
            scale = float(expected.abs().max())
            assert scale > 0
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 * scale)


@pytest.mark.parametrize("divide", [halves, two_by_three, unequal])
def test_a_picture_has_the_same_losses_and_gradient_in_any_blocks(divide: Divide) -> None:
    Case(DEEP).assert_same(divide)


@pytest.mark.parametrize("style_loss", ["gram", "mean_std", "sliced_wasserstein"])
def test_style_losses_are_those_of_the_whole(style_loss: StyleLossKind) -> None:
    Case(replace(RECIPE, style_loss=((style_loss, 1.0),))).assert_same(unequal)


@pytest.mark.parametrize("content_loss", ["features", "self_similarity"])
@pytest.mark.parametrize("loss", ["relative", "gatys", "tensorflow"])
def test_content_losses_are_those_of_the_whole(content_loss: ContentLossKind, loss: LossKind) -> None:
    recipe = replace(RECIPE, content_loss=((content_loss, 1.0),), loss=loss, style_loss="auto", content_weight=100.0)
    Case(recipe).assert_same(unequal)


@pytest.mark.parametrize("loss", ["relative", "gatys", "tensorflow"])
def test_losses_of_all_kinds_together_are_those_of_the_whole(loss: LossKind) -> None:
    recipe = replace(
        RECIPE,
        loss=loss,
        style_loss=(("gram", 1.0), ("mean_std", 0.5), ("wasserstein", 0.5), ("sliced_wasserstein", 0.5)),
        content_loss=(("features", 1.0), ("self_similarity", 0.5)),
        content_layers=(("relu1_1", 1.0), ("relu2_2", 1.0)),
        tv_weight=1.0,
        laplacian_weight=1.0,
    )
    Case(recipe).assert_same(thirds)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_layers_of_any_depth_read_before_and_after_they_are_rectified(pooling: PoolingKind) -> None:
    every_third = tuple((layer, 1.0) for layer in LAYERS[::3])
    recipe = replace(RECIPE, style_layers=every_third, style_loss=(("gram", 1.0),), pooling=pooling)
    Case(recipe).assert_same(halves)


@pytest.mark.parametrize("layer", ["conv1_1", "relu1_2", "relu2_1", "relu2_2", "conv3_4", "relu5_4"])
def test_a_network_of_any_depth(layer: str) -> None:
    recipe = replace(RECIPE, style_layers=((layer, 1.0),), content_layers=(), style_loss=(("gram", 1.0),))
    Case(recipe).assert_same(halves)


def test_content_alone_and_style_alone() -> None:
    Case(replace(RECIPE, style_layers=())).assert_same(halves)
    Case(replace(RECIPE, content_layers=())).assert_same(halves)


def test_pictures_of_a_batch_have_their_own_targets() -> None:
    Case(RECIPE, count=2).assert_same(halves)


def test_pictures_of_a_batch_have_their_own_places() -> None:
    masks = random(2, 1, 1, HEIGHT, WIDTH, seed=9)
    each = [PaintedPlaces((Style("a", ()),), mask, None, None) for mask in masks]
    guides = joined([guides_for(places, network_geometry(HEIGHT, WIDTH)) for places in each])
    Case(RECIPE, count=2).assert_same(halves, guides)


@pytest.mark.parametrize("style_loss", ["gram", "mean_std", "wasserstein", "sliced_wasserstein"])
def test_places_count_as_they_do_in_the_whole(style_loss: StyleLossKind) -> None:
    maps = random(1, 2, HEIGHT, WIDTH, seed=7)
    painted = maps / (maps.sum(1, keepdim=True) + 0.3)
    kept, guarded = 1 - painted.sum(1, keepdim=True), random(1, 1, HEIGHT, WIDTH, seed=8)
    places = PaintedPlaces((Style("a", ()), Style("b", ())), painted, kept, guarded)
    guides = guides_for(places, network_geometry(HEIGHT, WIDTH))
    recipe = replace(
        RECIPE,
        style_loss=((style_loss, 1.0),),
        content_loss=(("features", 1.0), ("self_similarity", 0.5)),
        laplacian_weight=1.0,
    )
    Case(recipe).assert_same(halves, guides)


def test_whole_pictures_keep_no_graph_and_their_own_pixels() -> None:
    case = Case(RECIPE)
    before = case.pictures.clone()
    whole = InBlocks(lambda side, _: [0, side])
    losses, gradients = evaluate_in_blocks(
        case.network, case.objective, case.pictures, case.content, case.style, None, whole
    )
    assert torch.equal(case.pictures, before)
    assert not any(tensor.requires_grad for tensor in (case.pictures, losses, gradients))


def test_in_float32_blocks_differ_by_rounding_only() -> None:
    case = Case(RECIPE)
    network = Network(load_weights(WeightsChoice()), case.network.layers)
    content = {name: target.float() for name, target in case.content.items()}
    style = {name: target.float() for name, target in case.style.items()}
    found = evaluate(network, case.objective, case.pictures.float(), content, style, in_blocks=InBlocks())
    exact = evaluate(case.network, case.objective, case.pictures, case.content, case.style)
    assert found.gradients.dtype == torch.float32
    torch.testing.assert_close(found.losses.double(), exact.losses, rtol=1e-4, atol=1e-7)
    assert float((found.gradients - exact.gradients).norm() / exact.gradients.norm()) < 1e-3


def test_each_block_is_told_and_may_end_the_evaluation() -> None:
    case, told = Case(RECIPE, count=2), list[float]()
    given = (case.network, case.objective, case.pictures, case.content, case.style, None)
    evaluate_in_blocks(*given, InBlocks(halves, told.append))
    assert len(told) == 2 * 2 * 2 * 4  # pictures, passes, stages, blocks
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)

    def stop(share: float) -> None:
        told.append(share)
        raise InterruptedError

    told.clear()
    with pytest.raises(InterruptedError):
        evaluate_in_blocks(*given, InBlocks(halves, stop))
    assert len(told) == 1
