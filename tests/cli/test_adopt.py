"""``adopt``: what it says of a config and of the pictures that change."""

from __future__ import annotations

import re

import pytest

from tests.cli.invocation import Invoke, config_of
from tests.workshop import CONFIG, Workshop


@pytest.fixture
def made(workshop: Workshop) -> Workshop:
    """Two photos made with a size of 40, under a config that says 48 now."""
    workshop.text = CONFIG.replace("size: 48", "size: 40")
    workshop.photo("a.png", shade=1)
    workshop.photo("b.png", shade=2)
    workshop.run()
    (workshop.out / "a--night.jpg").rename(workshop.folder / "variant.jpg")
    workshop.text = CONFIG
    workshop.run()
    return workshop


def test_the_settings_of_a_picture_are_written_and_what_run_makes_is_told(invoke: Invoke, made: Workshop) -> None:
    path = config_of(made)
    result = invoke("adopt", path, made.folder / "variant.jpg")
    assert (result.code, result.err) == (0, "")
    assert result.lines[:3] == [
        f"{path} was changed:",
        "  recipes.default.size: 48 -> 40",
        "To undo it, write what stood before the arrows, and take out what was not set.",
    ]
    assert re.fullmatch(r"'run' will make 2 pictures, 2 of them again: about \d+ seconds?\.", result.lines[3])
    assert path.read_text(encoding="utf-8") == CONFIG.replace("size: 48", "size: 40")
    made.text = path.read_text(encoding="utf-8")
    assert made.run().finished == 2
    assert invoke("adopt", path, "a--night.jpg").out == f"{path} has these settings already\n"


def test_as_a_new_recipe_only_its_style_changes(invoke: Invoke, made: Workshop) -> None:
    path = config_of(made)
    result = invoke("adopt", path, made.folder / "variant.jpg", "--as", "small")
    assert result.lines[1:3] == [
        "  recipes.small: not set -> {size: 40, scales: 1}",
        "  styles.night.recipe: not set -> small",
    ]
    made.text = path.read_text(encoding="utf-8")
    assert made.run().finished == 2
    assert (made.out / "b--night--small.jpg").exists()
    result = invoke("adopt", path, "b--night--small.jpg", "--as", "default")
    assert (result.code, result.out) == (2, "")
    assert "there is a recipe 'default' already" in result.err


def test_kept_pictures_and_what_is_not_known_are_told(invoke: Invoke, made: Workshop) -> None:
    made.text = CONFIG.replace("min_free_disk: 0", "min_free_disk: 0, on_change: keep")
    result = invoke("adopt", config_of(made), made.folder / "variant.jpg")
    assert result.lines[-1] == "'run' has nothing to make."
    assert result.lines[-2].startswith("2 pictures are kept as they were made")
    (made.folder / "in" / "a.png").unlink()
    (made.folder / "in" / "b.png").unlink()
    (made.folder / "in").rmdir()
    made.text = CONFIG
    result = invoke("adopt", config_of(made), made.folder / "variant.jpg")
    assert result.code == 0
    assert result.lines[-1].startswith("What 'run' will make is not known: ")


def test_of_values_to_compare_one_is_chosen(invoke: Invoke, made: Workshop) -> None:
    made.text = CONFIG.replace("size: 48", "size: [40, 48], content_weight: [0.02, 0.1]").replace(
        "recipes:\n", "recipes:\n  other: {seed: [1, 2]}\n"
    )
    path = made.folder / "stylewatch.yaml"
    path.write_text(made.text, encoding="utf-8")
    result = invoke("adopt", path, made.folder / "variant.jpg")
    assert result.lines[1:] == [
        "  recipes.default.size: [40, 48] -> 40",
        "  recipes.default.content_weight: [0.02, 0.1] -> not set",
        "To undo it, write what stood before the arrows, and take out what was not set.",
        "It still lists values to compare (seed): 'run' needs one of each.",
    ]


def test_a_picture_that_does_not_say_its_settings_is_refused(invoke: Invoke, made: Workshop) -> None:
    result = invoke("adopt", config_of(made), "night.jpg")
    assert result.code == 2
    assert "night.jpg: there is no such picture" in result.err
    result = invoke("adopt", config_of(made), made.folder / "night.jpg")
    assert result.code == 2
    assert "is no picture of stylewatch" in result.err
