"""What is wrong with values that are listed, and with their combinations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import load_variants
from pipeline.errors import ConfigError

PAINTING = "paintings/starry_night.jpg"
STYLE = f"styles: [{{name: night, painting: {PAINTING}}}]\n"


@pytest.fixture
def mistakes(folder: Path) -> Callable[[str], list[str]]:
    def mistakes_in(recipe: str) -> list[str]:
        (folder / "config.yaml").write_text(f"{STYLE}recipes:\n  default:\n{recipe}", encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load_variants(folder / "config.yaml")
        return [f"{problem.line} {problem.where}: {problem.message}" for problem in caught.value.problems]

    return mistakes_in


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


def test_a_start_among_values_that_lacks_its_image_is_told(mistakes: Callable[[str], list[str]]) -> None:
    [found] = mistakes("    init: [content, image]\n")
    assert "init: image needs init_image: FILE" in found
    [found] = mistakes(f"    init: [content, noise]\n    init_image: {PAINTING}\n")
    assert "default.init_image: is used by no picture: write init: image, or leave it out" in found
