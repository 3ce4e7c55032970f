from __future__ import annotations

import errno
import unicodedata
from pathlib import Path

import pytest

from pipeline.intake.scan import scan
from pipeline.model import IngestSettings, Remark
from pipeline.runner.style_folders import make_style_folders


def folders(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_missing_folders_are_made_and_said_once(tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    settings = IngestSettings(folder=tmp_path)
    (told,) = make_style_folders(settings, ["night", "wave", "both"])
    assert told == Remark(
        "", f"made the folders wave, both in {tmp_path}: a photo in a style's folder gets that style"
    )
    assert folders(tmp_path) == ["both", "night", "wave"]
    assert list(make_style_folders(settings, ["night", "wave", "both"])) == []


def test_a_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "night").write_text("mine")
    assert list(make_style_folders(IngestSettings(folder=tmp_path), ["night"])) == []
    assert (tmp_path / "night").read_text() == "mine"


def test_a_folder_whose_accent_is_stored_in_another_form_is_the_same(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "café")).mkdir()
    assert list(make_style_folders(IngestSettings(folder=tmp_path), ["café"])) == []


@pytest.mark.parametrize("name", ["con", "NUL", "com1", "lpt9.old", "é" * 200, ".hidden", "@eaDir", "raw", "painted"])
def test_folders_that_some_system_refuses_or_no_scan_enters_are_not_made(tmp_path: Path, name: str) -> None:
    settings = IngestSettings(folder=tmp_path, ignore=("raw/",), excluded=(tmp_path / "painted",))
    assert list(make_style_folders(settings, [name])) == []
    assert folders(tmp_path) == []


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert list(make_style_folders(IngestSettings(folder=tmp_path / "in"), ["night"])) == []
    assert folders(tmp_path) == []


def test_where_nothing_can_be_written_that_is_said_and_nothing_fails(tmp_path: Path) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    (told,) = make_style_folders(IngestSettings(folder=tmp_path), ["night", "wave"], mkdir=refuse)
    assert told.warning
    assert told.text == (
        f"the folder of the style night can't be made in {tmp_path} (Read-only file system); make the styles' "
        f"folders yourself, or set pairing.make_folders: false"
    )


def test_one_that_somebody_makes_meanwhile_is_no_error(tmp_path: Path) -> None:
    def too_late(folder: Path) -> None:
        folder.mkdir()
        raise FileExistsError(errno.EEXIST, "File exists")

    assert list(make_style_folders(IngestSettings(folder=tmp_path), ["night"], mkdir=too_late)) == []


def test_the_folders_are_scanned(tmp_path: Path) -> None:
    list(make_style_folders(IngestSettings(folder=tmp_path), ["night", "wave"]))
    assert scan(tmp_path).folders == 3
