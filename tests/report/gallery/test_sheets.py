from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.trial import ContactSheet, SheetPhoto
from pipeline.report.gallery.folder import GalleryFolder
from pipeline.report.gallery.scripts import script
from pipeline.report.gallery.sheets import MOST_SHEETS, SHEETS_NAME, SheetFiles
from tests.images.sheets import axis, sheet_of


@pytest.fixture
def folder(tmp_path: Path) -> GalleryFolder:
    return GalleryFolder(tmp_path / "out" / "gallery")


def sheet(number: int = 1) -> ContactSheet:
    return dataclasses.replace(sheet_of(axes=(axis("seed", 2),)), id=f"sheet{number}", started=1000.4 + number)


def stored(folder: GalleryFolder, name: str) -> dict[str, Any]:
    text = (folder.read(f"data/sheets/{name}.js") or b"").decode("ascii")
    begin = f'stylewatch.sheet("{name}",'
    assert text.startswith(begin)
    value: dict[str, Any] = json.loads(text.removeprefix(begin).removesuffix(");\n"))
    return value


def test_a_sheet_is_written_as_the_page_reads_it(folder: GalleryFolder, tmp_path: Path) -> None:
    made = sheet()
    picture = tmp_path / "out" / "try" / "sea" / "night--seed=0.jpg"
    cell = dataclasses.replace(
        made.cells[0],
        picture=picture,
        sha256="cd" * 32,
        seconds=1.234,
        style_loss=0.0123456,
        content_loss=float("nan"),
    )
    failed = dataclasses.replace(made.cells[1], error="<b>no</b>")
    png = tmp_path / "out" / "try" / "sea" / "contact-sheet.png"
    SheetFiles(folder).write(dataclasses.replace(made, cells=(cell, failed), files=(png,)))
    found = stored(folder, "sheet1")
    assert found["photos"] == [{"name": "photo0.jpg", "thumb": "ab" * 10, "copy": f"photos/ab/{'ab' * 10}.webp"}]
    assert found["axes"] == [{"setting": "seed", "values": ["0", "1"]}]
    assert found["cells"][0] == {
        "photo": 0,
        "style": "night",
        "recipe": "default",
        "values": [0],
        "picture": "../try/sea/night--seed=0.jpg",
        "thumb": "cd" * 10,
        "width": 60,
        "height": 40,
        "seconds": 1.2,
        "style_loss": 0.01235,
        "content_loss": None,
        "error": "",
    }
    assert (found["cells"][1]["picture"], found["cells"][1]["error"]) == (None, "<b>no</b>")
    assert (found["png"], found["time"], found["config_name"]) == (
        "../try/sea/contact-sheet.png",
        1001,
        "stylewatch.yaml",
    )
    assert SheetFiles(folder).entries() == [
        {"id": "sheet1", "title": "a sheet", "time": 1001, "cells": 2, "thumb": "cd" * 10}
    ]
    assert b"<b" not in (folder.read("data/sheets/sheet1.js") or b"")


def test_without_copies_of_photos_none_is_named(folder: GalleryFolder) -> None:
    SheetFiles(folder, with_photos=False).write(sheet())
    assert stored(folder, "sheet1")["photos"] == [{"name": "photo0.jpg", "thumb": "", "copy": None}]


def test_names_that_are_not_utf8_survive(folder: GalleryFolder) -> None:
    photo = SheetPhoto(Path("x"), "\udcff\u202e.jpg", "ab" * 32)
    SheetFiles(folder).write(dataclasses.replace(sheet(), photos=(photo,)))
    assert stored(folder, "sheet1")["photos"][0]["name"] == "\udcff\u202e.jpg"


def test_the_newest_sheet_comes_first_and_each_once(folder: GalleryFolder) -> None:
    files = SheetFiles(folder)
    for number in (2, 1, 3, 2):
        files.write(sheet(number))
    assert [entry["id"] for entry in files.entries()] == ["sheet3", "sheet2", "sheet1"]


def test_a_sheet_that_is_gone_leaves_the_list(folder: GalleryFolder) -> None:
    files = SheetFiles(folder)
    files.write(sheet(1))
    folder.remove("data/sheets/sheet1.js")
    files.write(sheet(2))
    assert [entry["id"] for entry in files.entries()] == ["sheet2"]


def test_the_list_is_bounded_and_the_oldest_sheets_go(folder: GalleryFolder) -> None:
    files = SheetFiles(folder)
    entries = [
        {"id": f"old{number}", "title": "", "time": number, "cells": 1, "thumb": ""} for number in range(MOST_SHEETS)
    ]
    folder.write(SHEETS_NAME, script("sheets", entries))
    for entry in entries:
        folder.write(f"data/sheets/{entry['id']}.js", b"")
    files.write(sheet())
    assert len(files.entries()) == MOST_SHEETS
    assert not folder.exists("data/sheets/old0.js")
    assert folder.exists("data/sheets/old1.js")


@pytest.mark.parametrize("text", [b"", b"damaged", b"stylewatch.sheets(7);\n", b"stylewatch.sheets([{}]);\n"])
def test_a_damaged_list_begins_anew(folder: GalleryFolder, text: bytes) -> None:
    folder.write(SHEETS_NAME, text)
    SheetFiles(folder).write(sheet())
    assert [entry["id"] for entry in SheetFiles(folder).entries()] == ["sheet1"]


def test_sheets_whose_pictures_are_all_gone_are_forgotten(folder: GalleryFolder, tmp_path: Path) -> None:
    files = SheetFiles(folder)
    left, gone = tmp_path / "out" / "left.jpg", tmp_path / "out" / "gone.jpg"
    left.parent.mkdir(parents=True)
    left.touch()
    for number, pictures in enumerate(([gone, gone], [gone, left], [None, None], [None, gone])):
        made = sheet(number)
        cells = [dataclasses.replace(cell, picture=each) for cell, each in zip(made.cells, pictures, strict=True)]
        files.write(dataclasses.replace(made, cells=tuple(cells)))
    folder.write("data/sheets/mine.js", b"")
    files.forget_gone()
    assert [entry["id"] for entry in files.entries()] == ["sheet2", "sheet1"]
    assert folder.names_in("data/sheets") == {"sheet1.js", "sheet2.js", "mine.js"}
    before = (folder.path / SHEETS_NAME).stat().st_mtime_ns
    files.forget_gone()
    assert (folder.path / SHEETS_NAME).stat().st_mtime_ns == before
