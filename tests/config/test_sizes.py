"""A recipe's size in words: what it becomes, what has to fit it, and what is said of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import load_variants
from pipeline.config.loading import refusal_of_values
from pipeline.config.recipes import written_fields
from pipeline.model import Recipe, SizeRule
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


def recipe_of(load: Load, settings: str) -> Recipe:
    return load(f"{STYLE}recipes: {{default: {{{settings}}}}}").recipes_by_name()["default"]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("12 MP", "12 MP"),
        ("Original", "original"),
        ("A4@300dpi", "a4 @ 300 dpi"),
        ("'30 × 40 cm @ 300 dpi'", "30x40 cm @ 300 dpi"),
    ],
)
def test_words_become_a_rule(load: Load, written: str, words: str) -> None:
    recipe = recipe_of(load, f"size: {written}")
    assert recipe.size_rule == SizeRule.parse(words)
    assert recipe.size == recipe.for_typical_photo().size
    assert written_fields(recipe) == {"size": words}


def test_a_number_stays_a_plain_size(load: Load) -> None:
    assert recipe_of(load, "size: 2048") == Recipe(size=2048)
    assert recipe_of(load, "size: 2048, max_size: 3000") == Recipe(size=2048)
    assert recipe_of(load, "size: 2048, max_size: 1000") == Recipe(size=1000)
    assert recipe_of(load, "size: 2048, max_size: 1000, scales: [500, 1000]").sizes() == (500, 1000)


def test_a_quality_is_replaced_by_words_as_by_a_number(load: Load) -> None:
    recipe = recipe_of(load, "quality: draft, size: original, max_size: 900")
    assert (str(recipe.size_rule), recipe.size, recipe.max_size, recipe.iterations) == ("original", 900, 900, 60)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("size: 12 MPx", "found '12 MPx'; did you mean '12 MP'?"),
        ("size: '1,5 MP'", "found '1,5 MP'; did you mean '1.5 MP'?"),
        ("size: 12 megapixels", "; did you mean '12 MP'?"),
        ("size: orginal", "; did you mean 'original'?"),
        ("size: 2048 px", "; did you mean 2048?"),
        ("size: a4", "; did you mean 'a4 @ 300 dpi'?"),
        ("size: A5 at 200", "; did you mean 'a5 @ 200 dpi'?"),
        ("size: 30x40", "; did you mean '30x40 cm @ 300 dpi'?"),
        ("size: 8x10 inches @ 240 ppi", "; did you mean '8x10 in @ 240 dpi'?"),
        ("size: a9 @ 300 dpi", "found 'a9 @ 300 dpi'"),
        ("size: 9000x9000 cm", "found '9000x9000 cm'"),
        ("size: a0 @ 3000 dpi", "this is 99,331 × 140,433 pixels, found 'a0 @ 3000 dpi'"),
        ("size: '2048'", "must be a whole number, found '2048'; write it without quotes"),
        ("size: 15", "must be at least 16, found 15"),
        ("size: true", "must be a whole number, found the boolean true"),
        ("max_size: 5", "must be at least 16, or 0 for no limit, found 5"),
        ("max_size: 70000", "must be at most 65,500, found 70000"),
        ("size: 12 MP, scales: [200, 100]", "must grow, like [100, 200], found [200, 100]"),
        ("size: 12 MP, iterations: [9, 8]", "or scales must say how many; found [9, 8]"),
        (
            "size: 12 MP, scales: 3, iterations: [9, 8]",
            "must be one number, or one for each of 3 sizes, found [9, 8]",
        ),
        ("size: 12 MP, scales: [64], iterations: [9]", "or one for each of [64, '12 MP'], found [9]"),
        (
            "size: 512, max_size: 256, scales: [512]",
            "must grow and end in the recipe's size, like [256], found [512]",
        ),
    ],
)
def test_what_is_wrong_is_told_with_what_is_perhaps_meant(problems: Problems, settings: str, told: str) -> None:
    (found,) = problems(f"{STYLE}recipes: {{default: {{{settings}}}}}")
    assert found.endswith(told)


def test_scales_and_iterations_fit_a_rule(load: Load) -> None:
    recipe = recipe_of(load, "size: 12 MP, scales: [64, 512], iterations: [9, 8, 7]")
    assert recipe.for_photo(400, 300).sizes() == (64, 512, 3968)
    assert recipe.for_photo(400, 300).iterations_by_scale() == (9, 8, 7)
    assert recipe_of(load, "size: 12 MP, scales: 2, iterations: [9, 8]").for_photo(4, 3).sizes() == (1984, 3968)


def test_sizes_in_words_are_compared_like_numbers(folder: Path) -> None:
    path = folder / "c.yaml"
    path.write_text(f"{STYLE}recipes: {{default: {{size: [512, 12 MP, original], max_size: [3000, 2000]}}}}\n")
    with pytest.raises(Exception, match="must differ from the other values, found 2000 again"):
        load_variants(path)
    path.write_text(f"{STYLE}recipes: {{default: {{size: [512, 12 MP, original]}}}}\n")
    found = load_variants(path)
    assert refusal_of_values(found, path) is not None
    assert [variant.values["size"] for variant in found.recipes["default"]] == ["512", "'12 MP'", "original"]
    assert [str(variant.recipe.size_rule or "") for variant in found.recipes["default"]] == ["", "12 MP", "original"]
