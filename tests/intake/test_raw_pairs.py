"""Raw files beside their JPEGs: which files are one photo, and which of them is left out."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from pipeline.intake.raw_pairs import is_raw, left_out, moving_with, siblings


@pytest.mark.parametrize(
    ("paths", "kind"),
    [
        (["IMG_1.CR2", "IMG_1.JPG"], "JPEG"),
        (["IMG_1.cr2", "IMG_1.jpg"], "JPEG"),
        (["IMG_1.CR2", "img_1.jpg"], "JPEG"),
        (["a/b.dng", "a/b.heic"], "HEIC"),
        (["a/b.NEF", "a/b.png"], "PNG"),
        (["a/b.NEF", "a/b.tif", "a/b.jpe"], "JPEG"),
        (["a/b.NEF", "a/b.tif"], "TIFF"),
        ([f"{unicodedata.normalize('NFC', 'Bär')}.ARW", f"{unicodedata.normalize('NFD', 'Bär')}.jpg"], "JPEG"),
        (["trip.zip/1.RAF", "trip.zip/1.jpeg"], "JPEG"),
    ],
)
def test_a_raw_beside_another_photo_of_its_name_is_left_out(paths: list[str], kind: str) -> None:
    assert left_out(paths, "prefer_jpeg") == {paths[0]: f"raw beside its {kind}"}
    assert left_out(reversed(paths), "prefer_jpeg") == {paths[0]: f"raw beside its {kind}"}
    assert left_out(paths, "both") == {}


@pytest.mark.parametrize(
    "paths",
    [
        ["IMG_1.CR2", "IMG_2.JPG"],
        ["a/IMG_1.CR2", "b/IMG_1.JPG"],
        ["IMG_1.CR2", "IMG_1.CR2.jpg"],
        ["IMG_1.CR2", "IMG_1.DNG"],
        ["IMG_1.JPG", "IMG_1.HEIC"],
        ["IMG_1.jpg", "IMG_1.xmp"],
    ],
)
@pytest.mark.parametrize("choice", ["prefer_jpeg", "prefer_raw", "both"])
def test_what_is_not_a_raw_and_its_jpeg_is_left_alone(paths: list[str], choice) -> None:
    assert left_out(paths, choice) == {}


def test_of_several_of_one_name_the_preferred_kind_stays() -> None:
    paths = ["1.CR2", "1.DNG", "1.JPG", "1.HEIC", "1.tif"]
    assert left_out(paths, "prefer_jpeg") == dict.fromkeys(["1.CR2", "1.DNG"], "raw beside its JPEG")
    assert left_out(paths, "prefer_raw") == {"1.JPG": "JPEG beside its raw", "1.HEIC": "HEIC beside its raw"}


def test_what_somebody_has_developed_is_not_left_out_for_its_raw() -> None:
    assert left_out(["1.CR2", "1.tif", "1.png"], "prefer_raw") == {}


def test_siblings_are_found_in_the_folder_whatever_their_case(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/IMG_1.CR2", "a/img_1.jpg", "a/IMG_1.xmp", "a/IMG_2.CR2", "IMG_1.CR2"):
        (tmp_path / name).touch()
    assert set(siblings(str(tmp_path), ["a/IMG_1.JPG"])) == {"a/IMG_1.CR2", "a/img_1.jpg", "a/IMG_1.xmp"}
    assert set(siblings(str(tmp_path), ["IMG_1.JPG", "a", "a/IMG_2.xmp"])) == {"IMG_1.CR2"}
    assert set(siblings(str(tmp_path), ["gone/1.jpg"])) == set()


def test_what_moves_with_what() -> None:
    raws, jpegs = moving_with(".JPG", "prefer_jpeg")
    assert ".cr2" in raws
    assert ".heic" in jpegs
    assert moving_with(".cr2", "prefer_raw")[0] >= {".jpg", ".heic"}
    for suffix in (".jpg", ".cr2"):
        assert moving_with(suffix, "both") == (frozenset(), frozenset())
    assert moving_with(".cr2", "prefer_jpeg") == (frozenset(), frozenset())


def test_names_of_raw_files() -> None:
    assert all(map(is_raw, ["a.CR2", "b/a.dng", "a.b.RAF"]))
    assert not any(map(is_raw, ["a.tif", "cr2", "a.cr2.jpg"]))
