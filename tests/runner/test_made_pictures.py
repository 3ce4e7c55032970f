"""Pictures are found by what a user types, and say how they were made or why that is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.picture_settings import RecordedSettings
from pipeline.runner.made_pictures import differences, find_picture, provenance_of
from pipeline.runner.preparation import resolve_config
from tests.fakes import write_photo
from tests.workshop import Workshop


def test_a_picture_is_found_here_and_in_the_output_folder(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.photo("a.png")
    workshop.run()
    monkeypatch.chdir(workshop.folder)
    assert find_picture("a--night.jpg", workshop.out) == workshop.out / "a--night.jpg"
    assert find_picture("out/a--night.jpg", workshop.out) == Path("out/a--night.jpg")
    with pytest.raises(UsageError, match=r"nowhere\.jpg: there is no such picture, neither here nor in the output"):
        find_picture("nowhere.jpg", workshop.out)


def test_a_picture_of_the_program_says_so_and_no_other(workshop: Workshop, tmp_path: Path) -> None:
    workshop.photo("a.png")
    workshop.run()
    assert provenance_of(workshop.out / "a--night.jpg")["style"] == "night"
    photo = write_photo(tmp_path / "holiday.jpg")
    with pytest.raises(UsageError, match=r"holiday\.jpg: is no picture of stylewatch, or another program has taken"):
        provenance_of(photo)


def test_what_makes_another_picture_is_named(workshop: Workshop) -> None:
    resolved = resolve_config(workshop.config())
    assert list(differences(RecordedSettings(weights=resolved.weights), resolved)) == []
    assert list(differences(RecordedSettings(weights="other", ignored=("recipe.strength",)), resolved)) == [
        "the picture was made with other weights of the network than engine.weights",
        "this version does not know, and leaves out: recipe.strength",
    ]
