from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pipeline.model import ExecutorEvent, Failure, FailureKind, JobSource
from pipeline.runner.cleaning.own_files import find_tries
from tests.fakes import write_photo
from tests.runner.trial.trying import tried_whole
from tests.workshop import InProcessExecutor, Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    workshop.text = workshop.text.replace("scales: 1", "scales: 1, seed: [1, 2]")
    return workshop


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_photos_pictures_go_into_its_folder_with_a_sheet(workshop: Workshop) -> None:
    trial, result = tried_whole(workshop, [workshop.photo("sea.png")])
    assert trial.folder == workshop.out / "try" / "sea"
    assert files_in(trial.folder) == ["contact-sheet.png", "night--seed=1.jpg", "night--seed=2.jpg"]
    assert [path.name for path in result.pictures] == ["night--seed=1.jpg", "night--seed=2.jpg"]
    [sheet] = result.sheets
    with Image.open(sheet) as image:
        assert min(image.size) > 300
    assert files_in(workshop.out / "gallery" / "data") == ["sheets", "sheets.js"]


def test_several_photos_go_into_one_folder_of_the_time(workshop: Workshop) -> None:
    photos = [workshop.photo("sea.png"), write_photo(workshop.folder / "x" / "sea.png", shade=2)]
    trial, result = tried_whole(workshop, photos)
    assert trial.folder.name == trial.sheet_id
    assert sorted(path.name for path in result.pictures) == [
        "in-sea--night--seed=1.jpg",
        "in-sea--night--seed=2.jpg",
        "x-sea--night--seed=1.jpg",
        "x-sea--night--seed=2.jpg",
    ]
    again, _ = tried_whole(workshop, photos)
    assert again.folder.name == f"{trial.folder.name}-2"


def test_a_single_picture_is_made_as_ever_without_a_sheet(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("[1, 2]", "1")
    trial, result = tried_whole(workshop, [workshop.photo("sea.png")])
    assert files_in(trial.folder) == ["night.jpg"]
    assert (result.pictures, result.sheets) == ((trial.folder / "night.jpg",), ())
    assert not (workshop.out / "gallery" / "data" / "sheets.js").exists()


def test_a_folder_elsewhere_gets_the_sheet_but_the_gallery_does_not(workshop: Workshop) -> None:
    folder = workshop.folder / "elsewhere"
    _, result = tried_whole(workshop, [workshop.photo("sea.png")], folder)
    assert result.sheets == (folder / "contact-sheet.png",)
    assert not workshop.out.exists()


def test_without_a_gallery_there_is_only_the_picture_of_the_sheet(workshop: Workshop) -> None:
    workshop.text += "gallery: {enabled: false}\n"
    _, result = tried_whole(workshop, [workshop.photo("sea.png")])
    assert len(result.sheets) == 1
    assert files_in(workshop.out) == ["try"]


def test_a_page_that_is_the_users_stays_alone(workshop: Workshop) -> None:
    page = workshop.out / "gallery" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>my photos</h1>")
    said: list[str] = []
    tried_whole(workshop, [workshop.photo("sea.png")], warn=said.append)
    assert "is not stylewatch's and stays as it is" in said[0]
    assert not (page.parent / "data").exists()


def test_the_sheet_is_finished_when_pictures_failed(workshop: Workshop) -> None:
    class FailsOnce(InProcessExecutor):
        def run(self, source: JobSource) -> Iterator[ExecutorEvent]:
            (first,) = source(1)
            yield Failure(first.token, FailureKind.ENGINE, "the loss became nan")
            yield from super().run(source)

    trial, result = tried_whole(workshop, [workshop.photo("sea.png")], executor=FailsOnce())
    assert result.failures == ("the loss became nan",)
    assert (result.pictures, result.sheets) == (
        (trial.folder / "night--seed=2.jpg",),
        (trial.folder / "contact-sheet.png",),
    )
    assert files_in(workshop.out / "try" / "sea") == ["contact-sheet.png", "night--seed=2.jpg"]
    [sheet] = (workshop.out / "gallery" / "data" / "sheets").glob("*.js")
    assert "the loss became nan" in sheet.read_text()


def test_a_try_that_is_stopped_at_once_leaves_nothing(workshop: Workshop) -> None:
    class Stopped(InProcessExecutor):
        def run(self, source: JobSource) -> Iterator[ExecutorEvent]:
            yield from ()

    tried_whole(workshop, [workshop.photo("sea.png")])
    [sheet] = files_in(workshop.out / "gallery" / "data" / "sheets")
    trial, result = tried_whole(workshop, [workshop.photo("b.png", shade=1)], executor=Stopped())
    assert (result.pictures, result.sheets, result.failures) == ((), (), ())
    assert not trial.folder.exists()
    assert files_in(workshop.out / "gallery" / "data" / "sheets") == [sheet]
    assert trial.sheet_id not in (workshop.out / "gallery" / "data" / "sheets.js").read_text()


def test_all_that_a_try_leaves_in_its_folder_is_recognized_by_clean(workshop: Workshop) -> None:
    tried_whole(workshop, [workshop.photo("sea.png"), workshop.photo("b.png", shade=1)])
    tried_whole(workshop, [workshop.photo("sea.png")])
    mine = workshop.out / "try" / "sea" / "contact-sheet-2.png"
    Image.new("RGB", (4, 4)).save(mine)
    found = {file.path for file in find_tries(workshop.out)}
    left = {path for path in (workshop.out / "try").rglob("*") if path.is_file()}
    assert left - found == {mine}
    assert len(found) == 4 + 1 + 2 + 1
