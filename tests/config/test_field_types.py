"""Paths, names, sizes, layers and patterns: what is taken and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.field_types import (
    case_folded,
    did_you_mean,
    first_duplicate,
    quoted,
    resolve,
)
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


def test_paths_are_relative_to_the_folder_and_made_plain(folder: Path) -> None:
    assert resolve("a/../b", folder) == folder / "b"
    assert resolve(str(folder / "c"), Path("/elsewhere")) == folder / "c"
    assert resolve("{output}/x", folder, folder / "out") == folder / "out" / "x"
    assert resolve("{output}/x", folder) == folder / "{output}" / "x"


def test_a_tilde_is_the_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    assert resolve("~/photos", Path("/elsewhere")) == folder / "photos"


@pytest.mark.parametrize("text", ["", "  ", "nul\0l", "~nobody-by-this-name/x"])
def test_what_is_no_path_here_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(ValueError, match="must be a path"):
        resolve(text, folder)


@pytest.mark.parametrize("written", ["..\\new", "\\\\nas\\fotos", "in\\Photos", "in\\Nest"])
def test_a_path_of_which_double_quotes_made_something_else_is_told_what_to_do(
    problems: Problems, written: str
) -> None:
    (told,) = problems(STYLE + f'log: {{file: "{written}"}}')
    assert told.startswith("log.file: must be a path of this machine, found ")
    assert told.endswith("; for a \\ use single quotes or forward slashes")
    (told,) = problems(STYLE + f'hooks: {{after_run: ["{written}"]}}')
    assert told.startswith("hooks.after_run: must be a path of this machine, found ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("recipes: {default: {content_weight: '0,02'}}", "must be a number, found '0,02'; use a point: 0.02"),
        ("recipes:\n  default:\n    content_weight: 0,02", "must be a number, found '0,02'; use a point: 0.02"),
        (
            "recipes:\n  default:\n    size: 1,024",
            "must be a whole number, found '1,024'; write it without a comma: 1024",
        ),
        ("recipes:\n  default:\n    scales: 2,0", "must be a whole number, found '2,0'; use a point: 2.0"),
        ("recipes:\n  default:\n    style_weight: 1,000,000", "found '1,000,000'; write it without a comma: 1000000"),
        ("recipes:\n  default:\n    tv_weight: 1,250", "found '1,250'; use a point: 1.250, or no comma: 1250"),
        ("recipes: {default: {size: '512'}}", "must be a whole number, found '512'; write it without quotes"),
        (
            "output:\n  min_free_disk: 1,5 GB",
            "must be a size like '1 GB' or '500 MB', found '1,5 GB'; use a point: 1.5 GB",
        ),
        ("log: {max_megabytes: 2,5}", "has a comma in a number, found 2,5; use a point: 2.5"),
    ],
)
def test_a_number_with_a_comma_or_in_quotes_is_told_how_to_write_it(problems: Problems, text: str, told: str) -> None:
    (found,) = problems(STYLE + text)
    assert found.endswith(told)


def test_a_path_that_is_no_path_is_told_with_its_setting(problems: Problems) -> None:
    told = problems(STYLE + 'input: {folder: "a\\0b"}\noutput: {folder: 7}')
    assert told[0].startswith("input.folder: must be a path of this machine, found 'a\\x00b'")
    assert told[1] == "output.folder: must be the path of a file or folder, found 7"


def test_a_painting_that_can_not_be_looked_at_is_told(problems: Problems) -> None:
    [told] = problems(f"styles: [{{name: night, painting: {'x' * 5000}}}]")
    assert told.startswith("styles[0].painting: must be an image file; ")


def test_a_weights_file_is_relative_to_the_config(load: Load, folder: Path) -> None:
    assert load(STYLE + "engine: {weights: net.safetensors}").engine.weights == str(folder / "net.safetensors")
    assert load(STYLE + "engine: {weights: torchvision}").engine.weights == "torchvision"


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:11"])
def test_a_device_is_taken(load: Load, device: str) -> None:
    assert load(STYLE + f"engine: {{device: '{device}'}}").engine.device == device


@pytest.mark.parametrize("device", ["CPU", "cuda:", "cuda:x", "tpu", ""])
def test_another_device_is_refused(problems: Problems, device: str) -> None:
    assert problems(STYLE + f"engine: {{device: '{device}'}}")[0].startswith("engine.device: must be 'auto', 'cpu'")


@pytest.mark.parametrize("name", ["night", "Große Welle", "2024", "a--b", "a.b", "é", "夜", "x" * 80])
def test_a_name_that_every_file_system_takes_is_taken(load: Load, name: str) -> None:
    config = load(f"styles: [{{name: '{name}', painting: paintings/starry_night.jpg}}]")
    assert config.styles[0].name == name


@pytest.mark.parametrize(
    "name", ["a/b", "a\\\\b", "a:b", "a?", "..", ".", "x.", " x", "x ", "", "a\\tb", "a\\u202eb", "x" * 81]
)
def test_a_name_that_some_file_system_refuses_is_refused(problems: Problems, name: str) -> None:
    [told] = problems(f'styles: [{{name: "{name}", painting: paintings/starry_night.jpg}}]')
    assert told.startswith("styles[0].name: becomes part of file names")


def test_names_are_equal_when_a_file_system_takes_them_for_equal() -> None:
    assert case_folded("Caf\u00e9") == case_folded("cafe\u0301")
    assert case_folded("STRASSE") == case_folded("straße")
    assert case_folded("night") != case_folded("nights")


def test_a_word_like_another_is_suggested_whatever_its_case() -> None:
    assert did_you_mean("STYLS", ["input", "styles"]) == "; did you mean 'styles'?"
    assert did_you_mean("zzz", ["input", "styles"]) == ""


def test_words_are_listed_in_quotes() -> None:
    assert quoted(["a", "b"]) == "'a', 'b'"


def test_a_value_is_repeated_when_it_means_the_same_as_an_earlier_one() -> None:
    assert first_duplicate(["1", "2", "01"], int) == "01"
    assert first_duplicate(["1", "x", "x", 7, 7, None], int) == ""
