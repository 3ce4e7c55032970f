from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import ConfigWithVariants, load_variants
from pipeline.config.qualities import QUALITIES
from pipeline.errors import ConfigError, UsageError
from pipeline.model import Recipe

TEXT = """
styles:
  - {name: night, painting: paintings/starry_night.jpg, scale: 2}
  - {name: wave, painting: paintings/great_wave.jpg}
recipes:
  fine: {size: 64, content_weight: 3}
"""


def loaded(folder: Path, *options: str, text: str = TEXT) -> ConfigWithVariants:
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return load_variants(folder / "config.yaml", options)


def test_a_setting_goes_into_every_recipe_the_default_one_among_them(folder: Path) -> None:
    recipes = loaded(folder, "content_weight=0.5", "optimizer=adam").config.recipes_by_name()
    assert {name: (recipe.content_weight, recipe.optimizer) for name, recipe in recipes.items()} == {
        "default": (0.5, "adam"),
        "fine": (0.5, "adam"),
    }
    assert recipes["fine"].size == 64


def test_another_start_needs_no_image_any_more(folder: Path) -> None:
    text = TEXT.replace("content_weight: 3", "init: image, init_image: paintings/starry_night.jpg")
    assert loaded(folder, "init=noise", text=text).config.recipes_by_name()["fine"].init_image is None
    both = loaded(folder, "init={image: 1, content: 1}", "init_image=paintings/great_wave.jpg", text=text)
    assert both.config.recipes_by_name()["fine"].init_image == folder / "paintings/great_wave.jpg"


def test_the_paintings_colors_are_mixed_with_no_others(folder: Path) -> None:
    text = TEXT.replace("content_weight: 3", "color: photo, color_mix: 0.5")
    found = loaded(folder, "color=painting", text=text).config.recipes_by_name()["fine"]
    assert (found.color, found.color_mix) == ("painting", 1)
    found = loaded(folder, "color=match", text=text).config.recipes_by_name()["fine"]
    assert (found.color, found.color_mix) == ("match", 0.5)
    compared = loaded(folder, "color=[painting, photo]", text=text).recipes["fine"]
    assert [(each.recipe.color, each.recipe.color_mix) for each in compared] == [("painting", 1), ("photo", 0.5)]
    with pytest.raises(UsageError, match="needs color: photo or match, found"):
        loaded(folder, "color_mix=0.5")


def test_another_optimizer_needs_no_betas_any_more(folder: Path) -> None:
    text = TEXT.replace("content_weight: 3", "optimizer: adam, adam_betas: [0.5, 0.9]")
    found = loaded(folder, "optimizer=sgd", text=text).config.recipes_by_name()["fine"]
    assert (found.optimizer, found.adam_betas) == ("sgd", Recipe().adam_betas)
    compared = loaded(folder, "optimizer=[lbfgs, adam]", text=text).recipes["fine"]
    assert [each.recipe.adam_betas for each in compared] == [Recipe().adam_betas, (0.5, 0.9)]
    options = "optimizer=adam", "adam_betas=[[0.5, 0.9], [0.6, 0.9]]"
    compared = loaded(folder, *options, text=text).recipes["fine"]
    assert [each.recipe.adam_betas for each in compared] == [(0.5, 0.9), (0.6, 0.9)]


def test_the_scale_goes_into_every_style(folder: Path) -> None:
    assert [style.scale for style in loaded(folder, "scale=0.5").config.styles] == [0.5, 0.5]


def test_regions_have_the_scales_of_their_styles(folder: Path) -> None:
    split = "  - {name: split, regions: {white: night, black: wave}}\nmasks: {folder: masks}\nrecipes:"
    config = loaded(folder, "scale=0.5", text=TEXT.replace("recipes:", split, 1)).config
    assert [style.scale for style in config.styles] == [0.5, 0.5, 1]
    found = loaded(folder, "scale=[0.5, 1]", text=TEXT.replace("recipes:", split, 1))
    assert [style.scales for style in found.styles["split"]] == [{"night": 0.5, "wave": 0.5}, {"night": 1, "wave": 1}]


def test_lists_give_variants_and_replace_those_of_the_file(folder: Path) -> None:
    text = TEXT.replace("content_weight: 3", "content_weight: [3, 4, 5]")
    found = loaded(folder, "content_weight=[1, 2]", "scale=[1, 2]", text=text)
    assert [variant.recipe.content_weight for variant in found.recipes["fine"]] == [1, 2]
    assert [style.scales for style in found.styles["wave"]] == [{"wave": 1}, {"wave": 2}]
    assert loaded(folder, "content_weight=7", text=text).axes == ()


def test_a_quality_comes_with_its_numbers_whatever_the_recipes_say_of_them(folder: Path) -> None:
    text = TEXT.replace("content_weight: 3", "tolerance: [0.1, 0.2]")
    draft = QUALITIES["draft"]
    for options in (["quality=draft", "iterations=7"], ["iterations=7", "quality=draft"]):
        recipe = loaded(folder, *options, text=text).config.recipes_by_name()["fine"]
        assert (recipe.size, recipe.tolerance, recipe.iterations) == (draft.size, draft.tolerance, 7)
    found = loaded(folder, "quality=[draft, print]", text=text).recipes["fine"]
    assert [variant.recipe.size for variant in found] == [draft.size, QUALITIES["print"].size]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (
            "content_wieght=1",
            "'content_wieght' is no setting of a recipe, nor a style's scale; did you mean 'content_",
        ),
        ("x=1", "'x' is no setting of a recipe, nor a style's scale; there are quality, size, max_size, scales, "),
        ("content_weight", "must be NAME=VALUE, strength=0.3 for instance"),
        ("content_weight= ", "must be NAME=VALUE"),
        ("content_weight=high", "must be a number, found 'high'"),
        ("content_weight=0,5", "must be a number, found '0,5'; use a point: 0.5"),
        ("content_weight=[1, x]", "must be a number, found 'x'"),
        ("content_weight=[1, 1]", "must differ from the other values, found 1 again"),
        ("content_layers=[relu4_2", "opens a list with '[' that lacks a comma or its ']'"),
        ("content_layers=[rel4_2]", "must be a layer of VGG-19"),
        ("init=image", "init: image needs init_image: FILE"),
        ("scale=0", "must be above 0, found 0"),
        ("seed=!!python/name:os.system x", "can't be read as"),
        ("seed=1\nsize: 64", "must be one value"),
    ],
)
def test_what_is_wrong_with_an_option_names_the_option(folder: Path, option: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(folder, option)
    assert str(caught.value).startswith(f"--set {option}: {told}")


def test_a_setting_of_the_file_that_does_not_fit_is_named_with_its_line(folder: Path) -> None:
    text = TEXT.replace("content_weight: 3", "scales: [32, 64]")
    with pytest.raises(ConfigError, match=r"config\.yaml:6: recipes\.fine\.scales: must grow and end in"):
        loaded(folder, "size=128", text=text)


@pytest.mark.parametrize("text", ["recipes: 5\nstyles: 7", "styles: [x]\nrecipes: {default: 3}", "input: {}"])
def test_a_file_that_is_no_config_is_told_as_ever(folder: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        loaded(folder, "scale=2", text=text)
