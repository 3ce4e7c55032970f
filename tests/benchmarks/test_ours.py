from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import load_config
from tests.benchmarks.ours import PASTICHE_CONFIG, Desk, pastiche_recipe
from tests.benchmarks.subjects import PAINTINGS


def test_a_desk_writes_a_config_with_the_recipe_of_configs_pastiche(tmp_path: Path) -> None:
    path = Desk(tmp_path / "desk").config({PAINTINGS[0]: 1.25, PAINTINGS[1]: 0.5}, pastiche_recipe(128, 7))
    config, original = load_config(path), load_config(PASTICHE_CONFIG)
    recipe, expected = (each.recipes_by_name()["default"] for each in (config, original))
    assert [(style.name, style.scale) for style in config.styles] == [("blossoms", 1.25), ("window", 0.5)]
    assert config.picture_options().format == original.picture_options().format == "png"
    assert (recipe.size, recipe.iterations) == (128, 7)
    assert recipe.style_layers == expected.style_layers
    assert (recipe.content_layers, recipe.content_weight) == (expected.content_layers, expected.content_weight)
    assert (recipe.loss, recipe.style_weight) == ("tensorflow", expected.style_weight)


def test_style_layers_weigh_ten_over_the_square_of_their_channels() -> None:
    weights = load_config(PASTICHE_CONFIG).recipes_by_name()["default"].style_layers
    assert [weight for _, weight in weights] == pytest.approx(
        [10 / channels**2 for channels in (64, 128, 256, 512, 512)]
    )
