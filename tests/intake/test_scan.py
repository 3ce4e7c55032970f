import errno
import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import ConfigError, StorageError
from pipeline.intake.filters import ExcludedFolders, IgnorePatterns
from pipeline.intake.scan import PHOTO_SUFFIXES, ScanResult, _Scanner, scan, scan_paths
from tests.intake.nesting import nested

not_as_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="permissions mean nothing to root and to Windows"
)


def put(folder: Path, *paths: str) -> None:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def test_raw_files_are_photos_for_who_reads_them(tmp_path: Path) -> None:
    put(tmp_path, "a.CR2", "b/a.jpg", "b/a.dng")
    assert paths(scan(tmp_path, raw=True)) == ["a.CR2", "b/a.dng", "b/a.jpg"]
    assert paths(scan_paths(tmp_path, ["a.CR2"], raw=True)) == ["a.CR2"]
    assert paths(scan(tmp_path)) == ["b/a.jpg"]
    assert scan(tmp_path).skipped == {"camera raw": 2}


def paths(result: ScanResult) -> list[str]:
    return [photo.path for photo in result.photos]


def test_photos_of_all_folders_come_sorted_with_size_time_and_inode(tmp_path: Path) -> None:
    put(tmp_path, "b.jpg", "a/z.png", "a/b/c.webp", "A.JPG")
    result = scan(tmp_path)
    assert paths(result) == ["A.JPG", "a/b/c.webp", "a/z.png", "b.jpg"]
    assert result.folders == 3
    status = (tmp_path / "b.jpg").stat()
    last = result.photos[-1]
    assert (last.size_bytes, last.mtime_ns, last.inode) == (1, status.st_mtime_ns, status.st_ino)


@pytest.mark.parametrize("suffix", sorted(PHOTO_SUFFIXES))
def test_every_photo_suffix_counts_in_any_case(tmp_path: Path, suffix: str) -> None:
    put(tmp_path, f"lower{suffix}", f"upper{suffix.upper()}")
    assert len(scan(tmp_path).photos) == 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".DS_Store", "junk"),
        ("._photo.jpg", "junk"),
        ("Thumbs.db", "junk"),
        ("desktop.ini", "junk"),
        ("@eaDir/thumb.jpg", "junk"),
        ("photo.xmp", "sidecar"),
        ("photo.AAE", "sidecar"),
        ("notes.txt", "sidecar"),
        ("clip.mov", "video"),
        ("clip.MP4", "video"),
        ("photo.NEF", "camera raw"),
        ("photo.jpg.part", "partial download"),
        ("photo.jpg.crdownload", "partial download"),
        ("photo.tmp", "partial download"),
        (".photo.jpg", "hidden"),
        (".thumbnails/photo.jpg", "hidden"),
        ("photo", "other"),
        ("photo.jpg~", "other"),
    ],
)
def test_what_is_no_photo_is_skipped_and_counted_by_kind(tmp_path: Path, name: str, kind: str) -> None:
    put(tmp_path, name)
    result = scan(tmp_path)
    assert result.photos == ()
    assert result.skipped == {kind: 1}


def test_an_empty_file_is_a_photo_for_the_scan(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert scan(tmp_path).photos[0].size_bytes == 0


def test_ignore_patterns_work_as_in_gitignore_and_prune_folders(tmp_path: Path) -> None:
    put(tmp_path, "raw/a.jpg", "keep/raw/b.jpg", "x.png", "keep.png", "keep/c.jpg")
    result = scan(tmp_path, ["raw/", "*.png", "!keep.png"])
    assert paths(result) == ["keep.png", "keep/c.jpg"]
    assert result.skipped == {"ignored": 3}
    assert result.folders == 2


def test_a_bad_pattern_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"input\.ignore: .*'!'"):
        scan(tmp_path, ["!"])


def test_the_output_folder_is_not_entered(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "out/a--night.jpg")
    result = scan(tmp_path, excluded=[tmp_path / "out", tmp_path / "elsewhere"])
    assert paths(result) == ["a.jpg"]
    assert result.skipped == {"output": 1}


def test_links_are_counted_and_never_followed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder, "a.jpg", "sub/b.jpg")
    put(tmp_path, "stranger.jpg", "strangers/c.jpg")
    (folder / "twin.jpg").symlink_to(folder / "a.jpg")
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "out.jpg").symlink_to(tmp_path / "stranger.jpg")
    (folder / "outfolder").symlink_to(tmp_path / "strangers")
    (folder / "dangling.jpg").symlink_to(folder / "missing.jpg")
    result = scan(folder)
    assert paths(result) == ["a.jpg", "sub/b.jpg"]
    assert result.skipped == {"link": 3, "link leaving the folder": 2}


