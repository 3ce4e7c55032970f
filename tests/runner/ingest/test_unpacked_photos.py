from __future__ import annotations

import contextlib
import errno
import gzip
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from pipeline.errors import StorageError
from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import MemberError, RefusedError
from pipeline.intake.scan import photo_from_stat
from pipeline.model import Photo
from pipeline.runner.ingest.unpacked_photos import ArchiveChangedError, NoRoomError, UnpackedPhotos
from tests.intake.packing import photo, tarred, zipped

BYTES = len(photo())


def archive(folder: Path, name: str, count: int) -> tuple[Path, Photo]:
    members = [(f"{n}.png", photo(n)) for n in range(count)]
    packed = zipped(*members) if name.endswith("zip") else tarred(("notes.txt", b"x" * 10_000), *members)
    path = folder / name
    path.write_bytes(gzip.compress(packed) if name.endswith("gz") else packed)
    return path, photo_from_stat(name, path.stat())


Build = Callable[[int], UnpackedPhotos]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    with contextlib.ExitStack() as stack:
        yield lambda space: stack.enter_context(contextlib.closing(UnpackedPhotos(tmp_path / "unpacked", space)))


@pytest.fixture
def unpacked(build: Build) -> UnpackedPhotos:
    return build(100_000)


FORMS = pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz"])


@FORMS
def test_photos_are_given_as_files_in_any_order(tmp_path: Path, unpacked: UnpackedPhotos, name: str) -> None:
    path, version = archive(tmp_path, name, 5)
    for number in (3, 0, 4, 3, 1):
        assert unpacked.fetch(path.parent, version, f"{number}.png").read_bytes() == photo(number)


@FORMS
def test_with_room_for_one_all_can_be_had_one_after_the_other(tmp_path: Path, build: Build, name: str) -> None:
    path, version = archive(tmp_path, name, 40)
    unpacked = build(BYTES + 40)
    for number in (30, 2, 31, 7, 39, 0, 30):
        assert unpacked.fetch(path.parent, version, f"{number}.png").read_bytes() == photo(number)
        assert sum(file.stat().st_size for file in (tmp_path / "unpacked").iterdir()) <= BYTES + 40


def test_a_compressed_tar_is_read_once_for_all_its_photos_if_they_fit(tmp_path: Path, build: Build) -> None:
    path, version = archive(tmp_path, "a.tgz", 500)
    unpacked = build(500 * (BYTES + 40))
    unpacked.fetch(path.parent, version, "499.png")
    path.write_bytes(bytes(version.size_bytes))  # whoever reads it again finds nothing
    for number in reversed(range(500)):
        assert unpacked.fetch(path.parent, version, f"{number}.png").read_bytes() == photo(number)
    names = [file.read_bytes()[:8] for file in (tmp_path / "unpacked").iterdir()]
    assert len(names) == 500  # photos only, no notes.txt


def test_pinned_files_stay_and_others_make_room(tmp_path: Path, build: Build) -> None:
    path, version = archive(tmp_path, "a.zip", 5)
    unpacked = build(2 * (BYTES + 40))
    first = unpacked.fetch(path.parent, version, "0.png")
    unpacked.pin("t0", first)
    second = unpacked.fetch(path.parent, version, "1.png")
    third = unpacked.fetch(path.parent, version, "2.png")
    assert (first.exists(), second.exists(), third.exists()) == (True, False, True)
    unpacked.pin("t2", third)
    with pytest.raises(NoRoomError):
        unpacked.fetch(path.parent, version, "3.png")
    unpacked.unpin("t0")
    unpacked.fetch(path.parent, version, "3.png")
    assert not first.exists()


def test_a_photo_larger_than_all_space_is_refused(tmp_path: Path, build: Build) -> None:
    path, version = archive(tmp_path, "a.zip", 1)
    with pytest.raises(MemberError, match="archive_space"):
        build(10).fetch(path.parent, version, "0.png")


def test_a_photo_that_is_not_there_is_refused(tmp_path: Path, unpacked: UnpackedPhotos) -> None:
    path, version = archive(tmp_path, "a.zip", 1)
    with pytest.raises(ArchiveChangedError):
        unpacked.fetch(path.parent, version, "7.png")


@FORMS
def test_another_archive_under_the_name_is_noticed(tmp_path: Path, unpacked: UnpackedPhotos, name: str) -> None:
    path, version = archive(tmp_path, name, 2)
    os.utime(path, ns=(1, 1))
    with pytest.raises(ArchiveChangedError):
        unpacked.fetch(path.parent, version, "0.png")


