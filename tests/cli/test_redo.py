"""``redo``: what it says, and its exit codes."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest

from pipeline.runner.instance.lock import instance_lock
from tests.cli.invocation import Invoke, config_of
from tests.workshop import CONFIG, Workshop

TWO_RECIPES = CONFIG + "  mild: {size: 40, scales: 1}\n"


@pytest.fixture
def made(workshop: Workshop) -> Workshop:
    workshop.text = TWO_RECIPES
    workshop.photo("a.png", shade=1)
    workshop.photo("sub/b.png", shade=2)
    workshop.run()
    return workshop


def test_it_says_what_will_be_made_and_how_long_that_takes(invoke: Invoke, made: Workshop) -> None:
    result = invoke("redo", config_of(made), made.out / "a--night.jpg", "sub/*")
    assert (result.code, result.err) == (0, "")
    assert re.fullmatch(r"2 pictures will be made by the next run, which takes about \d+ seconds?:", result.lines[0])
    assert result.lines[1:3] == ["  a--night.jpg", "  sub/b--night.jpg"]
    assert result.out.split("\n", 3)[3].replace("\n", " ") == (
        "The settings of 2 pictures have not changed, so the new ones will be like the old ones: change the recipe "
        "first, or choose another one with --recipe NAME. "
    )
    result = invoke("redo", config_of(made), "a--night.jpg")
    assert result.lines == ["1 picture was to be made already:", "  a--night.jpg"]
    assert made.run().finished == 2


def test_a_picture_of_another_engine_is_not_promised_to_be_like_the_old_one(invoke: Invoke, made: Workshop) -> None:
    with closing(sqlite3.connect(made.out / ".stylewatch" / "ledger.sqlite3", isolation_level=None)) as ledger:
        ledger.execute("UPDATE jobs SET engine_version = '1'")
    result = invoke("redo", config_of(made), "a--night.jpg")
    assert (result.code, result.lines[1:]) == (0, ["  a--night.jpg"])


def test_what_is_not_found_is_named_and_the_rest_is_done(invoke: Invoke, made: Workshop) -> None:
    result = invoke("redo", config_of(made), "b--night.jpg", "a.png", "a--night.jpg")
    assert result.code == 2
    assert "  a--night.jpg" in result.lines
    assert result.err == (
        "stylewatch: b--night.jpg: is no picture; did you mean sub/b--night.jpg?\n"
        "stylewatch: a.png: is a photo; its pictures are a--night.jpg\n"
    )
    assert made.run().finished == 1


def test_before_the_first_run_there_is_none(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("redo", config_of(workshop), "a--night.jpg")
    assert (result.code, result.out) == (2, "")
    assert "no picture was made by this config yet" in result.err
    assert not workshop.out.exists()


def test_another_recipe_is_told_with_what_undoes_it(invoke: Invoke, made: Workshop) -> None:
    path = config_of(made)
    result = invoke("redo", path, "a--night.jpg", "--recipe", "mild")
    assert result.code == 0
    assert result.lines[0].startswith("1 picture will be made by the next run")
    assert result.lines[1:] == [
        "  a--night--mild.jpg",
        "The old picture stays until 'stylewatch clean' deletes it:",
        "  a--night.jpg",
        f"To undo it: stylewatch redo {path} a--night--mild.jpg --recipe default",
    ]
    chosen = "1 picture has a recipe of 'stylewatch redo --recipe' instead of the config's"
    assert chosen in invoke("status", path).lines
    assert f"{chosen}." in invoke("plan", path).lines
    assert json.loads(invoke("status", "--json", path).out)["chosen_recipes"] == 1
    assert json.loads(invoke("plan", "--json", path).out)["chosen_recipes"] == 1
    result = invoke("redo", path, "a--night--mild.jpg", "--recipe", "default")
    assert result.lines == ["1 picture made by that recipe before, and wanted again:", "  a--night.jpg"]
    assert chosen not in invoke("status", path).lines


def test_what_undoes_it_names_all_pictures(invoke: Invoke, made: Workshop) -> None:
    path = config_of(made)
    undo = invoke("redo", path, "**", "--recipe", "mild").lines[-1]
    assert undo == f"To undo it: stylewatch redo {path} a--night--mild.jpg sub/b--night--mild.jpg --recipe default"


def test_an_unknown_recipe_is_bad_usage(invoke: Invoke, made: Workshop) -> None:
    result = invoke("redo", config_of(made), "a--night.jpg", "--recipe", "milder")
    assert (result.code, result.err) == (2, "stylewatch: there is no recipe 'milder'; the config has default, mild\n")


def test_beside_a_running_program_that_makes_them(invoke: Invoke, made: Workshop) -> None:
    path = config_of(made)
    with instance_lock(made.out / ".stylewatch", "a test"):
        assert "will be made by the program that is at work" in invoke("redo", path, "a--night.jpg").out


def test_of_many_pictures_only_the_first_are_listed(invoke: Invoke, workshop: Workshop) -> None:
    for number in range(12):
        workshop.photo(f"{number:02}.png", shade=number)
    workshop.run()
    workshop.text = CONFIG.replace("min_free_disk: 0", "min_free_disk: 0, on_change: keep").replace("48", "40")
    workshop.run()
    lines = invoke("redo", config_of(workshop), "*.jpg").lines
    assert (len(lines), lines[-1]) == (12, "  ... and 2 more"), "and nothing of equal settings, as they are new ones"
