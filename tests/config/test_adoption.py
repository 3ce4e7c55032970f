"""A picture's settings in a config: what is written, and that the rest means what it meant."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.adoption import AdoptedSettings, Adoption, adopt_settings
from pipeline.config.qualities import QUALITIES
from pipeline.config.yaml_source import parse_document
from pipeline.errors import ConfigError, UsageError
from pipeline.model import Recipe, SizeRule
from pipeline.model.size_rules import typical_size
from tests.golden.subjects import CASES, recipe_in

ROOT = Path(__file__).parents[2]
TEXT = """\
styles:
  - {name: night, painting: night.jpg}   # the one
  - {name: wave, painting: night.jpg, scale: 2, recipes: [default, mild]}
recipes:
  default:
    size: 512     # as by default
    content_weight: 0.1
  mild: {optimizer: adam, snapshot_every: 5}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "night.jpg").write_bytes(b"")
    return tmp_path / "stylewatch.yaml"


def wanted(recipe: Recipe, **others: Any) -> AdoptedSettings:
    return AdoptedSettings(**{"recipe": recipe, "style": "night", "scale": 1.0, "replaces": recipe.name} | others)


def as_meant(recipe: Recipe) -> Recipe:
    """Return the recipe without what changes no pixel, and with its sizes and evaluations listed."""
    listed = {"scales": recipe.sizes(), "iterations": recipe.iterations_by_scale()}
    return dataclasses.replace(recipe, snapshot_every=0, **listed)


def adopted(path: Path, text: str, settings: AdoptedSettings) -> Adoption:
    found = adopt_settings(text, path, settings)
    config = found.config.config
    recipe = config.recipes_by_name()[settings.recipe.name]
    assert as_meant(recipe) == as_meant(settings.recipe)
    style = next(style for style in config.styles if style.name == settings.style)
    assert (style.scale, settings.recipe.name in style.recipes) == (settings.scale, True)
    return found


def test_only_what_differs_is_written(path: Path) -> None:
    found = adopted(path, TEXT, wanted(Recipe(content_weight=0.05, tolerance=0.02), scale=0.5))
    assert found.text == TEXT.replace("0.1\n", "0.05\n    tolerance: 0.02\n").replace(
        "night.jpg}   #", "night.jpg, scale: 0.5}   #"
    )
    assert found.changes == [
        "recipes.default.tolerance: not set -> 0.02",
        "recipes.default.content_weight: 0.1 -> 0.05",
        "styles.night.scale: not set -> 0.5",
    ]


def test_what_is_to_be_at_its_default_is_taken_out_unless_it_says_so(path: Path) -> None:
    found = adopted(path, TEXT, wanted(Recipe()))
    assert found.text == TEXT.replace("    content_weight: 0.1\n", "")
    assert found.changes == ["recipes.default.content_weight: 0.1 -> not set"]
    found = adopted(path, TEXT, wanted(Recipe(content_weight=0.1), style="wave"))
    assert found.text == TEXT.replace(", scale: 2", "")


DRAFT = Recipe(**dataclasses.asdict(QUALITIES["draft"]))
RULE = SizeRule.parse("12 MP")
BY_RULE: dict[str, Any] = {"size_rule": RULE, "size": typical_size(RULE, 0)}


@pytest.mark.parametrize(
    ("before", "recipe", "after"),
    [
        ("quality: draft", DRAFT, "quality: draft"),
        ("quality: draft", dataclasses.replace(DRAFT, size=512), "quality: draft, size: 512"),
        ("quality: draft, size: 512", DRAFT, "quality: draft"),
        ("quality: [fine, draft], seed: 3", dataclasses.replace(DRAFT, seed=3), "quality: draft, seed: 3"),
        ("quality: fine, size: 800", Recipe(), "quality: balanced"),
        ("size: 512, seed: 3", dataclasses.replace(DRAFT, seed=3), "seed: 3, quality: draft"),
        ("quality: draft", dataclasses.replace(DRAFT, **BY_RULE), "quality: draft, size: '12 MP'"),
        ("quality: draft, size: 12mp", dataclasses.replace(DRAFT, **BY_RULE), "quality: draft, size: 12mp"),
        ("size: 12mp, seed: 3", dataclasses.replace(Recipe(), seed=3), "seed: 3"),
    ],
)
def test_a_recipe_keeps_its_quality_or_gets_the_one_that_fits(
    path: Path, before: str, recipe: Recipe, after: str
) -> None:
    text = "styles: [{name: night, painting: night.jpg}]\nrecipes:\n  default: {SETTINGS}\n"
    found = adopted(path, text.replace("SETTINGS", before), wanted(recipe))
    assert found.text == text.replace("SETTINGS", after)


