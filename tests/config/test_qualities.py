"""A quality sets size, scales, evaluations and tolerance together, and what a recipe sets itself goes before."""

from __future__ import annotations

from dataclasses import astuple, replace
from pathlib import Path

import pytest

from pipeline.config import load_variants
from pipeline.config.adoption import AdoptedSettings, adopt_settings
from pipeline.config.qualities import QUALITIES, SETTINGS, Quality, QualityName, closest_quality
from pipeline.config.settings import shown_config
from pipeline.hashing import settings_sha256
from pipeline.model import Painting, Recipe, Style
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"
NIGHT = Style("night", (Painting(Path("night.jpg"), "a" * 64),))


def recipe_of(load: Load, settings: str) -> Recipe:
    return load(STYLE + f"recipes: {{default: {{{settings}}}}}").recipes_by_name()["default"]


def test_balanced_is_what_a_recipe_without_a_quality_has() -> None:
    assert QUALITIES["balanced"] == Quality()
    assert {setting: getattr(Quality(), setting) for setting in SETTINGS} == {
        setting: getattr(Recipe(), setting) for setting in SETTINGS
    }


def test_the_numbers_of_a_quality_never_change() -> None:
    # They are part of keys: with other ones, finished pictures would be made again because the program grew.
    assert {name: astuple(quality) for name, quality in QUALITIES.items()} == {
        "draft": (256, 0, 60, 0.08),
        "balanced": (512, 0, 150, 0.04),
        "fine": (1024, 0, 200, 0.02),
        "print": (2048, 0, 150, 0.04),
    }


def test_naming_the_balanced_quality_changes_no_key(load: Load) -> None:
    named, plain = recipe_of(load, "quality: balanced"), Recipe()
    assert settings_sha256(NIGHT, named, "w") == settings_sha256(NIGHT, plain, "w")


@pytest.mark.parametrize("name", QUALITIES)
def test_a_quality_sets_these_settings_and_no_others(load: Load, name: QualityName) -> None:
    quality = QUALITIES[name]
    expected = replace(Recipe(), **{setting: getattr(quality, setting) for setting in SETTINGS})
    assert recipe_of(load, f"quality: {name}") == expected


def test_qualities_are_larger_one_after_the_other() -> None:
    sizes = [quality.size for quality in QUALITIES.values()]
    assert sizes == sorted(set(sizes))


def test_what_the_recipe_sets_itself_goes_before(load: Load) -> None:
    fine = QUALITIES["fine"]
    found = recipe_of(load, "quality: fine, size: 800, iterations: 40, strength: 0.3")
    assert (found.size, found.iterations, found.strength) == (800, 40, 0.3)
    assert (found.scales, found.tolerance) == (fine.scales, fine.tolerance)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("quality: best", "quality: must be one of 'draft', 'balanced', 'fine' or 'print', found 'best'"),
        ("quality: drafft", "did you mean 'draft'?"),
        ("quality: 3", "quality: must be one of 'draft', 'balanced', 'fine' or 'print', found 3"),
        ("quality: draft, iterations: [9, 9, 9]", "must be one number, or one for each size [128, 256], found [9, 9"),
        (
            "quality: draft, scales: [256, 512]",
            "must grow and end in the recipe's size, like [256], found [256, 512]",
        ),
        ("quality: fine, size: 12", "size: must be at least 16, found 12"),
    ],
)
def test_settings_have_to_fit_the_quality(problems: Problems, settings: str, told: str) -> None:
    (found,) = problems(STYLE + f"recipes: {{default: {{{settings}}}}}")
    assert told in found


def test_the_config_is_shown_as_it_is_written(load: Load) -> None:
    shown = shown_config(load(STYLE + "recipes: {default: {quality: draft, size: 200}}"))
    assert shown.partition("recipes:\n")[2] == "  default:\n    quality: draft\n    size: 200\n"


def test_qualities_can_be_compared(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(STYLE + "recipes: {default: {quality: [draft, fine], size: [200, 300]}}", encoding="utf-8")
    (tmp_path / "paintings").mkdir()
    (tmp_path / "paintings" / "starry_night.jpg").touch()
    found = load_variants(config).recipes["default"]
    assert [(each.values["quality"], each.recipe.size, each.recipe.tolerance) for each in found] == [
        (name, size, QUALITIES[name].tolerance) for name in ("draft", "fine") for size in (200, 300)
    ]


def test_a_quality_beside_an_imported_recipe_replaces_its_numbers(load: Load, folder: Path) -> None:
    (folder / "other.yaml").write_text(
        "theirs: {size: 300, scales: 1, iterations: 900, tolerance: 0, seed: 5}", encoding="utf-8"
    )
    text = STYLE + "recipes: {import: other.yaml, theirs: {quality: draft, iterations: 20}}"
    found, draft = load(text).recipes_by_name()["theirs"], QUALITIES["draft"]
    assert (found.size, found.scales, found.iterations, found.tolerance, found.seed) == (
        draft.size,
        draft.scales,
        20,
        draft.tolerance,
        5,
    )
    adoption = adopt_settings(text, folder / "config.yaml", AdoptedSettings(found, "night", 1.0, "theirs"))
    assert adoption.changes == ["styles.night.recipe: not set -> theirs"]


def test_qualities_that_come_to_the_same_are_refused(problems: Problems) -> None:
    text = "quality: [draft, fine], size: 200, scales: 1, iterations: 9, tolerance: 0"
    assert "must differ from the other values, found 'fine' again" in "".join(
        problems(STYLE + f"recipes: {{default: {{{text}}}}}")
    )


DRAFT = replace(Recipe(), **{setting: getattr(QUALITIES["draft"], setting) for setting in SETTINGS})


@pytest.mark.parametrize(
    ("written", "recipe", "quality"),
    [
        ({}, Recipe(), "balanced"),
        ({}, DRAFT, "draft"),
        ({"quality": ["fine", "draft"]}, DRAFT, "draft"),
        ({"quality": ["fine", "draft"]}, Recipe(size=100), "fine"),
        ({"quality": "fine"}, Recipe(), "balanced"),
        ({"quality": "fine"}, Recipe(size=100), "fine"),
        ({"quality": "print", **dict.fromkeys(SETTINGS, 1)}, DRAFT, "print"),
        ({"quality": "draft", "size": 100}, replace(DRAFT, size=300, scales=(128, 300)), "draft"),
    ],
)
def test_of_a_changed_recipe_the_quality_with_the_least_change_is_known(
    written: dict[str, object], recipe: Recipe, quality: QualityName
) -> None:
    assert closest_quality(written, recipe) == quality
