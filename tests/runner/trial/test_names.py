from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from pipeline.runner.trial.names import (
    free_sheet_name,
    is_picture_stem,
    is_sheet_name,
    photo_folder,
    photo_labels,
    picture_stem,
    time_name,
    values_text,
)

NOW = datetime(2026, 11, 29, 21, 17, 5)  # a name, not a moment


def test_values_stand_in_the_name_short_and_safe() -> None:
    assert values_text({}, 1) == ""
    assert values_text({"content_weight": "0.5", "optimizer": "adam"}, 2) == "--content_weight=0.5,optimizer=adam"
    assert values_text({"content_layers": "[relu4_2, relu5_2]"}, 2) == "--content_layers=relu4_2+relu5_2"
    assert values_text({"size": "'30x40 cm @ 300 dpi'"}, 3) == "--size=30x40cm_300dpi"
    assert values_text({"content_layers": "{relu5_2: 2}"}, 3) == "--content_layers=relu5_2_2"


@pytest.mark.parametrize(
    "values",
    [
        {"style_layers": "[relu1_1, relu2_1, relu3_1, relu4_1, relu5_1]"},
        {f"{name}_weight": "0.000001" for name in ("content", "style", "tv", "further", "last")},
        {"loss": "a/b"},
        {"loss": ""},
    ],
)
def test_values_that_make_no_short_safe_name_are_counted(values: dict[str, str]) -> None:
    assert values_text(values, 7) == "--variant7"


def test_a_name_by_the_time_is_never_used_twice(tmp_path: Path) -> None:
    sheets = tmp_path / "sheets"
    sheets.mkdir()
    assert time_name(NOW, tmp_path, (sheets,)) == "2026-11-29-211705"
    (tmp_path / "2026-11-29-211705").mkdir()
    assert time_name(NOW, tmp_path, (sheets,)) == "2026-11-29-211705-2"
    (sheets / "2026-11-29-211705-2.js").touch()
    assert time_name(NOW, tmp_path, (sheets,)) == "2026-11-29-211705-3"


def test_photos_are_told_apart_by_their_folders_and_else_by_numbers() -> None:
    paths = [Path("2023/IMG_1.jpg"), Path("2024/img_1.JPG"), Path("sea.png"), Path("x/2024/IMG_1.jpg")]
    assert photo_labels(paths) == ["2023-IMG_1", "2024-img_1", "sea", "2024-IMG_1-2"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a:b?\n.jpg", "a_b__"), ("con.jpg", "con_"), ("dot..jpg", "dot_"), ("\x1b[31m.jpg", "_[31m")],
)
def test_names_that_some_system_forbids_are_replaced_as_in_all_pictures(name: str, expected: str) -> None:
    assert photo_folder(Path(name)) == expected
    assert photo_labels([Path(name), Path("other.jpg")])[0] == expected


def test_long_names_are_cut_also_those_of_any_bytes() -> None:
    labels = photo_labels([Path("é" * 120 + ".jpg"), Path("\udcff" * 200 + ".jpg"), Path("... .jpg")])
    assert all(0 < len(label.encode("utf-8", "surrogateescape")) <= 90 for label in labels)


@pytest.mark.parametrize(
    ("folder", "stem", "is_tried"),
    [
        ("sea", "night", True),
        ("sea", "night-2", True),
        ("sea", "night--fine", True),
        ("sea", "night--content_weight=0.5,optimizer=adam-3", True),
        ("sea", "night--fine--variant12", True),
        ("sea", "night--mine", False),
        ("sea", "sea--night", False),
        ("2026-11-29-211705", "sea--night--fine--content_weight=0.5", True),
        ("2026-11-29-211705-2", "a\nb--night-2", True),
        ("2026-11-29", "sea--night", False),
    ],
)
def test_a_picture_of_a_try_is_recognized(folder: str, stem: str, is_tried: bool) -> None:
    assert is_picture_stem(folder, stem, "night", "fine") is is_tried


def test_what_is_named_is_recognized() -> None:
    for label, folder in (("", "sea"), ("a--b", "2026-11-29-211705")):
        for values in ({}, {"content_layers": "[relu4_2, {relu5_2: 1}]"}, {"seed": "1"}):
            stem = picture_stem(label, "night--fine", values_text(values, 4))
            assert is_picture_stem(folder, stem, "night", "fine")
            assert is_picture_stem(folder, f"{stem}-2", "night", "fine")


def test_sheets_have_free_names(tmp_path: Path) -> None:
    assert free_sheet_name(tmp_path) == "contact-sheet"
    (tmp_path / "contact-sheet.png").touch()
    (tmp_path / "contact-sheet-2-page1.png").touch()
    assert free_sheet_name(tmp_path) == "contact-sheet-3"
    assert is_sheet_name("contact-sheet-2-page1.png")
    assert is_sheet_name("contact-sheet.png")
    assert not is_sheet_name("contact-sheet-mine.png")
