"""Arguments are settings: what a config's recipe takes, by the same rules, in sentences that name them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from pipeline.api.settings import TransferSettings, blend_shares, engine_settings, max_pixels_of, recipe_of
from pipeline.api.style_transfer import StyleTransfer, stylize
from pipeline.config.qualities import QUALITIES
from pipeline.config.recipes import RecipeSection
from pipeline.errors import ConfigError
from pipeline.model import Recipe, WeightsChoice

NAMES = set(TransferSettings.__annotations__)


def test_every_setting_of_a_recipe_is_an_argument_but_that_of_files() -> None:
    assert set(RecipeSection.model_fields) - {"snapshot_every", "timelapse"} | {"scale"} == NAMES


def test_every_setting_is_explained_where_callers_look() -> None:
    text = stylize.__doc__ or ""
    assert [name for name in sorted(NAMES) if name not in text] == []


@pytest.mark.parametrize("function", [stylize, StyleTransfer.stylize, StyleTransfer.stylize_many])
def test_notebooks_show_every_setting_with_its_default(function: Callable[..., object]) -> None:
    shown = inspect.signature(function).parameters
    assert set(shown) >= NAMES | {"painting", "progress"}
    assert "settings" not in shown
    assert recipe_of({name: shown[name].default for name in NAMES}) == (Recipe(), 1.0)


def test_nothing_given_is_the_default_recipe() -> None:
    assert recipe_of({}) == (Recipe(), 1.0)


def test_a_quality_sets_what_is_not_given() -> None:
    recipe, _ = recipe_of({"quality": "draft", "iterations": 9})
    assert (recipe.size, recipe.iterations, recipe.tolerance) == (
        QUALITIES["draft"].size,
        9,
        QUALITIES["draft"].tolerance,
    )


def test_settings_mean_what_they_mean_in_a_config() -> None:
    recipe, scale = recipe_of(
        {
            "size": np.int64(256),
            "scale": 0.5,
            "scales": (128, 256),
            "iterations": np.array([3, 4])[0],
            "content_layers": ["block4_conv2"],
            "style_layers": {"relu1_1": np.float32(0.5)},
            "content_weight": 1e4,
            "optimizer": "adam",
            "adam_betas": (np.float32(0.5), 0.999),
            "init": {"noise": 1, "gray": 2},
            "seed": 7,
        }
    )
    section = RecipeSection.model_validate(
        {
            "size": 256,
            "scales": [128, 256],
            "iterations": 3,
            "content_layers": ["block4_conv2"],
            "style_layers": {"relu1_1": 0.5},
            "content_weight": 1e4,
            "optimizer": "adam",
            "adam_betas": [0.5, 0.999],
            "init": {"gray": 2, "noise": 1},
            "seed": 7,
        }
    )
    assert (recipe, scale) == (section.recipe("default"), 0.5)
    assert recipe.learning_rate == 0.02  # adam's, unless given


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 15}, "size: must be at least 16, found 15"),
        ({"size": "512"}, "size: must be a whole number, found '512'"),
        ({"sise": 512}, "sise: is no setting; did you mean 'size'?"),
        ({"snapshot_every": 10}, "snapshot_every: is no setting; known here: quality, size, max_size, scale, "),
        ({"scale": 0}, "scale: must be above 0, found 0"),
        ({"content_weight": float("nan")}, "content_weight: must be a finite number, found NaN"),
        ({"style_layers": ["relu9_1"]}, "style_layers[0]: must be a layer of VGG-19 "),
        ({"style_layers": []}, "style_layers: must have at least 1 entry, found an empty list"),
        ({"content_layers": ("relu1_1", "block1_conv1")}, "content_layers: must name each layer once, found "),
        (
            {"content_layers": "relu1_1"},
            "content_layers: must be a list of layers, or a mapping of layers to weights",
        ),
        ({"scales": [64, 128], "size": 256}, "scales: must grow and end in the recipe's size, like [64, 128, 256]"),
        ({"loss": "l2"}, "loss: must be one of 'relative', 'gatys' or 'tensorflow', found 'l2'"),
        ({"optimizer": None}, "optimizer: must be one of 'lbfgs', 'adam' or 'sgd', found nothing"),
        ({"content_weight": 0, "style_weight": 0}, "style_weight: must be above 0 when content_weight is 0 too"),
    ],
)
def test_a_wrong_setting_is_named_in_a_sentence(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        recipe_of(settings)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None  # no traceback of the library that checks


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        recipe_of({"size": 5, "sise": 6, "seed": -1})
    assert [problem.where for problem in caught.value.problems] == ["sise", "size", "seed"]


def test_weights_and_scales_of_a_blend_are_numbers_above_0() -> None:
    assert blend_shares([0.5, np.float32(2), {"scale": 0.5}]) == ((0.5, 1.0), (2.0, 1.0), (1.0, 0.5))
    with pytest.raises(ConfigError, match=r"painting\[1\]: must be above 0, found -1"):
        blend_shares([1, -1])
    with pytest.raises(ConfigError, match=r"painting\[0\].scale: must be above 0, found 0"):
        blend_shares([{"weight": 1, "scale": 0}])
    with pytest.raises(ConfigError, match="painting: must have at least 1 entry"):
        blend_shares([])


def test_the_engine_gets_its_own_settings(tmp_path: Path) -> None:
    settings = engine_settings(cache_folder=tmp_path / "styles", device="cpu", weights=tmp_path / "vgg.pth")
    assert (settings.device, settings.cache_folder) == ("cpu", tmp_path / "styles")
    assert settings.weights == WeightsChoice(str(tmp_path / "vgg.pth"))
    assert settings.machine_folder == platformdirs.user_cache_path("stylewatch")  # the program's own
    assert engine_settings(cache_folder=None).cache_folder is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "gpu"}, "device: must be 'auto', 'cpu', 'mps', 'cuda' or 'cuda:N', found 'gpu'; did you mean"),
        ({"weights": "vgg.bin"}, "weights: must be 'embedded', 'torchvision' or a .pth or .safetensors file, found"),
        ({"weights": 3}, "weights: must be text, found 3"),
        ({"precision": "half"}, "precision: must be one of 'auto', 'float32' or 'bfloat16', found 'half'"),
        ({"preprocessing": "rgb"}, "preprocessing: must be one of"),
        ({"batch_size": -1}, "batch_size: must be at least 0, found -1"),
        ({"cache_folder": 3}, "cache_folder: must be the path of a file or folder, found 3"),
        ({"cache_folder": ""}, "cache_folder: must be a path, found empty text"),
        ({"max_megapixels": 0}, "max_megapixels: must be above 0, found 0"),
    ],
)
def test_wrong_arguments_of_the_engine_are_named_before_anything_is_loaded(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        StyleTransfer(**arguments)
    assert str(caught.value).startswith(message)


def test_megapixels_are_pixels() -> None:
    assert max_pixels_of(0.5) == 500_000
