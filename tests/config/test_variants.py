"""Settings that list values to compare: which may, how a mistake in one is told, and what all combinations are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import ConfigWithVariants, json_schema, load_variants
from pipeline.config.variants import recipe_settings, takes_list
from pipeline.errors import ConfigError
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"

PAINTINGS = ("paintings/starry_night.jpg", "paintings/great_wave.jpg")

LoadVariants = Callable[[str], ConfigWithVariants]


@pytest.fixture
def variants(folder: Path) -> LoadVariants:
    def load_text(text: str) -> ConfigWithVariants:
        (folder / "config.yaml").write_text(text, encoding="utf-8")
        return load_variants(folder / "config.yaml")

    return load_text


def test_a_config_without_lists_has_one_variant_of_each_recipe_and_style(variants: LoadVariants) -> None:
    found = variants(STYLE + "recipes: {fine: {size: 1024}}")
    assert found.axes == ()
    assert [(len(found.recipes[name]), found.recipes[name][0].values) for name in found.recipes] == [(1, {}), (1, {})]
    assert found.recipes["fine"][0].recipe == found.config.recipes_by_name()["fine"]
    assert found.count() == 1


def test_all_combinations_in_the_order_of_the_values(variants: LoadVariants) -> None:
    found = variants(STYLE + "recipes: {default: {content_weight: [0.5, 1], optimizer: [lbfgs, adam]}}")
    made = [(v.recipe.content_weight, v.recipe.optimizer, v.recipe.learning_rate) for v in found.recipes["default"]]
    assert made == [(0.5, "lbfgs", 1.0), (0.5, "adam", 0.02), (1.0, "lbfgs", 1.0), (1.0, "adam", 0.02)]
    assert found.recipes["default"][1].values == {"content_weight": "0.5", "optimizer": "adam"}
    assert {v.recipe.name for v in found.recipes["default"]} == {"default"}
    assert found.count() == 4


def test_a_styles_scale_may_list_values(variants: LoadVariants) -> None:
    text = "styles:\n- {name: night, painting: paintings/starry_night.jpg, scale: [0.5, 1]}\n"
    text += "- {name: wave, painting: paintings/great_wave.jpg, scale: 2}\nrecipes: {default: {size: [64, 128, 256]}}"
    found = variants(text)
    assert [(style.scales, style.values) for style in found.styles["night"]] == [
        ({"night": 0.5}, {"scale": "0.5"}),
        ({"night": 1.0}, {"scale": "1"}),
    ]
    assert [style.scales for style in found.styles["wave"]] == [{"wave": 2.0}]
    assert len(found.variants_of("night", "default")) == 6
    assert found.count() == 9


@pytest.mark.parametrize(
    ("night", "wave", "variants_of_both"),
    [
        ("1", "2", [({"night": 1, "wave": 2}, {})]),
        (
            "[1, 2]",
            "[1, 2]",
            [({"night": 1, "wave": 1}, {"scale": "1"}), ({"night": 2, "wave": 2}, {"scale": "2"})],
        ),
        (
            "1",
            "[0.5, 2]",
            [({"night": 1, "wave": 0.5}, {"scale": "0.5"}), ({"night": 1, "wave": 2}, {"scale": "2"})],
        ),
        (
            "[1, 2]",
            "[2]",
            [
                ({"night": 1, "wave": 2}, {"scale": "{night: 1, wave: 2}"}),
                ({"night": 2, "wave": 2}, {"scale": "{night: 2, wave: 2}"}),
            ],
        ),
    ],
)
def test_a_style_with_regions_has_the_values_of_their_styles(
    variants: LoadVariants, night: str, wave: str, variants_of_both: list[tuple[object, object]]
) -> None:
    text = f"""
