from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.runner.instance import known_mounts

MountPoint = Callable[[Path], Path]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "mounts.json"


def mounted_at(*points: Path) -> MountPoint:
    def mount_point(folder: Path) -> Path:
        found = [point for point in (*points, Path(folder.anchor)) if folder.is_relative_to(point)]
        return max(found, key=lambda point: len(point.parts))

    return mount_point


@pytest.fixture
def disk(tmp_path: Path, file: Path) -> Path:
    """Return the mount point of a disk that had a folder in use, ``pictures``."""
    (tmp_path / "disk" / "pictures").mkdir(parents=True)
    known_mounts.store_mount(tmp_path / "disk" / "pictures", file, mount_point=mounted_at(tmp_path / "disk"))
    return tmp_path / "disk"


def test_a_folder_whose_disk_is_not_mounted_any_more_is_refused(disk: Path, file: Path) -> None:
    with pytest.raises(StorageError) as caught:
        known_mounts.require_mounted(disk / "pictures", file, mount_point=mounted_at())
    for path in (disk, disk / "pictures", file):
        assert str(path) in str(caught.value)


def test_so_is_one_that_went_with_its_mount_point(disk: Path, file: Path) -> None:
    (disk / "pictures").rmdir()
    disk.rmdir()
    with pytest.raises(StorageError):
        known_mounts.require_mounted(disk / "pictures", file, mount_point=mounted_at())


def test_one_that_was_deleted_from_its_disk_may_begin_anew(disk: Path, file: Path) -> None:
    (disk / "pictures").rmdir()
    known_mounts.require_mounted(disk / "pictures", file, mount_point=mounted_at(disk))


def test_other_folders_and_other_disks_in_the_same_place_are_no_matter(disk: Path, file: Path) -> None:
    known_mounts.require_mounted(disk / "other", file, mount_point=mounted_at())
    known_mounts.require_mounted(disk / "pictures", file, mount_point=mounted_at(disk, disk / "pictures"))


def test_a_folder_on_the_first_disk_is_not_remembered(tmp_path: Path, file: Path) -> None:
    known_mounts.store_mount(tmp_path, file, mount_point=mounted_at())
    assert not file.exists()
    known_mounts.require_mounted(tmp_path, file, mount_point=mounted_at())


def test_a_folder_that_moved_to_the_first_disk_is_forgotten(disk: Path, file: Path) -> None:
    known_mounts.store_mount(disk / "pictures", file, mount_point=mounted_at())
    known_mounts.require_mounted(disk / "pictures", file, mount_point=mounted_at())


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_file_knows_nothing(disk: Path, file: Path, content: str) -> None:
    file.write_text(content)
    known_mounts.require_mounted(disk / "pictures", file, mount_point=mounted_at())


def test_what_cant_be_kept_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    known_mounts.store_mount(tmp_path, tmp_path / "cache" / "mounts.json", mount_point=mounted_at(tmp_path))


def test_a_folder_of_photos_is_remembered_on_the_first_disk_too(tmp_path: Path, file: Path) -> None:
    known_mounts.store_input_mount(tmp_path / "in", Path("/"), file)
    known_mounts.store_input_mount(tmp_path / "elsewhere", Path("/disk"), file)
    assert known_mounts.stored_mount(tmp_path / "in", file) == Path("/")
    assert known_mounts.stored_mount(tmp_path / "other", file) is None
    known_mounts.store_input_mount(tmp_path / "in", Path("/disk"), file)
    assert known_mounts.stored_mount(tmp_path / "in", file) == Path("/disk")


def test_what_is_known_of_a_folder_of_photos_refuses_no_folder_of_pictures(tmp_path: Path, file: Path) -> None:
    known_mounts.store_input_mount(tmp_path, Path("/"), file)
    for points in ((), (tmp_path,)):
        known_mounts.require_mounted(tmp_path, file, mount_point=mounted_at(*points))


def test_mounts_below_a_folder_of_photos_are_remembered(tmp_path: Path, file: Path) -> None:
    known_mounts.store_input_mount(tmp_path, Path("/"), file, below=["nas", "cards/1"])
    known_mounts.store_input_mount(tmp_path / "other", tmp_path, file)
    assert known_mounts.stored_mounts_below(tmp_path, file) == {"nas", "cards/1"}
    assert known_mounts.stored_mounts_below(tmp_path / "nas", file) == frozenset()