@FORMS
def test_after_a_disturbed_walk_the_next_one_begins_anew(tmp_path: Path, unpacked: UnpackedPhotos, name: str) -> None:
    path, version = archive(tmp_path, name, 3)
    whole = path.read_bytes()
    path.write_bytes(b"\x1f\x8b" + bytes(len(whole) - 2))
    os.utime(path, ns=(version.mtime_ns, version.mtime_ns))
    with pytest.raises((RefusedError, Incomplete)):
        unpacked.fetch(path.parent, version, "0.png")
    path.write_bytes(whole)
    os.utime(path, ns=(version.mtime_ns, version.mtime_ns))
    assert unpacked.fetch(path.parent, version, "0.png").read_bytes() == photo(0)


def test_a_damaged_photo_leaves_nothing_behind(tmp_path: Path, unpacked: UnpackedPhotos) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(("a.png", photo(1)), method=0).replace(photo(1), photo(9)))
    with pytest.raises(MemberError, match="CRC"):
        unpacked.fetch(path.parent, photo_from_stat("a.zip", path.stat()), "a.png")
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_everything_goes_in_the_end_and_at_the_next_begin(
    tmp_path: Path, unpacked: UnpackedPhotos, build: Build
) -> None:
    path, version = archive(tmp_path, "a.zip", 1)
    unpacked.fetch(path.parent, version, "0.png")
    unpacked.close()
    assert not (tmp_path / "unpacked").exists()
    assert unpacked.fetch(path.parent, version, "0.png").exists()
    build(1)
    assert not (tmp_path / "unpacked").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_full_disk_is_nobodys_photos_fault(tmp_path: Path) -> None:
    path, version = archive(tmp_path, "a.zip", 1)
    unpacked = UnpackedPhotos(tmp_path / "unpacked", 100_000, create=lambda _: open("/dev/full", "wb"))  # noqa: PTH123, SIM115
    with contextlib.closing(unpacked), pytest.raises(StorageError, match="make room"):
        unpacked.fetch(path.parent, version, "0.png")


class FailingFile(io.BytesIO):
    """A file on a disk that fails when it is written."""

    def write(self, data: object, /) -> int:  # type: ignore[override]
        raise OSError(errno.EIO, "Input/output error")


class FailingAtTheEnd(io.BytesIO):
    """A file on a disk that fails when the last of it is written."""

    def close(self) -> None:
        raise OSError(errno.EIO, "Input/output error")


def failing_to_begin(_: Path) -> BinaryIO:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("create", [failing_to_begin, lambda _: FailingFile(), lambda _: FailingAtTheEnd()])
def test_a_disk_that_fails_while_it_is_written_is_nobodys_photos_fault(
    tmp_path: Path, create: Callable[[Path], BinaryIO]
) -> None:
    path, version = archive(tmp_path, "a.zip", 1)
    with (
        contextlib.closing(UnpackedPhotos(tmp_path / "unpacked", 100_000, create=create)) as unpacked,
        pytest.raises(StorageError, match=r"unpacked: photos in archives .*Input/output error\); check the folder"),
    ):
        unpacked.fetch(path.parent, version, "0.png")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_folder_that_may_not_be_written_is_named_with_what_to_do(tmp_path: Path, code: int) -> None:
    def refuse(_: Path) -> BinaryIO:
        raise OSError(code, os.strerror(code))

    path, version = archive(tmp_path, "a.zip", 1)
    with (
        contextlib.closing(UnpackedPhotos(tmp_path / "unpacked", 100_000, create=refuse)) as unpacked,
        pytest.raises(StorageError, match=r"unpacked: photos in archives .*; give the program the right to write"),
    ):
        unpacked.fetch(path.parent, version, "0.png")


def test_only_files_under_names_of_our_own_are_ever_removed(tmp_path: Path, build: Build) -> None:
    folder = tmp_path / "unpacked"
    (folder / "holiday").mkdir(parents=True)
    ours = [folder / "7.photo", folder / ".stylewatch-8.photo"]
    theirs = [folder / "1.jpg", folder / "holiday" / "3.photo", folder / "x.photo"]
    for file in (*ours, *theirs):
        file.write_bytes(b"content")
    build(100_000).close()
    assert [file.exists() for file in ours] == [False, False]
    assert [file.read_bytes() for file in theirs] == [b"content"] * 3


def test_unpacked_photos_are_for_nobody_else(tmp_path: Path, unpacked: UnpackedPhotos) -> None:
    path, version = archive(tmp_path, "a.zip", 1)
    unpacked.fetch(path.parent, version, "0.png")
    if os.name == "posix":
        assert (tmp_path / "unpacked").stat().st_mode & 0o077 == 0
