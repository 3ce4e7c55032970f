"""Recipes in all the forms that a config can have them in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.config.recipes import written_fields
from pipeline.model import Recipe
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


def test_a_recipe_without_keys_has_the_models_defaults(load: Load) -> None:
    assert load(STYLE + "recipes: {plain: , empty: {}}").recipes_by_name() == {
        "default": Recipe(),
        "plain": Recipe(name="plain"),
        "empty": Recipe(name="empty"),
    }


def test_there_is_a_default_recipe_without_any_section(load: Load) -> None:
    assert load(STYLE + "recipes:\n").recipes_by_name() == {"default": Recipe()}


def test_recipes_keep_the_order_of_the_file(load: Load) -> None:
    assert list(load(STYLE + "recipes: {large: {size: 1024}, default: {size: 64}}").recipes_by_name()) == [
        "large",
        "default",
    ]


def test_every_key_of_a_recipe_arrives(load: Load) -> None:
    text = """
recipes:
  all:
    size: 256
    scales: [64, 256]
    iterations: [100, 1e2]
    tolerance: 1e-3
    content_layers: [block5_conv2, relu4_1]
    style_layers: {block1_conv1: 1, conv2_1: .5}
    content_weight: 1e4
    style_weight: 1e-2
    strength: .25
    keep_faces: .5
    tv_weight: 1
    loss: tensorflow
    optimizer: adam
    learning_rate: 2
    learning_rate_decay: 0.96
    adam_betas: [0, 0.999]
    init: blend
    pooling: average
    seed: 7
    snapshot_every: 10
    timelapse: true
    color: photo
    color_mix: 0.25
