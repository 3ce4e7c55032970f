"""One mistake is one problem: each key of a whole config misspelled, each value replaced by a wrong one."""

from __future__ import annotations

import copy
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.document import Document
from pipeline.config.error_messages import format_location
from pipeline.config.imports import read_config
from pipeline.config.loading import context_of
from pipeline.config.mistakes import validate
from tests.config.conftest import Problems

CONFIGS = Path(__file__).parents[2] / "configs"
WRONG: list[Any] = ["loud word", -7.5, None, {"x": 1}]

Place = tuple[str | int, ...]


@functools.cache
def reference() -> dict[str, Any]:
    """Return what is in the reference: read once, as parsing takes longer than all that is tested here."""
    data: dict[str, Any] = read_config(CONFIGS / "reference.yaml").data
    return data


def whole_config() -> dict[str, Any]:
    """Return the reference, with more than one of what it has lists of."""
    data = copy.deepcopy(reference())
    data["input"]["originals"] = {"move": "done"}
    data["styles"].append({"name": "third", "painting": "styles/window.jpg", "recipe": "large"})
    data["recipes"]["large"] = {"size": 1024, "scales": [512, 1024], "iterations": [100, 50]}
    data["schedule"] = [{"cron": "0 1 * * *", "until": "06:00", "timezone": "Asia/Tokyo"}]
    data["hooks"] |= {"after_picture": ["echo", "{picture}"], "on_failure": ["echo", "{reason}"]}
    return data


def places(node: Any, place: Place = ()) -> Iterator[Place]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*place, key)
        yield from places(value, (*place, key))


PLACES = list(places(whole_config()))
KEYS = [place for place in PLACES if isinstance(place[-1], str) and place[-1] != "default"]
#: Keys of the user's own choice are no settings.
ALSO_KEYS = ("painting", "recipe")
FREE = ("paintings", "content_layers", "style_layers", "recipes", "regions")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the paintings that the reference names."""
    folder = tmp_path_factory.mktemp("mistakes")
    shutil.copytree(CONFIGS / "styles", folder / "styles")
    return folder


def around(data: Any, place: Place) -> Any:
    for part in place[:-1]:
        data = data[part]
    return data


def said(folder: Path, data: dict[str, Any]) -> list[str]:
    """Return what is said of this data; it is not written as YAML first, which takes most of a load's time."""
    _, mistakes = validate(Document(data, {(): (1, 0)}), lambda data: context_of(data, folder))
    return [f"{format_location(mistake.location)}: {mistake.message}" for mistake in mistakes]


def test_the_config_itself_is_right(samples: Path) -> None:
    assert said(samples, whole_config()) == []
    assert len(KEYS) > 80


@pytest.mark.no_cover
@pytest.mark.parametrize("place", KEYS, ids=lambda place: ".".join(map(str, place)))
def test_a_misspelled_key_is_one_problem(samples: Path, place: Place) -> None:
    key = str(place[-1])
    for typo in {f"{key}x", f"{key[:-2]}{key[-1]}{key[-2]}", key[:-1]} - {key}:
        data = whole_config()
        mapping = around(data, place)
        renamed = {typo if name == key else name: value for name, value in mapping.items()}
        mapping.clear()
        mapping.update(renamed)
        found = said(samples, data)
        assert len(found) <= 1, (typo, found)
        if not (len(place) > 1 and place[-2] in FREE) and typo not in ALSO_KEYS:
            assert "is an unknown key" in "".join(found)


@pytest.mark.no_cover
@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_a_wrong_value_is_one_problem(samples: Path, place: Place) -> None:
    data = whole_config()
    around(data, place)[place[-1]] = [[1]]
    assert len(said(samples, data)) == 1
    for wrong in WRONG:
        data = whole_config()
        around(data, place)[place[-1]] = copy.deepcopy(wrong)
        found = said(samples, data)
        assert len(found) <= 1, (wrong, found)


STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


def test_what_is_wrong_below_a_misspelled_key_is_told_as_well(problems: Problems) -> None:
    text = "stlyes: [{nme: night, paintng: paintings/starry_night.jpg, scale: -1}]\nouptut: {qualty: 0, quality: 200}"
    assert problems(text) == [
        "stlyes: is an unknown key; did you mean 'styles'?",
        "styles[0].nme: is an unknown key; did you mean 'name'?",
        "styles[0].paintng: is an unknown key; did you mean 'painting'?",
        "styles[0].scale: must be above 0, found -1",
        "ouptut: is an unknown key; did you mean 'output'?",
        "output.qualty: is an unknown key; did you mean 'quality'?",
        "output.quality: must be at most 100, found 200",
    ]


def test_one_name_that_is_unknown_in_several_places_is_one_problem_that_names_them(problems: Problems) -> None:
    rules = "{match: a, styles: [nigth, night]}, {match: b, styles: [nigth]}, {match: c, styles: [dusk]}"
    assert problems(STYLE + f"pairing: {{rules: [{rules}]}}") == [
        "pairing.rules[0].styles[0]: must be the name of a style ('night'), found 'nigth'; did you mean 'night'?; "
        "the same in pairing.rules[1].styles[0]",
        "pairing.rules[2].styles[0]: must be the name of a style ('night'), found 'dusk'",
    ]


def test_names_are_not_called_unknown_while_the_names_themselves_can_not_be_read(problems: Problems) -> None:
    wrong = STYLE.replace("night,", "7,")
    (told,) = problems(wrong + "pairing: {rules: [{match: a, styles: [dusk]}]}")
    assert told.startswith("styles[0].name: must be text")


def test_an_empty_mapping_is_told_as_one_with_the_keys_it_may_have(problems: Problems) -> None:
    assert problems(STYLE + "schedule: [{}]") == ["schedule[0]: is empty; known here: cron, until, timezone"]
    assert len(problems(STYLE + "schedule: [{timezone: UTC}]")) == 2


def test_folders_in_the_photos_folder_are_one_problem(problems: Problems) -> None:
    (told,) = problems(STYLE + "input: {folder: ., originals: {move: done}}")
    assert told.startswith("input.originals.move: can't lie in the photos' folder")
    assert told.endswith("; the same in output.folder")