def test_a_setting_that_is_to_be_at_its_default_stays_with_its_comment(path: Path) -> None:
    text = TEXT.replace("content_weight: 0.1\n", "content_weight: [0.1, 1]   # how much of the photo\n")
    found = adopted(path, text, wanted(Recipe()))
    assert found.text == text.replace("[0.1, 1]", "0.02")
    assert found.changes == ["recipes.default.content_weight: [0.1, 1] -> 0.02"]


def test_a_setting_that_is_the_only_one_is_written_at_its_default(path: Path) -> None:
    text = "styles: [{name: night, painting: night.jpg}]\nrecipes:\n  default: {size: 640}\n"
    assert adopted(path, text, wanted(Recipe())).text == text.replace("640", "512")


def test_without_a_difference_nothing_changes(path: Path) -> None:
    recipe = Recipe(content_weight=0.1, scales=(128, 256, 512), iterations=(150, 150, 150))
    found = adopt_settings(TEXT, path, wanted(recipe))
    assert (found.text, found.changes) == (TEXT, [])


@pytest.mark.parametrize("settings", ["style_loss: wasserstein", "loss: gatys, style_loss: {gram: 1}"])
def test_a_style_loss_that_is_what_auto_means_stays_as_it_is_written(path: Path, settings: str) -> None:
    text = f"styles: [{{name: night, painting: night.jpg}}]\nrecipes:\n  default: {{{settings}}}\n"
    found = adopt_settings(text, path, wanted(Recipe(loss="gatys" if "gatys" in settings else "relative")))
    assert (found.text, found.changes) == (text, [])


def test_a_style_loss_is_written_where_auto_comes_to_mean_another_one(path: Path) -> None:
    text = "styles: [{name: night, painting: night.jpg}]\nrecipes:\n  default: {size: 256, loss: gatys}\n"
    recipe = Recipe(size=256, style_loss=(("gram", 1.0),))
    assert adopted(path, text, wanted(recipe)).text == text.replace("loss: gatys", "style_loss: gram")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
@pytest.mark.parametrize("text", [TEXT, "styles: [{name: night, painting: night.jpg}]\n", TEXT.replace("\n", "\r\n")])
def test_whatever_a_picture_was_made_with_is_adopted(path: Path, case: Any, text: str) -> None:
    recipe = dataclasses.replace(recipe_in(case), name="default", snapshot_every=0)
    adopted(path, text, wanted(recipe, scale=case["style"]["scale"]))
    adopted(path, text, wanted(dataclasses.replace(recipe, name="chosen"), replaces="default", is_new=True))


@pytest.mark.parametrize("name", ["reference.yaml", "article.yaml", "watch.yaml", "archive.yaml"])
def test_the_configs_of_the_project_change_in_these_lines_only(name: str) -> None:
    path = ROOT / "configs" / name
    text = path.read_text(encoding="utf-8")
    data = parse_document(text, path).data
    style = data["styles"][0]
    recipe = Recipe(name="chosen", size=640, style_layers=(("relu1_1", 1.0), ("relu5_1", 0.5)))
    settings = wanted(recipe, style=style["name"], scale=0.7, replaces=style.get("recipe", "default"), is_new=True)
    old, new = text.splitlines(), adopt_settings(text, path, settings).text.splitlines()
    assert len([line for line in old if line not in new]) <= 2
    assert len([line for line in new if line not in old]) <= 6


def test_a_new_recipe_is_used_by_the_style_only(path: Path) -> None:
    recipe = Recipe(name="soft", content_weight=0.05)
    found = adopted(path, TEXT, wanted(recipe, replaces="default", is_new=True))
    assert found.text == TEXT.replace(
        "snapshot_every: 5}\n", "snapshot_every: 5}\n  soft: {content_weight: 0.05}\n"
    ).replace("night.jpg}   #", "night.jpg, recipe: soft}   #")
    found = adopted(path, TEXT, wanted(recipe, style="wave", replaces="mild", scale=2.0, is_new=True))
    assert "  soft: {content_weight: 0.05, snapshot_every: 5}\n" in found.text, "what changes no pixel is taken along"
    assert "recipes: [default, soft]" in found.text


