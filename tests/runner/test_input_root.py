from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.runner.input_root import InputRoot


def test_a_folder_that_is_there_is_there(tmp_path: Path) -> None:
    root = InputRoot(tmp_path)
    root.require()
    assert root.is_there()
    assert not root.replaced_since_last_call()


def test_a_folder_that_was_never_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is gone"):
        InputRoot(tmp_path / "nothing")


def test_a_file_in_its_place_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    with pytest.raises(StorageError, match="Not a directory"):
        InputRoot(tmp_path / "in")


def test_a_folder_that_vanishes_is_missed_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    root = InputRoot(folder)
    folder.rename(tmp_path / "elsewhere")
    assert not root.is_there()
    with pytest.raises(StorageError, match="no photo is treated as deleted"):
        root.require()
    with pytest.raises(StorageError):
        root.replaced_since_last_call()
    (tmp_path / "elsewhere").rename(folder)
    root.require()
    assert not root.replaced_since_last_call()


def test_another_folder_in_its_place_is_told_of_once(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    root = InputRoot(folder)
    folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    root.require()
    assert [root.replaced_since_last_call(), root.replaced_since_last_call()] == [True, False]


class Mounts:
    """Where the folder lies, as a test says."""

    def __init__(self, point: str) -> None:
        self.point = Path(point)

    def __call__(self, folder: Path) -> Path:
        return self.point


def test_an_empty_folder_where_a_share_was_mounted_is_a_lost_share(tmp_path: Path) -> None:
    mounts = Mounts("/mnt/nas")
    root = InputRoot(tmp_path, mount_point=mounts)
    mounts.point = Path("/")
    with pytest.raises(StorageError, match="nothing is mounted there any more"):
        root.require()
    mounts.point = Path("/mnt/nas")
    root.require()


def test_a_share_mounted_after_the_start_is_what_counts_from_then_on(tmp_path: Path) -> None:
    mounts = Mounts("/")
    root = InputRoot(tmp_path, mount_point=mounts)
    mounts.point = Path("/mnt/nas")
    root.require()
    mounts.point = Path("/")
    assert not root.is_there()
