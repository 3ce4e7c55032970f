from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.intake.masks import FoundMasks, list_masks, look_for_masks, mask_key


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """A folder with masks, and with what is none."""
    for name in (
        "a.png",
        "sea/1.TIF",
        "sea/1.webp",
        "sea/1.txt",
        "sea/.hidden.png",
        "sea/2.heic",
        "trip.zip/beach/1.png",
        unicodedata.normalize("NFD", "caf\u00e9.png"),
    ):
        path = tmp_path / "masks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "stranger.png").touch()
    (tmp_path / "masks" / "link.png").symlink_to(tmp_path / "stranger.png")
    return tmp_path / "masks"


def names(found: FoundMasks) -> dict[str, list[str]]:
    return {
        key: [unicodedata.normalize("NFC", file.path) for file in files] for key, files in sorted(found.files.items())
    }


def test_each_mask_belongs_to_the_photo_of_its_path(masks: Path) -> None:
    assert names(list_masks(masks)) == {
        "a": ["a.png"],
        "caf\u00e9": ["caf\u00e9.png"],
        "sea/1": ["sea/1.TIF", "sea/1.webp"],
        "trip.zip/beach/1": ["trip.zip/beach/1.png"],
    }
    assert mask_key("sea/1.jpg") == mask_key("sea/1.png") != mask_key("sea/1.b.jpg")


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("a.jpg", ["a"]),
        ("sea/1.CR2", ["sea/1"]),
        ("sea", ["sea/1"]),
        ("trip.zip", ["trip.zip/beach/1"]),
        ("trip.zip/beach/1.jpg", ["trip.zip/beach/1"]),
        ("caf\u00e9.jpg", ["caf\u00e9"]),
        ("sea/2.jpg", []),
        ("link.jpg", []),
        ("nowhere/at/all.jpg", []),
    ],
)
def test_the_masks_of_one_photo_or_of_one_folder_are_looked_for_alone(
    masks: Path, path: str, keys: list[str]
) -> None:
    found = look_for_masks(masks, [path])
    assert sorted(found.files) == keys
    assert {key: list_masks(masks).files[key] for key in keys} == found.files


def test_a_folder_that_is_not_there_is_named_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        StorageError, match=r"^masks\.folder: .*nowhere does not exist; no mask is treated as deleted"
    ):
        list_masks(tmp_path / "nowhere")
    with pytest.raises(StorageError, match=r"^masks\.folder: .*file is no folder"):
        look_for_masks(tmp_path / "file", ["a.jpg"])
