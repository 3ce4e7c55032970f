"""Files are opened below their folder, through no link, and are the ones that were seen."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from io import BufferedReader
from pathlib import Path

import pytest

from pipeline.intake.safe_open import FileReplacedError, lies_below, open_below
from pipeline.intake.scan import photo_from_stat

Open = Callable[[Path, str], BufferedReader]

links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
#: The way of each system: here only one of them is taken, but Windows takes the other one.
WAYS = pytest.mark.parametrize("opened", [open_below, partial(open_below, use_dir_fd=False)], ids=["here", "Windows"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with ``trip/day/a.jpg``, beside one with a ``secret/a.jpg`` of the same size and time."""
    for folder in (tmp_path / "in" / "trip" / "day", tmp_path / "secret"):
        folder.mkdir(parents=True)
        (folder / "a.jpg").write_bytes(folder.name.encode().ljust(10))
        os.utime(folder / "a.jpg", (1, 1))
    return tmp_path / "in"


def content(opened: Open, root: Path, path: str) -> bytes:
    with opened(root, path) as file:
        return file.read()


@WAYS
def test_a_file_in_a_folder_is_opened_and_the_folder_itself_may_be_a_link(root: Path, opened: Open) -> None:
    assert content(opened, root, "trip/day/a.jpg").strip() == b"day"
    if sys.platform != "win32":
        (root.parent / "link").symlink_to(root)
        assert content(opened, root.parent / "link", "trip/day/a.jpg").strip() == b"day"


@links
@WAYS
def test_a_link_in_the_photos_place_is_refused_also_one_that_stays_inside(root: Path, opened: Open) -> None:
    for target in (root.parent / "secret" / "a.jpg", root / "trip" / "day" / "a.jpg", root / "nowhere"):
        (root / "b.jpg").symlink_to(target)
        with pytest.raises(FileReplacedError, match="links are not followed"):
            opened(root, "b.jpg")
        (root / "b.jpg").unlink()


@links
@WAYS
def test_a_link_in_the_place_of_a_folder_above_is_refused(root: Path, opened: Open) -> None:
    shutil.rmtree(root / "trip" / "day")
    (root / "trip" / "day").symlink_to(root.parent / "secret")
    with pytest.raises(FileReplacedError):
        opened(root, "trip/day/a.jpg")


@links
@pytest.mark.parametrize("use_dir_fd", [True, False])
def test_a_path_leads_through_no_link(root: Path, use_dir_fd: bool) -> None:
    (root / "trip" / "link").symlink_to(root.parent / "secret")
    found = {
        path: lies_below(root, path, use_dir_fd=use_dir_fd)
        for path in ("trip/day/a.jpg", "trip/link/a.jpg", "trip/link", "trip/day/a.jpg/b.jpg", "nowhere/a.jpg")
    }
    assert list(found.values()) == [True, False, True, False, True]


@links
@WAYS
def test_a_fifo_is_refused_at_once(root: Path, opened: Open) -> None:
    os.mkfifo(root / "b.jpg")
    with pytest.raises(FileReplacedError):
        opened(root, "b.jpg")


@WAYS
def test_folders_are_no_photos_and_paths_lead_down_only(root: Path, opened: Open) -> None:
    for path in (
        "trip",
        "trip/day",
        "../secret/a.jpg",
        "trip/../../secret/a.jpg",
        "./trip/day/a.jpg",
        "trip//day/a.jpg",
    ):
        with pytest.raises(FileReplacedError):
            opened(root, path)
    with pytest.raises(FileReplacedError):
        opened(root, "trip/day/a.jpg/b.jpg")


@WAYS
def test_what_is_missing_is_missing(root: Path, opened: Open) -> None:
    for path in ("trip/b.jpg", "elsewhere/a.jpg"):
        with pytest.raises(FileNotFoundError):
            opened(root, path)
    with pytest.raises(FileNotFoundError):
        opened(root / "gone", "a.jpg")


def test_a_file_has_to_be_as_it_was_seen(root: Path) -> None:
    photo = root / "trip" / "day" / "a.jpg"
    seen = photo_from_stat("trip/day/a.jpg", photo.stat())
    with open_below(root, seen.path, seen) as file:
        assert file.read().strip() == b"day"
    os.utime(photo, (2, 2))
    with pytest.raises(FileReplacedError, match="changed after it was found"):
        open_below(root, seen.path, seen)


def test_another_number_alone_is_no_other_file(root: Path) -> None:
    photo = root / "trip" / "day" / "a.jpg"
    seen = photo_from_stat("trip/day/a.jpg", photo.stat())
    photo.rename(root / "before.jpg")
    photo.write_bytes(b"day".ljust(10))
    os.utime(photo, (1, 1))
    open_below(root, seen.path, seen).close()


def test_nothing_stays_open(root: Path) -> None:
    handles = Path("/proc/self/fd")
    if not handles.exists():
        pytest.skip("this system does not tell")
    before = len(list(handles.iterdir()))
    open_below(root, "trip/day/a.jpg").close()
    for path in ("trip", "trip/b.jpg", "trip/day/a.jpg/b.jpg"):
        with pytest.raises(OSError):
            open_below(root, path)
    assert len(list(handles.iterdir())) == before


@links
def test_a_path_beyond_the_systems_limit_can_be_opened_part_by_part(root: Path) -> None:
    folders = ["d" * 200] * 25
    here = os.open(root, os.O_RDONLY)
    for name in folders:
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("a.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)
    open_below(root, "/".join([*folders, "a.jpg"])).close()
