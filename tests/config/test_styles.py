"""Styles in all the forms that a config can have them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.paintings import PaintingChoice
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"

PAINTINGS: list[tuple[str, dict[str, float]]] = [
    ("painting: paintings/starry_night.jpg", {"starry_night.jpg": 1.0}),
    ("painting: ./paintings/../paintings/the scream.jpg", {"the scream.jpg": 1.0}),
    ("paintings: [paintings/the scream.jpg]", {"the scream.jpg": 1.0}),
    (
        "paintings: [paintings/starry_night.jpg, paintings/great_wave.jpg]",
        {"starry_night.jpg": 1.0, "great_wave.jpg": 1.0},
    ),
    (
        "paintings: {paintings/starry_night.jpg: 7, paintings/great_wave.jpg: 0.3}",
        {"starry_night.jpg": 7.0, "great_wave.jpg": 0.3},
    ),
]


@pytest.mark.parametrize(("settings", "paintings"), PAINTINGS)
def test_paintings_come_in_every_form(load: Load, folder: Path, settings: str, paintings: dict[str, float]) -> None:
    [style] = load(f"styles: [{{name: x, {settings}}}]").styles
    assert style.paintings == tuple(
        PaintingChoice(folder / "paintings" / name, share) for name, share in paintings.items()
    )


@pytest.mark.parametrize(
    ("settings", "recipes"),
    [
        ("", ("default",)),
        (", recipe: large", ("large",)),
        (", recipes: [large, default]", ("large", "default")),
        (", recipes: [large, large]", ("large",)),
    ],
)
def test_a_style_has_its_own_recipes(load: Load, settings: str, recipes: tuple[str, ...]) -> None:
    text = f"styles: [{{name: x, painting: paintings/great_wave.jpg{settings}}}]\nrecipes: {{large: {{size: 1024}}}}"
    assert load(text).styles[0].recipes == recipes


def test_two_spellings_of_one_painting_are_told(problems: Problems) -> None:
    [told] = problems("styles: [{name: x, paintings: [paintings/great_wave.jpg, ./paintings/great_wave.jpg]}]")
    assert told.startswith("styles[0].paintings: must name each painting once, found './paintings/great_wave.jpg'")
