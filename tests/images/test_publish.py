import errno
import os
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.images.publish import publish, replace, storage_error, sync_folder


def no_links(source: Path, target: Path) -> None:
    """A file system without hard links."""
    raise OSError(errno.EPERM, "Operation not permitted")


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("link", [os.link, no_links])
def test_a_part_gets_its_final_name(tmp_path: Path, link: object) -> None:
    part = written(tmp_path / "part", "picture")
    assert publish(part, tmp_path / "final.jpg", link=link)  # type: ignore[arg-type]
    assert files(tmp_path) == {"final.jpg": "picture"}


@pytest.mark.parametrize("link", [os.link, no_links])
def test_a_file_of_the_same_name_is_never_overwritten(tmp_path: Path, link: object) -> None:
    part = written(tmp_path / "part", "picture")
    final = written(tmp_path / "final.jpg", "the user's")
    assert not publish(part, final, link=link)  # type: ignore[arg-type]
    assert files(tmp_path) == {"part": "picture", "final.jpg": "the user's"}


def test_a_dangling_symlink_takes_the_name_too(tmp_path: Path) -> None:
    part = written(tmp_path / "part", "picture")
    final = tmp_path / "final.jpg"
    final.symlink_to(tmp_path / "nowhere")
    assert not publish(part, final, link=no_links)
    assert final.is_symlink()


def test_a_publication_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    part = written(tmp_path / "part", "picture")
    os.link(part, tmp_path / "final.jpg")
    assert publish(part, tmp_path / "final.jpg")
    assert files(tmp_path) == {"final.jpg": "picture"}


@pytest.mark.parametrize("place", [publish, replace])
def test_a_missing_folder_is_named(tmp_path: Path, place: object) -> None:
    part = written(tmp_path / "part", "picture")
    with pytest.raises(StorageError, match=r"gone can't be written .*check that the folder exists"):
        place(part, tmp_path / "gone" / "final.jpg")  # type: ignore[operator]
    assert files(tmp_path) == {"part": "picture"}


def test_a_missing_part_is_an_error_even_if_the_name_is_taken(tmp_path: Path) -> None:
    final = written(tmp_path / "final.jpg", "the user's")
    with pytest.raises(StorageError, match="No such file"):
        publish(tmp_path / "part", final)


def test_replacing_puts_the_part_in_the_place_of_the_old_file(tmp_path: Path) -> None:
    part = written(tmp_path / "part", "new")
    replace(part, written(tmp_path / "final.jpg", "old"))
    assert files(tmp_path) == {"final.jpg": "new"}


def test_folders_are_synced(tmp_path: Path) -> None:
    synced: list[int] = []
    sync_folder(tmp_path, fsync=synced.append)
    assert len(synced) == 1
    sync_folder(tmp_path)


def test_a_folder_that_cannot_be_synced_by_its_file_system_is_left_alone(tmp_path: Path) -> None:
    def unsupported(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    sync_folder(tmp_path, fsync=unsupported)


def test_a_failing_sync_is_reported(tmp_path: Path) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(StorageError, match="Input/output error"):
        sync_folder(tmp_path, fsync=failing)


def test_a_missing_folder_cannot_be_synced(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="gone"):
        sync_folder(tmp_path / "gone")


def test_systems_that_open_no_folders_are_spared_the_sync(tmp_path: Path) -> None:
    def refusing(path: Path, flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    synced: list[int] = []
    sync_folder(tmp_path, fsync=synced.append, open_folder=refusing)
    assert synced == []


def test_a_full_disk_is_called_by_its_name(tmp_path: Path) -> None:
    error = storage_error(tmp_path, OSError(errno.ENOSPC, "No space left on device"))
    assert str(error).startswith(f"the disk of {tmp_path} is full")


def test_an_error_without_a_system_message_keeps_its_text(tmp_path: Path) -> None:
    assert "odd" in str(storage_error(tmp_path, OSError("odd")))
