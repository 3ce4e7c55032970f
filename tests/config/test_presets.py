"""The recipes of other programs mean what these compute: their formulas, written down again, and this objective."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline.config import load_config
from pipeline.config.imports import own_files
from pipeline.engine.transfer.losses import objective_of
from pipeline.engine.transfer.statistics.moments import Moments
from pipeline.model import Recipe

CHANNELS = {
    "relu1_1": 64,
    "relu2_1": 128,
    "relu3_1": 256,
    "relu4_1": 512,
    "relu4_2": 512,
    "relu5_1": 512,
    "relu5_2": 512,
}
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

#: Mean activations of the network.
MEANS = {
    "relu1_1": 20.64,
    "relu2_1": 110.76,
    "relu3_1": 112.59,
    "relu4_1": 453.7,
    "relu4_2": 289.22,
    "relu5_1": 43.34,
}

Features = Mapping[str, Tensor]


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Recipe]:
    """Return the recipes of all files that come with the program, as one config imports them."""
    folder = tmp_path_factory.mktemp("presets")
    (folder / "painting.jpg").touch()
    text = f"styles: [{{name: x, painting: painting.jpg}}]\nrecipes: {{import: [{', '.join(own_files())}]}}\n"
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return load_config(folder / "config.yaml").recipes_by_name()


def test_each_file_holds_the_recipe_of_its_name(recipes: Mapping[str, Recipe]) -> None:
    assert list(recipes) == ["default", *(Path(name).stem for name in own_files())]


def gram(features: Tensor) -> Tensor:
    flat = features[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


def mean_square(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().mean()


def squares_of_differences(picture: Tensor) -> Tensor:
    down, right = picture[:, :, 1:] - picture[:, :, :-1], picture[..., 1:] - picture[..., :-1]
    return down.square().sum() + right.square().sum()


def pastiche(found: Features, photo: Features, painting: Features, picture: Tensor) -> Tensor:
    style = sum(10 / CHANNELS[name] ** 2 * mean_square(gram(found[name]), gram(painting[name])) for name in STYLE)
    return 0.01 * mean_square(found["relu4_2"], photo["relu4_2"]) + style


def neural_style(found: Features, photo: Features, painting: Features, picture: Tensor) -> Tensor:
    style = sum(
        mean_square(gram(found[name]) / CHANNELS[name], gram(painting[name]) / CHANNELS[name]) for name in STYLE
    )
    smooth = 0.001 / 2 * squares_of_differences(256 * picture)
    return 5 * mean_square(found["relu4_2"], photo["relu4_2"]) + 100 * style + smooth


def gatys(found: Features, photo: Features, painting: Features, picture: Tensor) -> Tensor:
    style = sum(1e3 / CHANNELS[name] ** 2 * mean_square(gram(found[name]), gram(painting[name])) for name in STYLE)
    return mean_square(found["relu4_2"], photo["relu4_2"]) + style


def tutorial(found: Features, photo: Features, painting: Features, picture: Tensor) -> Tensor:
    style = sum(mean_square(gram(found[name]), gram(painting[name])) for name in STYLE) / len(STYLE)
    return 1e4 * mean_square(found["relu5_2"], photo["relu5_2"]) + 1e-2 * style


def crowson(found: Features, photo: Features, painting: Features, picture: Tensor) -> Tensor:
    weights = dict(zip(STYLE, (256, 64, 16, 4, 1), strict=True))
    style = sum(weights[name] / 341 * gaussian_distance(found[name], painting[name]) for name in STYLE)
    smooth = 2 * squares_of_differences(57.6 * picture) / picture.numel()
    return 0.015 * mean_square(found["relu4_2"], photo["relu4_2"]) + style + smooth


def gaussian_distance(found: Tensor, painting: Tensor) -> Tensor:
    """Return Wasserstein-2 of two layers' Gaussians, divided by the channels, by eigenvalues."""
    (mean, covariance), (target_mean, target) = map(gaussian, (found, painting))
    values, vectors = torch.linalg.eigh(target)
    root = vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
    crossed = torch.linalg.eigvalsh(root @ covariance @ root).clamp_min(0).sqrt().sum()
    return mean_square(mean, target_mean) + (covariance.trace() + target.trace() - 2 * crossed) / len(mean)


def gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    mean = features.mean((0, 2, 3))
    return mean, gram(features) - torch.outer(mean, mean) + 1e-4 * torch.eye(len(mean), dtype=mean.dtype)


OBJECTIVES: Mapping[str, Callable[[Features, Features, Features, Tensor], Tensor]] = {
    "gatys2016": gatys,
    "neural-style": neural_style,
    "pastiche": pastiche,
    "style-transfer-pytorch": crowson,
    "tensorflow-tutorial": tutorial,
}
#: What is only like the original's, and is looked at instead.
LEFT_OUT = {"tensorflow-tutorial": {"tv_weight": 0.0}}


def random_features(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    # As strong as in the network, so that no part of the sum is lost in the others.
    return {
        name: 2 * MEANS.get(name, 40.0) * torch.rand((1, count, 2, 3), generator=generator, dtype=torch.float64)
        for name, count in CHANNELS.items()
    }


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_the_objective_is_that_of_the_other_program(recipes: Mapping[str, Recipe], name: str) -> None:
    objective = objective_of(dataclasses.replace(recipes[name], **LEFT_OUT.get(name, {})))
    found, photo, painting = map(random_features, (1, 2, 3))
    picture = torch.rand((1, 3, 384, 512), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    moments = {layer: Moments(each.mean((0, 2, 3)), gram(each)) for layer, each in painting.items()}
    style = {key: target[None] for key, target in objective.style_targets(moments).items()}
    here = objective.total(picture, objective.compare(found, objective.content_targets(photo), style)).total
    there = OBJECTIVES[name](found, photo, painting, picture)
    # Figures are written with three digits where they are not powers of two; covariances get other ridges.
    assert float(here) == pytest.approx(float(there), rel=0.02 if name == "style-transfer-pytorch" else 5e-3)


SCHEDULES = {
    "gatys2016": ((683,), (500,), "lbfgs", 1.0, "content"),
    "neural-style": ((512,), (1000,), "lbfgs", 1.0, (("noise", 0.00002), ("gray", 1.0))),
    "pastiche": ((577,), (1000,), "lbfgs", 1.0, "content"),
    "style-transfer-pytorch": ((128, 181, 256, 362, 512), (1000, *[500] * 4), "adam", 0.02, "content"),
    "tensorflow-tutorial": ((512,), (1000,), "adam", 0.02, "content"),
}


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_the_schedule_is_that_of_the_other_program(recipes: Mapping[str, Recipe], name: str) -> None:
    recipe = recipes[name]
    found = (recipe.sizes(), recipe.iterations_by_scale(), recipe.optimizer, recipe.learning_rate, recipe.init)
    assert found == SCHEDULES[name]
    assert (recipe.tolerance, recipe.pooling) == (0, "max")
    assert recipe.ema_decay == (0.99 if name == "style-transfer-pytorch" else 0)
    assert recipe.adam_betas == ((0.99, 0.999) if name == "tensorflow-tutorial" else (0.9, 0.99))


def test_every_file_is_among_these(recipes: Mapping[str, Recipe]) -> None:
    assert {"default", *OBJECTIVES} == {"default", *SCHEDULES} == set(recipes)