def test_a_new_name_has_to_be_new_and_a_style_of_several_recipes_has_to_have_the_picture_s(path: Path) -> None:
    with pytest.raises(UsageError, match="there is a recipe 'mild' already: choose another name"):
        adopt_settings(TEXT, path, wanted(Recipe(name="mild"), is_new=True))
    with pytest.raises(UsageError, match="style 'wave' has the recipes default, mild and not 'gone'"):
        adopt_settings(TEXT, path, wanted(Recipe(name="soft"), style="wave", replaces="gone", is_new=True))
    with pytest.raises(ConfigError, match="becomes part of file names"):
        adopt_settings(TEXT, path, wanted(Recipe(name="a/b"), replaces="default", is_new=True))


def test_the_recipe_of_a_picture_that_the_config_has_no_more_comes_back(path: Path) -> None:
    found = adopted(path, TEXT, wanted(Recipe(name="gone", size=640)))
    assert found.changes == ["recipes.gone: not set -> {size: 640}", "styles.night.recipe: not set -> gone"]


def test_a_learning_rate_is_written_only_if_the_optimizer_has_another_one(path: Path) -> None:
    adam = Recipe(name="mild", optimizer="adam", learning_rate=0.02)
    settings = wanted(adam, style="wave", scale=2.0)
    assert adopted(path, TEXT, settings).changes == []
    lbfgs = dataclasses.replace(adam, optimizer="lbfgs", learning_rate=1.0)
    found = adopted(path, TEXT, dataclasses.replace(settings, recipe=lbfgs))
    assert found.text == TEXT.replace("optimizer: adam, ", "")
    found = adopted(path, TEXT, dataclasses.replace(settings, recipe=dataclasses.replace(lbfgs, learning_rate=0.02)))
    assert "mild: {snapshot_every: 5, learning_rate: 0.02}" in found.text


def test_of_values_to_compare_the_picture_s_stays(path: Path) -> None:
    text = TEXT.replace("size: 512 ", "size: [256, 512] ").replace("weight: 0.1", "weight: [0.1, 0.2]")
    text = text.replace("night.jpg}", "night.jpg, scale: [0.5, 1]}")
    text = text.replace("    content_weight", "    content_layers: [[relu4_2], [relu5_2]]\n    content_weight")
    recipe = Recipe(size=256, content_weight=0.2, content_layers=(("relu5_2", 1.0),))
    found = adopted(path, text, wanted(recipe, scale=0.5))
    expected = TEXT.replace("size: 512 ", "size: 256 ").replace("weight: 0.1", "weight: 0.2")
    expected = expected.replace("night.jpg}", "night.jpg, scale: 0.5}")
    assert found.text == expected.replace("    content_weight", "    content_layers: [relu5_2]\n    content_weight")
    assert found.config.axes == ()


def test_values_to_compare_elsewhere_stay(path: Path) -> None:
    text = TEXT.replace("scale: 2", "scale: [1, 2]")
    found = adopted(path, text, wanted(Recipe(size=640)))
    assert [axis.location for axis in found.config.axes] == [("styles", 1, "scale")]


def test_a_config_that_repeats_the_recipe_is_refused_with_what_to_write(path: Path) -> None:
    """By an anchor, another recipe would change as well."""
    text = TEXT.replace("  default:", "  default: &d").replace("{optimizer: adam, snapshot_every: 5}", "*d")
    with pytest.raises(UsageError) as refused:
        adopt_settings(text, path, wanted(Recipe(content_weight=0.05)))
    assert "can't be changed without changing more of it" in str(refused.value)
    assert str(refused.value).endswith(
        "recipes:\n  default: {content_weight: 0.05}\nstyles:\n  - {name: night, scale: 1, ...}"
    )


def test_anchors_elsewhere_stay(path: Path) -> None:
    text = TEXT.replace("painting: night.jpg}", "painting: &p night.jpg}").replace(
        "painting: night.jpg,", "painting: *p,"
    )
    assert adopted(path, text, wanted(Recipe(size=640))).text.count("*p") == 1


def test_a_config_with_a_mistake_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match="sise"):
        adopt_settings(TEXT.replace("size:", "sise:"), path, wanted(Recipe()))


def test_an_anchor_that_would_be_lost_is_refused_too(path: Path) -> None:
    text = TEXT.replace("content_weight: 0.1", "content_weight: &w 0.1\n    tv_weight: *w")
    with pytest.raises(UsageError, match="it is written in a way that this program can't change"):
        adopt_settings(text, path, wanted(Recipe(content_weight=0.05, tv_weight=0.1)))