"""
    assert load(STYLE + text).recipes_by_name()["all"] == Recipe(
        name="all",
        size=256,
        scales=(64, 256),
        iterations=(100, 100),
        tolerance=0.001,
        content_layers=(("relu5_2", 1.0), ("relu4_1", 1.0)),
        style_layers=(("relu1_1", 1.0), ("conv2_1", 0.5)),
        content_weight=10000.0,
        style_weight=0.01,
        strength=0.25,
        keep_faces=0.5,
        tv_weight=1.0,
        loss="tensorflow",
        optimizer="adam",
        learning_rate=2.0,
        learning_rate_decay=0.96,
        adam_betas=(0.0, 0.999),
        init="blend",
        pooling="average",
        seed=7,
        snapshot_every=10,
        timelapse=True,
        color="photo",
        color_mix=0.25,
    )


@pytest.mark.parametrize(("optimizer", "rate"), [("lbfgs", 1.0), ("adam", 0.02), ("sgd", 0.002)])
def test_each_optimizer_has_a_learning_rate_that_works(load: Load, optimizer: str, rate: float) -> None:
    text = f"recipes: {{default: {{optimizer: {optimizer}}}, own: {{optimizer: {optimizer}, learning_rate: 1}}}}"
    recipes = load(STYLE + text).recipes_by_name()
    assert recipes["default"].learning_rate == rate
    assert recipes["own"].learning_rate == 1.0


@pytest.mark.parametrize(
    ("settings", "sizes", "iterations"),
    [
        ("size: 256, scales: 2", (128, 256), (150, 150)),
        ("size: 64, scales: 3, iterations: [3, 2, 1]", (16, 32, 64), (3, 2, 1)),
        ("size: 16, scales: 1", (16,), (150,)),
        ("size: 512, scales: [512], iterations: [9]", (512,), (9,)),
        ("iterations: [1, 2, 3]", (128, 256, 512), (1, 2, 3)),
    ],
)
def test_scales_and_iterations_fit_together(
    load: Load, settings: str, sizes: tuple[int, ...], iterations: tuple[int, ...]
) -> None:
    recipe = load(STYLE + f"recipes: {{default: {{{settings}}}}}").recipes_by_name()["default"]
    assert (recipe.sizes(), recipe.iterations_by_scale()) == (sizes, iterations)


@pytest.mark.parametrize(
    ("written", "losses"),
    [
        ("auto", "auto"),
        ("mean_std", (("mean_std", 1.0),)),
        ("[gram, wasserstein]", (("gram", 1.0), ("wasserstein", 1.0))),
        ("{gram: 1, sliced_wasserstein: 0.5}", (("gram", 1.0), ("sliced_wasserstein", 0.5))),
    ],
)
def test_a_style_loss_is_auto_or_one_or_several_with_weights(
    load: Load, written: str, losses: str | tuple[tuple[str, float], ...]
) -> None:
    recipe = load(STYLE + f"recipes: {{default: {{style_loss: {written}}}}}").recipes_by_name()["default"]
    assert recipe.style_loss == losses
    again = f"recipes: {{default: {json.dumps(written_fields(recipe))}}}"
    assert load(STYLE + again).recipes_by_name()["default"] == recipe


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("size: 64, scales: 4", "scales: must leave the smallest size at 16 or more, found 4 for size 64"),
        ("scales: 999999999", "scales: must leave the smallest size at 16 or more"),
        ("scales: [128, 256]", "scales: must grow and end in the recipe's size, like [128, 256, 512]"),
        ("scales: [8, 512]", "scales[0]: must be at least 16, found 8"),
        ("scales: [128, 128, 512]", "scales: must grow and end in the recipe's size, like [128, 512]"),
        ("scales: []", "scales: must have at least 1 entry, found an empty list"),
        ("iterations: [50, 50]", "iterations: must be one number, or one for each size [128, 256, 512]"),
        ("iterations: [50, 0, 50]", "iterations[1]: must be at least 1, found 0"),
        ("seed: 9223372036854775808", "seed: must be below 9,223,372,036,854,775,808, found 9223372036854775808"),
        ("style_layers: {relu1_1: 1, block1_conv1: 2}", "style_layers: must name each layer once"),
        ("content_layers: {relu9_1: 1}", "content_layers.relu9_1: must be a layer of VGG-19"),
        ("style_loss: [gram, mean_std, gram]", "style_loss: must name each loss once, found 'gram' again"),
        ("style_loss: {gram: 0}", "style_loss.gram: must be above 0, found 0"),
        ("style_loss: wassertein", "style_loss: must be one of 'auto', 'gram', 'mean_std', 'wasserstein' or"),
        ("style_layers: {}", "style_layers: must have at least 1 entry, found an empty mapping"),
        (
            "optimizer: adam, adam_betas: 0.9",
            "adam_betas: must be a list of two numbers, like [0.9, 0.99], found 0.9",
        ),
        (
            "optimizer: adam, adam_betas: [0.9]",
            "adam_betas: must be a list of two numbers, like [0.9, 0.99], found [0.9]",
        ),
        ("optimizer: adam, adam_betas: [0.9, 1]", "adam_betas[1]: must be below 1, found 1"),
        ("optimizer: adam, adam_betas: [-0.1, 0.9]", "adam_betas[0]: must be at least 0, found -0.1"),
        (
            "adam_betas: [0.9, 0.999]",
            "adam_betas: is for another optimizer: needs optimizer: adam, found [0.9, 0.999]",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(problems: Problems, settings: str, told: str) -> None:
    [found] = problems(STYLE + f"recipes: {{default: {{{settings}}}}}")
    assert found.startswith(f"recipes.default.{told}")


@pytest.mark.parametrize(
    ("settings", "told"),
    [("size: 3, scales: [2, 3], iterations: [1]", 3), ("scales: x, iterations: [1]", 1), ("style_weight: 0", 0)],
)
def test_a_consequence_of_another_problem_is_not_told(
    load: Load, problems: Problems, settings: str, told: int
) -> None:
    text = STYLE + f"recipes: {{default: {{{settings}}}}}"
    assert len(problems(text) if told else [load(text)][1:]) == told


def test_a_color_mix_needs_colors_to_mix(load: Load, problems: Problems) -> None:
    assert load(STYLE + "recipes: {default: {color_mix: 1}}").recipes_by_name()["default"] == Recipe()
    [told] = problems(STYLE + "recipes: {default: {color_mix: 0.5}}")
    assert told == (
        "recipes.default.color_mix: mixes the painting's colors with the photo's: needs color: photo or match, "
        "found 0.5"
    )


START = "init_image: paintings/great_wave.jpg"


@pytest.mark.parametrize(
    ("settings", "init"),
    [
        ("init: painting", "painting"),
        (f"init: image, {START}", "image"),
        ("init: {noise: 0.3, content: 0.7}", (("content", 0.7), ("noise", 0.3))),
        ("init: {noise: 2}", "noise"),
        ("init: {gray: 1, noise: 0.01}", (("noise", 0.01), ("gray", 1.0))),
        (f"init: {{image: 1, painting: 2}}, {START}", (("painting", 2.0), ("image", 1.0))),
    ],
)
def test_a_picture_may_start_from_several_things(load: Load, folder: Path, settings: str, init: object) -> None:
    recipe = load(f"{STYLE}recipes: {{default: {{{settings}}}}}").recipes_by_name()["default"]
    assert recipe.init == init
    assert recipe.init_image == (folder / "paintings/great_wave.jpg" if "init_image" in settings else None)
    assert recipe.init_image_sha256 == ""


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("init: image", ": init: image needs init_image: FILE, the image that pictures start from"),
        ("init: {image: 1, noise: 1}", ": init: image needs init_image: FILE"),
        (START, ".init_image: is used by no picture: write init: image, or leave it out"),
        ("init: image, init_image: nowhere.jpg", ".init_image: must be an image file; "),
        (
            "init: {image: 1, nois: 1}",
            ".init.nois: must be one of 'content', 'noise', 'gray', 'painting' or 'image', found",
        ),
        ("init: {noise: 0, content: 1}", ".init.noise: must be above 0, found 0"),
        ("init: {}", ".init: must have at least 1 entry, found an empty mapping"),
        ("init: paintin", "found 'paintin'; did you mean 'painting'?"),
    ],
)
def test_what_no_picture_can_start_from_is_told(problems: Problems, settings: str, told: str) -> None:
    [found] = problems(f"{STYLE}recipes: {{default: {{{settings}}}}}")
    assert found.startswith("recipes.default")
    assert told in found


def test_what_init_means_is_written_as_it_was() -> None:
    recipe = Recipe(init=(("content", 0.7), ("image", 0.3)), init_image=Path("a/b.jpg"), init_image_sha256="c")
    assert written_fields(recipe) == {"init": {"content": 0.7, "image": 0.3}, "init_image": "a/b.jpg"}
    assert written_fields(Recipe(init="noise")) == {"init": "noise"}
