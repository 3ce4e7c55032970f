"""Rows are short arrays; what follows from the photo's name is left out."""

from __future__ import annotations

import pytest

from pipeline.model import Job
from pipeline.report.gallery.rows import (
    PictureRow,
    Tables,
    chunk_name,
    chunk_of,
    chunk_value,
    details_name,
    usual_output,
)
from pipeline.report.gallery.scripts import read_script, script
from tests.report.gallery.hostile_names import HOSTILE_NAMES

SHA = "0123456789abcdef" * 4


def row(
    number: int = 6123, photo: str = "sea/a.jpg", output: str = "sea/a--night.jpg", **fields: object
) -> PictureRow:
    values = {"job": Job(photo, "night", "default"), "state": "done", "time": 1_700_000_000.6} | fields
    return PictureRow(id=number, output=output, **values)  # type: ignore[arg-type]


def test_a_finished_picture_has_all_fields() -> None:
    made = row(
        width=640,
        height=480,
        style_loss=0.0123456,
        sha256=SHA,
        photo_sha256=SHA[::-1],
        has_thumbnail=True,
        has_photo_thumbnail=True,
    )

    assert Tables().fields(made, ".jpg") == [
        6123, "sea/a.jpg", 0, 0, 0, 0, 1_700_000_001, 640, 480, 0.01235, SHA[:20], SHA[::-1][:20],
    ]  # fmt: skip


def test_what_is_unknown_is_empty() -> None:
    pending = row(state="pending", sha256=SHA, photo_sha256=SHA)

    assert Tables().fields(pending, ".jpg")[5:] == [1, 1_700_000_001, 0, 0, None, "", ""]


def test_an_unusual_name_stands_in_the_row() -> None:
    assert Tables().fields(row(output="sea/a--night-2.jpg"), ".jpg")[2] == "sea/a--night-2.jpg"


@pytest.mark.parametrize(
    ("photo", "recipe", "output"),
    [
        ("a.jpg", "default", "a--night.png"),
        ("sea/b.c.jpg", "mild", "sea/b.c--night--mild.png"),
        (".hidden", "default", ".hidden--night.png"),
        ("no suffix", "default", "no suffix--night.png"),
        ("sea.jpg/a", "default", "sea.jpg/a--night.png"),
        ("ends in a dot.", "default", "ends in a dot.--night.png"),
    ],
)
def test_the_usual_name_is_the_photos_with_its_variant(photo: str, recipe: str, output: str) -> None:
    assert usual_output(Job(photo, "night", recipe), ".png") == output


def test_numbers_of_styles_and_recipes_stay_and_new_ones_come_last() -> None:
    tables = Tables(["night", "wave"], ["default"])

    assert tables.fields(row(job=Job("a.jpg", "ink", "mild")), ".jpg")[3:5] == [2, 1]
    assert tables.fields(row(job=Job("a.jpg", "wave", "default")), ".jpg")[3:5] == [1, 0]
    assert tables.styles == ["night", "wave", "ink"]


def test_files_are_found_by_the_jobs_number() -> None:
    assert (chunk_of(499), chunk_of(500)) == (0, 1)
    assert chunk_name(chunk_of(6123)) == "data/chunks/0012.js"
    assert details_name(6123) == "data/pictures/0012/6123.js"
    assert details_name(5_000_000) == "data/pictures/10000/5000000.js"


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_hostile_names_come_back_from_a_chunk_as_they_were(name: str) -> None:
    value = chunk_value([row(photo=name, output=name)], Tables(), ".jpg")

    assert read_script(script("chunk", value), "chunk")[0]["rows"][0][1:3] == [name, name]
