"""The settings of ``input.skip``, and what is said of wrong ones."""

from __future__ import annotations

import pytest

from pipeline.model import SkipRules
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


@pytest.mark.parametrize("text", ["", "input: {skip: }", "input: {skip: {}}"])
def test_by_default_nothing_is_skipped(load: Load, text: str) -> None:
    assert load(STYLE + text).input.skip.rules() == SkipRules()


@pytest.mark.parametrize("size", ["64 px", "64", '"64"', "64pixels", "6.4e1"])
def test_pixels_are_written_with_or_without_their_unit(load: Load, size: str) -> None:
    assert load(f"{STYLE}input: {{skip: {{smaller_than: {size}}}}}").input.skip.rules() == SkipRules(smaller_than=64)


def test_suffixes_need_no_dot_and_cameras_no_exact_spaces(load: Load) -> None:
    text = "input: {skip: {suffixes: [GIF, .Bmp], cameras: [' Canon  EOS* ']}}"
    assert load(STYLE + text).input.skip.rules() == SkipRules(suffixes=(".gif", ".bmp"), cameras=("Canon EOS*",))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("smaller_than: 64 cm", "smaller_than: must be a number of pixels like '64 px', found '64 cm'"),
        ("smaller_than: -1", "smaller_than: must be at least 0, found -1"),
        ("smaller_than: 70000 px", "smaller_than: must be at most 65,500, found 70000"),
        (
            "suffixes: ['*.gif']",
            "suffixes[0]: must be a suffix like '.gif', found '*.gif'; patterns go into input.ignore",
        ),
        ("suffixes: .gif", "suffixes: must be a list ([a, b], or lines that begin with '- '), found '.gif'"),
        ("screenshots: yes", "screenshots: must be true or false, found 'yes'"),
        ("cameras: [' ']", "cameras[0]: must be a camera's make and model, like 'Canon*', found ' '"),
        ("without_cameras: true", "without_cameras: is an unknown key; did you mean 'without_camera'?"),
    ],
)
def test_a_wrong_value_is_one_sentence(problems: Problems, value: str, said: str) -> None:
    assert problems(f"{STYLE}input: {{skip: {{{value}}}}}") == [f"input.skip.{said}"]
