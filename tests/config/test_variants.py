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


@pytest.fixture
def mistakes(variants: LoadVariants) -> Callable[[str], list[str]]:
    def mistakes_in(recipe: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            variants(f"{STYLE}recipes:\n  default:\n{recipe}")
        return [f"{problem.line} {problem.where}: {problem.message}" for problem in caught.value.problems]

    return mistakes_in


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


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        (
            "    content_weight:\n      - 0.5\n      - high\n      - -1\n",
            [
                "6 recipes.default.content_weight[1]: must be a number, found 'high'",
                "7 recipes.default.content_weight[2]: must be at least 0, found -1",
            ],
        ),
        (
            "    optimizer: [adma, sgd]\n",
            ["4 recipes.default.optimizer[0]: must be one of 'lbfgs', 'adam' or 'sgd', "],
        ),
        (
            "    content_layers:\n    - [relu4_2]\n    - [relu4_2, rel5_2]\n",
            ["6 recipes.default.content_layers[1][1]: must be a layer of VGG-19"],
        ),
        (
            "    content_weight: [0.5, 1, 0.50]\n",
            ["4 recipes.default.content_weight[2]: must differ from the other values, found 0.5 again"],
        ),
        (
            "    content_layers: [[relu4_2], {block4_conv2: 1}]\n",
            ["4 recipes.default.content_layers[1]: must differ from the other values, found a mapping"],
        ),
        (
            "    snapshot_every: [1, 2]\n",
            ["4 recipes.default.snapshot_every: must be a whole number, found the list"],
        ),
        ("    content_weight: []\n", ["4 recipes.default.content_weight: must be a number, found an empty list"]),
        (
            "    seed: [1, 2, x]\n    size: [3, 64]\n    tv_weight: many\n",
            [
                "4 recipes.default.seed[2]: must be a whole number, found 'x'",
                "5 recipes.default.size[0]: must be at least 16, found 3",
                "6 recipes.default.tv_weight: must be a number, found 'many'",
            ],
        ),
    ],
)
def test_each_value_is_told_with_its_own_line(
    mistakes: Callable[[str], list[str]], recipe: str, told: list[str]
) -> None:
    found = mistakes(recipe)
    assert len(found) == len(told)
    for one, beginning in zip(found, told, strict=True):
        assert one.startswith(beginning)


def test_a_combination_that_cant_be_is_named(mistakes: Callable[[str], list[str]]) -> None:
    assert mistakes("    size: [256, 512]\n    scales: [[128, 256], [256]]\n") == [
        "5 recipes.default.scales[0]: must grow and end in the recipe's size, like [128, 256, 512], found [128, 256] "
        "(in the combination size: 512, scales: [128, 256])",
        "5 recipes.default.scales[1]: must grow and end in the recipe's size, like [256, 512], found [256] "
        "(in the combination size: 512, scales: [256])",
    ]
    assert mistakes("    content_weight: [1, 0]\n    style_weight: [1, 0]\n") == [
        "5 recipes.default.style_weight[1]: must be above 0 when content_weight is 0 too, found 0 "
        "(in the combination content_weight: 0, style_weight: 0)"
    ]


def test_a_list_of_numbers_that_was_meant_as_values_is_told_how_these_are_written(
    mistakes: Callable[[str], list[str]],
) -> None:
    hint = "; values to compare are listed as lists: scales: [[...], [...]]"
    assert mistakes("    scales: [2]\n") == [f"4 recipes.default.scales[0]: must be at least 16, found 2{hint}"]


def test_more_combinations_than_anybody_can_look_at_are_refused(mistakes: Callable[[str], list[str]]) -> None:
    seeds = ", ".join(map(str, range(40)))
    assert mistakes(f"    seed: [{seeds}]\n    content_weight: [{seeds}]\n") == [
        "3 recipes.default: lists values that make 1,600 combinations, at most 1,000 can be tried"
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


def test_a_start_among_values_that_lacks_its_image_is_told(mistakes: Callable[[str], list[str]]) -> None:
    [found] = mistakes("    init: [content, image]\n")
    assert "init: image needs init_image: FILE" in found
    [found] = mistakes(f"    init: [content, noise]\n    init_image: {PAINTINGS[0]}\n")
    assert "default.init_image: is used by no picture: write init: image, or leave it out" in found
