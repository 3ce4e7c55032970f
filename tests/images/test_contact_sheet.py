from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import StorageError
from pipeline.images.contact_sheet import MOST_PIXELS, is_own_sheet, render_sheet
from pipeline.model.trial import ContactSheet, SheetPhoto
from tests.images.sheets import axis, sheet_of

RED, BLUE = (200, 20, 20), (20, 20, 220)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("RGB", (60, 40), RED).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def drawn(sheet: ContactSheet, folder: Path) -> Image.Image:
    [file] = render_sheet(sheet, folder, "contact-sheet")
    return Image.open(file).convert("RGB")


def share_of(image: Image.Image, color: tuple[int, int, int]) -> float:
    colors = {found: count for count, found in image.getcolors(1 << 24) or []}
    return colors.get(color, 0) / (image.width * image.height)


def test_pictures_fill_most_of_a_sheet(picture: Path, tmp_path: Path) -> None:
    image = drawn(sheet_of(axes=(axis("w", 3), axis("v", 2)), picture=picture), tmp_path)
    assert share_of(image, RED) > 0.3


def test_the_photo_and_the_painting_are_shown(picture: Path, tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), BLUE).save(tmp_path / "photo.png")
    photo = SheetPhoto(tmp_path / "photo.png", "a.jpg", "ab" * 32)
    for sheet in (sheet_of(axes=(axis("w", 3),), picture=picture), sheet_of(2, ("a", "b"), picture=picture)):
        with_photos = dataclasses.replace(sheet, photos=(photo,) * len(sheet.photos))
        assert share_of(drawn(with_photos, tmp_path), BLUE) > share_of(drawn(sheet, tmp_path), BLUE)
        paintings = {"night": (photo.path,), "a": (photo.path, photo.path)}
        assert share_of(drawn(dataclasses.replace(sheet, paintings=paintings), tmp_path), BLUE) > 0


def test_a_cell_says_that_its_picture_failed_or_was_not_made(picture: Path, tmp_path: Path) -> None:
    sheet = sheet_of(axes=(axis("w", 2),), picture=picture)
    made = drawn(sheet, tmp_path)
    for change in ({"error": "the loss became nan " * 30}, {}, {"picture": tmp_path / "gone.png"}):
        cells = (dataclasses.replace(sheet.cells[0], **{"picture": None, **change}), sheet.cells[1])
        image = drawn(dataclasses.replace(sheet, cells=cells), tmp_path)
        assert image.size == made.size
        assert share_of(image, RED) == pytest.approx(share_of(made, RED) / 2, rel=0.01)


def test_many_rows_go_on_several_pages_of_bounded_size(tmp_path: Path) -> None:
    files = render_sheet(sheet_of(60, axes=(axis("w", 8),)), tmp_path, "contact-sheet-2")
    assert [file.name for file in files] == ["contact-sheet-2-page1.png", "contact-sheet-2-page2.png"]
    for file in files:
        with Image.open(file) as image:
            assert max(image.size) <= MOST_PIXELS


def test_names_of_any_characters_are_drawn(picture: Path, tmp_path: Path) -> None:
    sheet = sheet_of(axes=(axis("w", 2),), picture=picture)
    photo = SheetPhoto(tmp_path / "gone.jpg", "\u202e日\udcff\n<img onerror>.jpg" * 9, "ab" * 32)
    drawn(dataclasses.replace(sheet, photos=(photo,), title="\x00" * 300), tmp_path)


def test_own_sheets_are_known(picture: Path, tmp_path: Path) -> None:
    [sheet] = render_sheet(sheet_of(2, picture=picture), tmp_path, "contact-sheet")
    assert is_own_sheet(sheet)
    Image.open(sheet).save(sheet)  # by another program
    assert not is_own_sheet(sheet)
    assert not is_own_sheet(picture)
    assert not is_own_sheet(tmp_path / "gone.png")


def test_a_folder_that_cant_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="gone"):
        render_sheet(sheet_of(2), tmp_path / "gone", "contact-sheet")