masks: {{folder: masks}}
styles:
- {{name: both, regions: {{white: night, red: keep, blue: wave, black: night}}}}
- {{name: night, painting: paintings/starry_night.jpg, scale: {night}}}
- {{name: wave, painting: paintings/great_wave.jpg, scale: {wave}}}
"""
    found = variants(text).styles["both"]
    assert [(variant.scales, variant.values) for variant in found] == variants_of_both


def test_settings_that_are_lists_keep_their_meaning_and_list_values_as_lists(variants: LoadVariants) -> None:
    one = variants(STYLE + "recipes: {default: {content_layers: [relu4_2, relu5_2], size: 256, scales: [128, 256]}}")
    assert one.axes == ()
    [variant] = one.recipes["default"]
    assert variant.recipe.content_layers == (("relu4_2", 1.0), ("relu5_2", 1.0))

    text = "recipes: {default: {content_layers: [[relu4_2], {relu5_2: 2}], size: 256, scales: [1, [128, 256]]}}"
    found = variants(STYLE + text).recipes["default"]
    assert [variant.recipe.content_layers for variant in found[::2]] == [(("relu4_2", 1.0),), (("relu5_2", 2.0),)]
    assert [variant.recipe.scales for variant in found[:2]] == [1, (128, 256)]
    assert found[3].values == {"content_layers": "{relu5_2: 2}", "scales": "[128, 256]"}


def test_every_setting_that_changes_the_picture_may_list_values() -> None:
    assert {"size", "loss", "seed", "style_layers"} <= set(recipe_settings())
    assert "snapshot_every" not in recipe_settings()
    assert [name for name in recipe_settings() if takes_list(name)] == [
        "scales",
        "iterations",
        "content_layers",
        "style_layers",
        "style_loss",
        "content_loss",
        "adam_betas",
    ]


def test_a_run_refuses_a_config_with_lists_in_one_sentence(load: Load, problems: Problems) -> None:
    text = STYLE + "recipes: {default: {content_weight: [0.5, 1, 2]},\n  other: {optimizer: [lbfgs, adam]}}"
    assert problems(text) == [
        "recipes.default.content_weight: lists 3 values to compare, as does recipes.other.optimizer (line 3): "
        "'stylewatch try' makes pictures with each, and 'stylewatch adopt' writes the settings of one picture here"
    ]
    [problem] = problems(text.replace("}}", "}, third: {seed: [1, 2]}}"))
    assert "compare, as do recipes.other.optimizer (line 3) and recipes.third.seed (line 3): 'stylewatch" in problem
    with pytest.raises(ConfigError, match=r"config\.yaml:2: recipes\.default\.content_weight: lists 1 value to"):
        load(STYLE + "recipes: {default: {content_weight: [0.5]}}")


def test_the_schema_for_editors_allows_lists_of_values() -> None:
    properties = json_schema()["$defs"]["RecipeSection"]["properties"]
    value, values = properties["content_weight"]["anyOf"]
    assert values["items"] == value
    assert properties["content_weight"]["default"] == 0.02
    assert "anyOf" not in properties["snapshot_every"]
    assert "anyOf" in json_schema()["$defs"]["StyleSection"]["properties"]["scale"]
    json.dumps(json_schema())


def test_starts_can_be_compared_although_only_one_needs_the_image(variants: LoadVariants, folder: Path) -> None:
    mix = "{content: 0.7, noise: 0.3}"
    found = variants(f"{STYLE}recipes: {{default: {{init: [content, image, {mix}], init_image: {PAINTINGS[0]}}}}}")
    image = folder / PAINTINGS[0]
    made = [(variant.recipe.init, variant.recipe.init_image) for variant in found.recipes["default"]]
    assert made == [("content", None), ("image", image), ((("content", 0.7), ("noise", 0.3)), None)]
    assert [variant.values for variant in found.recipes["default"]] == [
        {"init": "content"},
        {"init": "image"},
        {"init": mix},
    ]
    found = variants(f"{STYLE}recipes: {{default: {{init: image, init_image: [{', '.join(PAINTINGS)}]}}}}")
    assert [each.recipe.init_image for each in found.recipes["default"]] == [folder / name for name in PAINTINGS]
