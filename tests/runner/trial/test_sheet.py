from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.model import Artwork, Losses
from pipeline.report.gallery.folder import GalleryFolder
from pipeline.report.gallery.scripts import read_script
from pipeline.report.gallery.sheets import SHEETS_NAME, SheetFiles
from pipeline.runner.trial.plan import TrialPlan, contact_sheet
from pipeline.runner.trial.sheet import SheetRecorder
from tests.fakes import write_photo
from tests.runner.trial.trying import plan_of
from tests.workshop import Workshop

ARTWORK = Artwork(
    token="t",
    sha256="ab" * 32,
    width=48,
    height=32,
    sizes=(48,),
    iterations=(3,),
    first=Losses(1, 2, 3),
    last=Losses(0.1, 0.2, 0.3),
    seconds=1.5,
    device="cpu",
    cache_hits=0,
    cache_misses=0,
)


@pytest.fixture
def plan(tmp_path: Path) -> TrialPlan:
    workshop = Workshop(tmp_path)
    workshop.text = workshop.text.replace("size: 48", "size: 48, seed: [1, 2, 3]")
    return plan_of(workshop, [workshop.photo("a.png")])


class Recorded:
    def __init__(self, plan: TrialPlan, folder: Path, files: SheetFiles | None = None) -> None:
        sheet = contact_sheet(plan, sheet_id="x", title="a.png", started=1.0, config_name="c.yaml")
        self.warnings: list[str] = []
        self.folder = folder
        self.recorder = SheetRecorder(sheet, folder, files, self.warnings.append)


def test_the_gallery_knows_of_each_picture_as_it_comes(plan: TrialPlan, tmp_path: Path) -> None:
    gallery = GalleryFolder(tmp_path / "gallery")
    recorded = Recorded(plan, tmp_path, SheetFiles(gallery))

    def cells() -> list[tuple[object, object]]:
        _, value = read_script(gallery.read("data/sheets/x.js") or b"", "sheet")
        return [(cell["picture"], cell["error"]) for cell in value["cells"]]

    assert cells() == [(None, ""), (None, ""), (None, "")]
    recorded.recorder.made(plan.pictures[1], write_photo(tmp_path / "two.png"), ARTWORK)
    assert cells() == [(None, ""), ("../two.png", ""), (None, "")]
    recorded.recorder.failed(plan.pictures[0], "the loss became nan")
    assert cells() == [(None, "the loss became nan"), ("../two.png", ""), (None, "")]
    assert recorded.recorder.finish() == (tmp_path / "contact-sheet.png",)
    assert b"../contact-sheet.png" in (gallery.read("data/sheets/x.js") or b"")
    assert recorded.warnings == []


def test_without_any_picture_there_is_nothing_to_draw(plan: TrialPlan, tmp_path: Path) -> None:
    recorded = Recorded(plan, tmp_path)
    recorded.recorder.failed(plan.pictures[0], "it went wrong")
    assert recorded.recorder.finish() == ()
    assert not list(tmp_path.glob("contact-sheet*"))


def test_sheets_are_never_replaced(plan: TrialPlan, tmp_path: Path) -> None:
    picture = write_photo(tmp_path / "two.png")
    for name in ("contact-sheet.png", "contact-sheet-2.png"):
        recorded = Recorded(plan, tmp_path)
        recorded.recorder.made(plan.pictures[1], picture, ARTWORK)
        assert recorded.recorder.finish() == (tmp_path / name,)


def test_a_gallery_that_cant_be_written_is_told_of_once_and_the_sheet_is_drawn(
    plan: TrialPlan, tmp_path: Path
) -> None:
    (tmp_path / "gallery").write_text("a file where the folder should be")
    recorded = Recorded(plan, tmp_path, SheetFiles(GalleryFolder(tmp_path / "gallery")))
    recorded.recorder.made(plan.pictures[1], write_photo(tmp_path / "two.png"), ARTWORK)
    assert [warning.partition(":")[0] for warning in recorded.warnings] == [
        "The contact sheet could not be written for the gallery"
    ]
    assert recorded.recorder.finish()


def test_a_sheet_that_cant_be_drawn_is_told_of(plan: TrialPlan, tmp_path: Path) -> None:
    recorded = Recorded(plan, tmp_path / "gone")
    recorded.recorder.made(plan.pictures[1], write_photo(tmp_path / "two.png"), ARTWORK)
    assert recorded.recorder.finish() == ()
    assert "The contact sheet could not be drawn: " in recorded.warnings[0]


def test_the_list_names_the_sheet(plan: TrialPlan, tmp_path: Path) -> None:
    gallery = GalleryFolder(tmp_path / "gallery")
    Recorded(plan, tmp_path, SheetFiles(gallery))
    [[entry]] = read_script(gallery.read(SHEETS_NAME) or b"", "sheets")
    assert entry == {"id": "x", "title": "a.png", "time": 1, "cells": 3, "thumb": ""}
