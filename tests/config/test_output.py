"""Where pictures go, how they are named and written."""

from __future__ import annotations

import pytest

from pipeline.model import PictureOptions
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


def test_the_writer_of_pictures_gets_plain_options(load: Load) -> None:
    assert load(STYLE).picture_options() == PictureOptions()
    assert load(STYLE + "output: {format: webp, quality: 1, metadata: strip}").picture_options() == PictureOptions(
        format="webp", quality=1, metadata="strip"
    )


@pytest.mark.parametrize(
    "name",
    [
        "{stem}{style}",
        "{style}/{folder}/{stem}.{suffix}",
        "x/{stem} {variant}",
        "{recipe}-{style}-{stem}",
        "{{{stem}-{style}}}",
    ],
)
def test_a_safe_template_is_taken(load: Load, name: str) -> None:
    assert load(STYLE + f"output: {{name: '{name}'}}").output.name == name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("{stem", "must put '{' and '}' around one of {folder}, {stem}"),
        ("{stem}}-{style}", "must put '{' and '}' around one of"),
        ("{}-{stem}-{style}", "can use {folder}, {stem}, {suffix}, {style}, {recipe}, {variant}, found the field {}"),
        ("{stem.x}-{style}", "can use {folder}"),
        ("{stem:>9}-{style}", "must name fields without ':' or '!'"),
        ("{stem!r}-{style}", "must name fields without ':' or '!'"),
        ("{style}", "must contain {stem}, or all photos of a folder get one name"),
        ("{stem}-{recipe}", "must contain {variant} or {style}, or all pictures of a photo get one name"),
        ("/{stem}-{style}", "must stay in the output folder"),
        ("../{stem}-{style}", "must stay in the output folder"),
        ("a/../../{stem}-{style}", "must stay in the output folder"),
        ("C:\\\\{stem}-{style}", "must stay in the output folder"),
        ("{stem}\\n{style}", "must stay in the output folder"),
        ("{stem}-{style}/", "must end in the name of a file"),
        ("", "must contain {stem}"),
    ],
)
def test_a_template_that_loses_or_misplaces_pictures_is_refused(problems: Problems, name: str, told: str) -> None:
    [found] = problems(STYLE + f'output: {{name: "{name}"}}')
    assert found.startswith(f"output.name: {told}")


@pytest.mark.parametrize("picture_format", ["png", "tiff"])
def test_formats_that_have_sixteen_bits_may_have_them(load: Load, picture_format: str) -> None:
    options = load(STYLE + f"output: {{bit_depth: 16, format: {picture_format}}}").picture_options()
    assert options.bit_depth == 16


@pytest.mark.parametrize("picture_format", ["jpeg", "webp", "avif", "jxl"])
def test_formats_without_sixteen_bits_are_refused_with_them(problems: Problems, picture_format: str) -> None:
    assert problems(STYLE + f"output: {{bit_depth: 16, format: {picture_format}}}") == [
        f"output.bit_depth: must be 8 with output.format {picture_format}: only png and tiff have 16, found 16"
    ]


def test_a_wrong_format_is_the_only_problem_whatever_the_bits(problems: Problems) -> None:
    [found] = problems(STYLE + "output: {bit_depth: 16, format: bmp}")
    assert found.startswith("output.format: must be one of")


@pytest.mark.parametrize("profile", ["srgb", "display-p3", "photo"])
def test_a_picture_s_colors_are_srgb_unless_others_are_asked_for(load: Load, profile: str) -> None:
    assert load(STYLE).picture_options().profile == "srgb"
    assert load(STYLE + f"output: {{profile: {profile}}}").picture_options().profile == profile


def test_jpeg_is_progressive_or_optimized_only_if_asked_for(load: Load) -> None:
    asked = load(STYLE + "output: {progressive: true, optimize: true}").picture_options()
    assert asked == PictureOptions(progressive=True, optimize=True)


@pytest.mark.parametrize("name", ["jpegxl", "JPEG XL", "jpeg-xl"])
def test_jpeg_xl_is_not_taken_for_a_mistyped_jpeg(problems: Problems, name: str) -> None:
    assert problems(STYLE + f"output: {{format: {name}}}") == [
        f"output.format: must be 'jxl' for JPEG XL, found {name!r}"
    ]


def test_a_depth_in_quotes_is_named_as_such(problems: Problems) -> None:
    assert problems(STYLE + 'output: {bit_depth: "16", format: png}') == [
        "output.bit_depth: must be one of 8 or 16, found '16'; write it without quotes"
    ]


def test_there_are_no_other_depths(problems: Problems) -> None:
    assert problems(STYLE + "output: {bit_depth: 12, format: png}") == [
        "output.bit_depth: must be one of 8 or 16, found 12"
    ]