def test_the_input_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    put(tmp_path / "real", "a.jpg")
    (tmp_path / "in").symlink_to(tmp_path / "real")
    assert paths(scan(tmp_path / "in")) == ["a.jpg"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9.jpg", "wb"):  # noqa: PTH123 - only bytes can say this name
        pass
    (photo,) = scan(tmp_path, ["*.png"]).photos
    assert os.fsencode(photo.path) == b"caf\xe9.jpg"


def test_a_fifo_with_a_photos_name_is_no_photo(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no fifos here")
    os.mkfifo(tmp_path / "a.jpg")
    assert scan(tmp_path).skipped == {"other": 1}


def test_folders_deeper_than_the_recursion_limit_are_scanned(tmp_path: Path) -> None:
    deep = "/".join("d" * 200)
    put(tmp_path, f"{deep}/a.jpg")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        result = scan(tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert paths(result) == [f"{deep}/a.jpg"]


@pytest.mark.parametrize(("make", "expected"), [(None, "does not exist"), ("file", "is not a folder")])
def test_an_unusable_root_is_one_sentence(tmp_path: Path, make: str | None, expected: str) -> None:
    root = tmp_path / "in"
    if make:
        root.write_bytes(b"")
    with pytest.raises(StorageError, match=rf"input\.folder: .*in {expected}"):
        scan(root)


def test_a_folder_that_vanishes_during_the_scan_is_no_error(tmp_path: Path) -> None:
    scanner = _Scanner(str(tmp_path), IgnorePatterns([]), ExcludedFolders([]))
    scanner.record_error("a/b", FileNotFoundError(errno.ENOENT, "No such file or directory"))
    assert scanner.result() == ScanResult((), {}, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs paths longer than the system takes")
def test_what_cannot_be_read_is_named_and_the_scan_goes_on(tmp_path: Path) -> None:
    put(tmp_path, "z.jpg")
    here, parts = os.open(tmp_path, os.O_RDONLY), []
    while len(os.fsencode(tmp_path)) + 201 * (len(parts) + 1) < 4096:
        parts.append(b"\xe9" + b"d" * 199)
        os.mkdir(parts[-1], dir_fd=here)
        there = os.open(parts[-1], os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = there
    os.mkdir("f" * 250, dir_fd=here)
    os.close(os.open("p" * 246 + ".jpg", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    result = scan(tmp_path)
    assert paths(result) == ["z.jpg"]
    assert result.skipped == {"unreadable": 2}
    assert [path[-5:] for path in result.unreadable] == ["ddddd", "fffff"]
    assert result.notes[0].startswith("?ddd")
    assert result.notes[0].endswith(
        "ddd has files whose paths are too long for this system; they are left out until you shorten them"
    )
    assert result.notes[1].endswith(
        "fff can't be read (File name too long), so it is left out for now; check its permissions and its disk"
    )


class VanishingFolder(type(Path())):  # type: ignore[misc]
    """A folder whose disk is swapped for another one during the scan."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        status = super().stat(follow_symlinks=follow_symlinks)
        looks.append(status)
        return os.stat_result((*status[:2], status.st_dev + len(looks), *status[3:]))


looks: list[os.stat_result] = []


@pytest.fixture
def fresh_looks() -> Iterator[None]:
    looks.clear()
    yield
    looks.clear()


@pytest.mark.usefixtures("fresh_looks")
def test_a_root_replaced_during_the_scan_is_not_a_mass_deletion(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    with pytest.raises(StorageError, match="was replaced during the scan"):
        scan(VanishingFolder(tmp_path))


@not_as_root
def test_an_unreadable_subfolder_is_left_out_with_a_note(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "secret/b.jpg")
    (tmp_path / "secret").chmod(0)
    try:
        result = scan(tmp_path)
    finally:
        (tmp_path / "secret").chmod(0o700)
    assert paths(result) == ["a.jpg"]
    assert result.unreadable == ("secret",)


@not_as_root
def test_an_unreadable_root_is_a_storage_error(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir(mode=0)
    with pytest.raises(StorageError, match="can't be read"):
        scan(root)


# --- a look at some paths only ----------------------------------------------------------------------------


def test_a_look_at_files_and_folders_sees_these_and_what_is_below(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg", "trip/c.jpg", "trip/deep/d.jpg", "other/e.jpg")
    assert paths(scan_paths(tmp_path, ["a.jpg", "trip"])) == ["a.jpg", "trip/c.jpg", "trip/deep/d.jpg"]
    assert paths(scan_paths(tmp_path, ["trip/deep/d.jpg"])) == ["trip/deep/d.jpg"]
    assert scan_paths(tmp_path, ["a.jpg"]).photos == (scan(tmp_path).photos[0],)


def test_a_photo_is_seen_once_however_often_it_is_named(tmp_path: Path) -> None:
    put(tmp_path, "trip/deep/d.jpg")
    assert paths(scan_paths(tmp_path, ["trip/deep/d.jpg", "trip/deep", "trip", "trip"])) == ["trip/deep/d.jpg"]


def test_what_is_not_there_is_left_out_without_a_word(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    result = scan_paths(tmp_path, ["b.jpg", "gone/c.jpg", "a.jpg/d.jpg"])
    assert (result.photos, result.unreadable) == ((), ())


@pytest.mark.parametrize(
    "path", [".git/a.jpg", "@eaDir/a.jpg", "raw/a.jpg", "raw/deep/a.jpg", "out/a.jpg", "a.txt", "._a.jpg"]
)
def test_a_look_passes_over_what_a_scan_passes_over(tmp_path: Path, path: str) -> None:
    put(tmp_path, path)
    result = scan_paths(tmp_path, [path], ["raw/"], excluded=[tmp_path / "out"])
    assert result.photos == scan(tmp_path, ["raw/"], excluded=[tmp_path / "out"]).photos == ()


def test_a_look_follows_no_links(tmp_path: Path) -> None:
    put(tmp_path, "in/real/a.jpg", "elsewhere/b.jpg")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "twin.jpg").symlink_to(tmp_path / "in" / "real" / "a.jpg")
    result = scan_paths(tmp_path / "in", ["link/b.jpg", "link", "twin.jpg", "real/a.jpg"])
    assert paths(result) == ["real/a.jpg"]
    assert result.skipped == {"link": 1, "link leaving the folder": 1}


def test_a_look_into_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="does not exist"):
        scan_paths(tmp_path / "nothing", ["a.jpg"])


def test_a_folder_too_deep_is_named_once_and_all_above_it_is_there(tmp_path: Path) -> None:
    put(tmp_path, "a.png")
    with nested(tmp_path, "d", 1000, {1: b"x", 200: b"x", 201: b"x", 900: b"x"}):
        whole = scan(tmp_path)
        deepest, too_deep = ("/".join(["d"] * depth) for depth in (200, 201))
        assert paths(whole) == ["a.png", f"{deepest}/photo.png", "d/photo.png"]
        assert whole.unreadable == (too_deep,)
        assert whole.notes == (f"{too_deep} lies more than 200 folders deep, so it is left out; move it up",)
        assert whole.skipped == {"unreadable": 1}
        hinted = scan_paths(tmp_path, [f"{too_deep}/photo.png", f"{too_deep}/d/d/photo.png", f"{deepest}/photo.png"])
        assert (paths(hinted), hinted.unreadable) == ([f"{deepest}/photo.png"], (too_deep,))
        assert scan_paths(tmp_path, [f"{too_deep}/photo.png"], ignore=["/d/d/"]).unreadable == ()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
def test_paths_too_long_for_the_system_are_their_folders_trouble(tmp_path: Path) -> None:
    name = "x" * 250
    levels = range(1, 18)
    with nested(tmp_path, name, 17, dict.fromkeys(levels, b"x")):
        result = scan(tmp_path)
    assert 10 < len(result.photos) < 17
    # The last folder that can be listed has a photo whose path is too long, and often one whose folder's path is.
    assert 1 <= len(result.unreadable) <= 2
    for note in result.notes:
        assert "too long for this system" in note or "File name too long" in note


def test_many_files_with_paths_too_long_are_one_trouble(tmp_path: Path) -> None:
    scanner = _Scanner(str(tmp_path), IgnorePatterns(()), ExcludedFolders(()))
    for name in ("a.jpg", "b.jpg"):
        scanner._record_error_in("sub/", name, OSError(errno.ENAMETOOLONG, "File name too long"))
        scanner._record_error_in("", name, OSError(errno.ENAMETOOLONG, "File name too long"))
    assert scanner.result().unreadable == ("a.jpg", "b.jpg", "sub")
    assert scanner.result().skipped == {"unreadable": 3}


def test_the_copies_in_another_configs_gallery_are_no_photos(tmp_path: Path) -> None:
    shard = "gallery/thumbs/ab/"
    put(tmp_path, f"{shard}abcdef0123456789abcd.webp", f"painted/{shard}abcdef0123456789abcd.webp", "gallery/a.webp")
    assert paths(scan(tmp_path)) == ["gallery/a.webp"]
    assert scan(tmp_path).skipped == {"output": 2}
    assert paths(scan_paths(tmp_path, [f"{shard}abcdef0123456789abcd.webp", "gallery/a.webp"])) == ["gallery/a.webp"]
