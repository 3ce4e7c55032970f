import errno
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.images.publish import publish, replace, storage_error, sync_folder


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_part_gets_its_final_name(tmp_path: Path) -> None:
    part = written(tmp_path / "part", "picture")
    assert publish(part, tmp_path / "final.jpg")
    assert files(tmp_path) == {"final.jpg": "picture"}


def test_a_file_of_the_same_name_is_never_overwritten(tmp_path: Path) -> None:
    part = written(tmp_path / "part", "picture")
    final = written(tmp_path / "final.jpg", "the user's")
    assert not publish(part, final)
    assert files(tmp_path) == {"part": "picture", "final.jpg": "the user's"}


@pytest.mark.parametrize("placed", [publish, replace])
def test_a_missing_folder_is_named(tmp_path: Path, placed: object) -> None:
    part = written(tmp_path / "part", "picture")
    with pytest.raises(StorageError, match=r"gone can't be written .*check that the folder exists"):
        placed(part, tmp_path / "gone" / "final.jpg")  # type: ignore[operator]
    assert files(tmp_path) == {"part": "picture"}


def test_replacing_puts_the_part_in_the_place_of_the_old_file(tmp_path: Path) -> None:
    part = written(tmp_path / "part", "new")
    assert replace(part, written(tmp_path / "final.jpg", "old"))
    assert files(tmp_path) == {"final.jpg": "new"}


def test_a_missing_folder_cannot_be_synced(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(StorageError, match="gone"):
        sync_folder(tmp_path / "gone")


def test_a_full_disk_is_called_by_its_name(tmp_path: Path) -> None:
    error = storage_error(tmp_path, OSError(errno.ENOSPC, "No space left on device"))
    assert str(error).startswith(f"the disk of {tmp_path} is full")


def test_an_error_without_a_system_message_keeps_its_text(tmp_path: Path) -> None:
    assert "odd" in str(storage_error(tmp_path, OSError("odd")))
