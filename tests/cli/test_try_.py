"""``try``: what it refuses and says before anything is painted; its pictures are tests/end_to_end's."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.cli.invocation import Invoke, config_of
from tests.workshop import Workshop


@pytest.mark.parametrize("option", ["--style", "--recipe"])
def test_a_name_that_the_config_does_not_have_is_bad_usage_and_leaves_nothing(
    invoke: Invoke, workshop: Workshop, option: str
) -> None:
    workshop.photo("a.png")
    result = invoke("try", config_of(workshop), workshop.folder / "in" / "a.png", option, "nigth")
    assert (result.code, result.out) == (2, "")
    assert "nigth" in result.err
    assert not workshop.out.exists()


@pytest.mark.parametrize("arguments", [(), ("PHOTO", "--sample", "2")])
def test_it_needs_photos_or_a_sample(invoke: Invoke, workshop: Workshop, arguments: tuple[str, ...]) -> None:
    photo = str(workshop.photo("a.png"))
    result = invoke("try", config_of(workshop), *(photo if each == "PHOTO" else each for each in arguments))
    assert result.code == 2
    assert "name one PHOTO or several, or let --sample N pick some" in result.err


def test_a_folder_is_no_photo(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("try", config_of(workshop), workshop.photo("a.png").parent)
    assert result.code == 2
    assert "is a folder; name photos, or let --sample pick some" in " ".join(result.err.split())


def test_more_pictures_than_the_limit_are_refused_with_their_number(invoke: Invoke, workshop: Workshop) -> None:
    photos = [workshop.photo("a.png"), workshop.photo("b.png", shade=1)]
    seeds = f"seed={list(range(40))}"
    result = invoke("try", config_of(workshop), *photos, "--set", seeds)
    assert result.code == 2
    assert "that would be 80 pictures (2 photos × 40), more than 64: choose fewer photos" in " ".join(
        result.err.split()
    )
    assert not workshop.out.exists()


def test_a_wrong_setting_names_the_option(invoke: Invoke, workshop: Workshop) -> None:
    result = invoke("try", config_of(workshop), workshop.photo("a.png"), "--set", "hand=0.5")
    assert result.code == 2
    assert "--set hand=0.5: 'hand' is no setting of a recipe" in " ".join(result.err.split())


def test_a_wrong_value_in_the_config_names_its_line(invoke: Invoke, workshop: Workshop) -> None:
    path = config_of(workshop)
    path.write_text(workshop.text.replace("scales: 1", "scales: 1, tv_weight: [1, lots]"), encoding="utf-8")
    result = invoke("try", path, workshop.photo("a.png"))
    assert result.code == 2
    assert "stylewatch.yaml:7: recipes.default.tv_weight[1]: must be a number, found 'lots'" in result.err


def test_a_sample_of_an_empty_folder_is_told(invoke: Invoke, workshop: Workshop, tmp_path: Path) -> None:
    result = invoke("try", config_of(workshop), "--sample", "3")
    assert result.code == 2
    assert "has no photo outside archives that can be read" in result.err


def test_a_run_records_its_config_by_which_a_picture_is_made_again(
    invoke: Invoke, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.photo("a.png")
    workshop.run()
    config_of(workshop)
    monkeypatch.chdir(workshop.folder)
    assert invoke("run", "stylewatch.yaml").code == 0
    picture = workshop.out / "a--night.jpg"
    result = invoke("try", "--like", picture, "--print", "--set", "seed=[1, 2]")
    assert result.code == 0
    assert result.lines == [
        "# as in 'a--night.jpg'",
        "styles:",
        "  - name: night",
        "    painting: night.jpg",
        "recipes:",
        "  default:",
        "    size: 48",
        "    scales: 1",
        "    seed: [1, 2]",
    ]
    for named in (picture, "a--night.jpg"):  # as the gallery names it, by its path in the output folder
        assert invoke("try", "stylewatch.yaml", "--like", named, "--print").lines[-1] == "    scales: 1"
    for arguments in (("--like", "a--night.jpg"), ("stylewatch.yaml", "--like", "b--night.jpg")):
        result = invoke("try", *arguments)
        assert result.code == 2
        assert "there is no such picture" in " ".join(result.err.split())


def test_a_picture_without_settings_or_records_is_told(invoke: Invoke, workshop: Workshop) -> None:
    path, painting = config_of(workshop), workshop.folder / "night.jpg"
    for arguments, told in (
        (("--like", painting), "is no picture of stylewatch"),
        ((path, "--like", painting, "--print"), "is no picture of stylewatch"),
        ((path, "--print", painting), "--print is about a picture: name it with --like"),
        (("--like", painting, "--style", "night"), "leave --style and --recipe out"),
        ((), "name a CONFIG and a PHOTO"),
    ):
        result = invoke("try", *arguments)
        assert (result.code, result.out) == (2, "")
        assert told in " ".join(result.err.split())


class Terminal(io.StringIO):
    """A terminal in which this is typed."""

    def isatty(self) -> bool:
        return True


def test_many_pictures_are_told_with_their_time_and_asked_about(
    invoke: Invoke, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, seeds = workshop.photo("a.png"), f"seed={list(range(30))}"
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    result = invoke("try", config_of(workshop), photo, "--set", seeds)
    assert result.code == 0
    assert result.lines[0].startswith("30 pictures (1 photo × 30), about ")
    assert result.lines[0].endswith(", the cheapest first")
    assert "Make them? [y/N]" in result.out
    assert result.out.endswith("Nothing was made.\n")
    assert not workshop.out.exists()
