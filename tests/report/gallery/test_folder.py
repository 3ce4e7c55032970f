"""Files of the gallery are replaced whole; what the user put there stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.report.gallery.folder import GalleryFolder


def test_a_file_is_written_with_its_folder_and_replaced_without_leftovers(tmp_path: Path) -> None:
    folder = GalleryFolder(tmp_path / "gallery")

    folder.write("data/chunks/0000.js", b"one")
    folder.write("data/chunks/0000.js", b"two")

    assert folder.read("data/chunks/0000.js") == b"two"
    assert folder.names_in("data/chunks") == {"0000.js"}


def refusing(times: int, waits: list[float], folder: Path) -> GalleryFolder:
    """Return a folder whose files can't be replaced so many times, as Windows refuses it while one is being read."""
    refused = iter([True] * times)

    def replace(file: Path, data: bytes, _: Path) -> None:
        if next(refused, False):
            raise PermissionError(13, "Access is denied", str(file))
        file.write_bytes(data)

    return GalleryFolder(folder, replace=replace, sleep=waits.append)


def test_a_file_that_is_being_read_is_replaced_a_moment_later(tmp_path: Path) -> None:
    waits: list[float] = []

    refusing(3, waits, tmp_path).write("live.js", b"two")

    assert (tmp_path / "live.js").read_bytes() == b"two"
    assert len(waits) == 3


def test_a_file_that_may_not_be_replaced_is_said_soon(tmp_path: Path) -> None:
    waits: list[float] = []

    with pytest.raises(PermissionError):
        refusing(99, waits, tmp_path).write("live.js", b"two")

    assert sum(waits) < 1


def test_a_file_that_is_not_there_reads_as_none(tmp_path: Path) -> None:
    folder = GalleryFolder(tmp_path / "gallery")

    assert folder.read("index.html") is None
    assert folder.names_in("data") == set()
    assert not folder.exists("index.html")
    folder.remove("index.html")


def test_only_files_that_differ_are_replaced(tmp_path: Path) -> None:
    folder = GalleryFolder(tmp_path)
    folder.write_if_changed([("assets/a.js", b"1"), ("assets/b.js", b"1")])
    before = {name: (tmp_path / "assets" / name).stat().st_ino for name in ("a.js", "b.js")}
    kept = (tmp_path / "assets" / "b.js").open("rb")  # its number is not given to another file meanwhile

    folder.write_if_changed([("assets/a.js", b"1"), ("assets/b.js", b"2")])
    kept.close()

    assert (tmp_path / "assets" / "a.js").stat().st_ino == before["a.js"]
    assert (tmp_path / "assets" / "b.js").stat().st_ino != before["b.js"]


def test_a_page_of_the_users_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>My own gallery</h1>")

    with pytest.raises(StorageError, match=r"index.html is not stylewatch's .* gallery.enabled: false"):
        GalleryFolder(tmp_path).require_own()


def test_an_own_page_and_none_may_be_replaced(tmp_path: Path) -> None:
    GalleryFolder(tmp_path).require_own()
    (tmp_path / "index.html").write_text('<meta name="generator" content="stylewatch 0.0.1">')

    GalleryFolder(tmp_path).require_own()
