"""What becomes of originals, and where they may not go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


def test_originals_are_kept_unless_a_folder_is_named(load: Load, folder: Path) -> None:
    assert load(STYLE).input.originals_folder is None
    assert load(STYLE + "input: {originals: keep}").input.originals_folder is None
    assert load(STYLE + "input: {originals: {move: done}}").input.originals_folder == folder / "done"


def test_an_ignored_folder_among_the_photos_may_take_them(load: Load, folder: Path) -> None:
    config = load(STYLE + "input: {folder: photos, ignore: [/done/], originals: {move: photos/done}}")
    assert config.input.originals_folder == folder / "photos" / "done"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "input: {folder: photos, originals: {move: photos/done}}",
            "can't lie in the photos' folder, or moved photos",
        ),
        ("input: {folder: photos, originals: {move: photos}}", "can't hold the photos' folder"),
        ("input: {folder: photos, originals: {move: .}}", "can't hold the photos' folder"),
        ("input: {originals: delete}", "must be"),
        ("input: {originals: [done]}", "must be keep, or move: FOLDER"),
        ("input: {originals: {}}", "input.originals.move: is missing: the folder that a photo is moved to"),
        ("input: {originals: {mov: a, move: b}}", "input.originals.mov: is an unknown key; did you mean 'move'?"),
        ("input: {originals: {move: 3}}", "input.originals.move: must be"),
    ],
)
def test_a_wrong_place_is_explained(problems: Problems, text: str, said: str) -> None:
    (problem,) = problems(STYLE + text)
    assert said in str(problem)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state: {folder: input}", "can't be or hold the photos' folder"),
        ("state: {folder: output}", "can't be or hold the pictures' folder"),
        ("input: {folder: a/photos}\nstate: {folder: a}", "can't be or hold the photos' folder"),
        ("output: {folder: b/pictures}\nstate: {folder: b}", "can't be or hold the pictures' folder"),
    ],
)
def test_the_state_has_a_folder_of_its_own(problems: Problems, text: str, said: str) -> None:
    (problem,) = problems(STYLE + text)
    assert "state.folder" in str(problem)
    assert said in str(problem)


def test_the_state_may_lie_in_the_pictures_folder(load: Load, folder: Path) -> None:
    assert load(STYLE + "state: {folder: output/memory}").state.folder == folder / "output" / "memory"