IMPORTING = """\
styles: [{name: night, painting: night.jpg, recipe: fine}]
recipes:
  import: more.yaml   # as they came
"""


@pytest.fixture
def imported(path: Path) -> Path:
    file = path.with_name("more.yaml")
    file.write_text("fine: {size: 64, optimizer: adam, learning_rate: 0.5, tv_weight: 3, snapshot_every: 5}\n")
    return file


def test_of_an_imported_recipe_only_what_differs_is_written_into_the_config(path: Path, imported: Path) -> None:
    before = imported.read_text()
    target = Recipe(name="fine", size=64, optimizer="adam", learning_rate=0.02, content_weight=7)
    found = adopted(path, IMPORTING, wanted(target))
    # The file's tv_weight and learning_rate are not the defaults, which are therefore written.
    assert parse_document(found.text, path).data["recipes"] == {
        "import": "more.yaml",
        "fine": {"content_weight": 7, "learning_rate": 0.02, "tv_weight": 0},
    }
    assert "# as they came" in found.text
    assert imported.read_text() == before


def test_an_imported_recipe_that_fits_stays_as_it_is(path: Path, imported: Path) -> None:
    target = Recipe(name="fine", size=64, optimizer="adam", learning_rate=0.5, tv_weight=3)
    found = adopted(path, IMPORTING, wanted(target))
    assert (found.text, found.changes) == (IMPORTING, [])


def test_what_an_imported_recipe_sets_for_another_optimizer_is_not_written(path: Path, imported: Path) -> None:
    imported.write_text("fine: {size: 64, optimizer: adam, adam_betas: [0.5, 0.9]}\n")
    text = IMPORTING + "  fine: {optimizer: lbfgs}\n"
    found = adopted(path, text, wanted(Recipe(name="fine", size=64)))
    assert (found.text, found.changes) == (text, [])
    found = adopted(path, IMPORTING, wanted(Recipe(name="fine", size=64)))
    assert parse_document(found.text, path).data["recipes"]["fine"]["optimizer"] == "lbfgs"


def test_a_setting_that_comes_to_be_as_in_the_imported_file_is_taken_out(path: Path, imported: Path) -> None:
    text = IMPORTING + "  fine: {tv_weight: 9, seed: 4, content_weight: 7}\n"
    target = Recipe(name="fine", size=64, optimizer="adam", learning_rate=0.5, tv_weight=3, content_weight=7, seed=4)
    found = adopted(path, text, wanted(target))
    assert found.text == text.replace("tv_weight: 9, ", "")
    assert found.changes == ["recipes.fine.tv_weight: 9 -> not set"]


def test_a_new_recipe_is_whole_and_not_called_like_an_imported_one(path: Path, imported: Path) -> None:
    found = adopted(path, IMPORTING, wanted(Recipe(name="mine", size=80), replaces="fine", is_new=True))
    data = parse_document(found.text, path).data["recipes"]
    assert data == {"import": "more.yaml", "mine": {"size": 80, "snapshot_every": 5}}
    with pytest.raises(UsageError, match="there is a recipe 'fine' already"):
        adopt_settings(IMPORTING, path, wanted(Recipe(name="fine"), is_new=True))


def test_a_start_is_written_with_its_image_as_the_config_names_it(path: Path) -> None:
    (path.parent / "start.jpg").write_bytes(b"")
    mixed = Recipe(init=(("content", 0.5), ("image", 0.5)), init_image=path.parent / "start.jpg", content_weight=0.1)
    found = adopted(path, TEXT, wanted(mixed))
    lines = "    init: {content: 0.5, image: 0.5}\n    init_image: start.jpg\n"
    assert found.text == TEXT.replace("weight: 0.1\n", f"weight: 0.1\n{lines}")
    assert adopt_settings(found.text, path, wanted(mixed)).changes == []
    other = found.text.replace("{content: 0.5, image: 0.5}", "{image: 0.50, content: 0.5}").replace(
        "start", "./start"
    )
    assert adopt_settings(other, path, wanted(mixed)).changes == []
    back = adopted(path, found.text, wanted(Recipe(content_weight=0.1)))
    assert back.text == TEXT
    soft = dataclasses.replace(mixed, name="soft", init="content", init_image=None)
    new = adopted(path, found.text, wanted(soft, replaces="default", is_new=True))
    assert new.config.config.recipes_by_name()["default"].init_image is not None
