from __future__ import annotations

import contextlib
import gzip
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pytest

from pipeline.intake.archives import inspect, read_members, split_path
from pipeline.intake.members import Limits, Member, UnpackBudget
from pipeline.intake.safe_open import FileReplacedError
from tests.intake.cases import good_tar, good_zip
from tests.intake.packing import photo, tarred, zipped

LIMITS = Limits(files=100, bytes=10_000_000, photo_bytes=1_000_000)


class NoMemory(io.BytesIO):
    """A file that can be read until the memory for more is not there."""

    def __init__(self, data: bytes, reads: int) -> None:
        super().__init__(data)
        self.reads = reads

    def read(self, size: int | None = -1) -> bytes:
        self.reads -= 1
        if self.reads < 0:
            raise MemoryError
        return super().read(size)


@pytest.mark.parametrize("data", [good_zip(), good_tar(), gzip.compress(good_tar())], ids=["zip", "tar", "tgz"])
def test_an_archive_is_not_damaged_because_memory_is_short(data: bytes) -> None:
    def read_all(file: BinaryIO) -> None:
        for member in read_members(file, len(data), UnpackBudget()):
            member.copy(io.BytesIO())

    for reads in range(4):
        with pytest.raises(MemoryError):
            read_all(NoMemory(data, reads))


def everything(name: str) -> None:
    return None


def test_a_path_is_split_where_the_disk_has_the_archive(tmp_path: Path) -> None:
    (tmp_path / "folder.zip" / "sub").mkdir(parents=True)
    (tmp_path / "folder.zip" / "trip.TAR.gz").touch()
    assert split_path(tmp_path, "folder.zip/trip.TAR.gz/a/b.zip/1.jpg") == ("folder.zip/trip.TAR.gz", "a/b.zip/1.jpg")
    assert split_path(tmp_path, "folder.zip/sub/1.jpg") is None
    assert split_path(tmp_path, "plain/1.jpg") is None
    assert split_path(tmp_path, "gone.zip/1.jpg") is None


def test_the_last_part_of_a_path_is_a_photo_and_never_an_archive(tmp_path: Path) -> None:
    (tmp_path / "trip.zip").touch()
    assert split_path(tmp_path, "trip.zip") is None


@pytest.mark.parametrize("data", [good_zip(), good_tar(), gzip.compress(good_tar())], ids=["zip", "tar", "tgz"])
def test_photos_come_in_the_archives_order_and_their_content_can_be_had_in_any(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(data)
    assert inspect(path.parent, path.name, LIMITS, everything).photos == ("good.png", "beach/also.png")
    with path.open("rb") as file:
        members = {member.name: member for member in read_members(file, len(data), UnpackBudget())}
        for name, shade in (("beach/also.png", 5), ("good.png", 3), ("beach/also.png", 5)):
            sink = tmp_path / "sink"
            with sink.open("wb") as out:
                members[name].copy(out)
            assert sink.read_bytes() == photo(shade)


def test_what_is_no_photo_is_counted_by_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(("a.txt", b"1"), ("b.txt", b"2"), ("c.png", photo())))
    contents = inspect(path.parent, path.name, LIMITS, lambda name: "sidecar" if name.endswith("txt") else None)
    assert (contents.photos, contents.skipped) == (("c.png",), {"sidecar": 2})


def test_an_archive_that_can_not_be_read_is_not_taken_for_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileReplacedError):
        inspect(tmp_path.parent, tmp_path.name, LIMITS, everything)


class _FailingDisk:
    """A file on a disk that gives up after some bytes."""

    def __init__(self, path: Path, good_bytes: int) -> None:
        self._file = path.open("rb")
        self._left = good_bytes

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(count)
        self._left -= len(data)
        if self._left < 0:
            raise OSError(5, "Input/output error")
        return data

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


@pytest.mark.parametrize("build", [good_zip, good_tar, lambda: gzip.compress(good_tar())], ids=["zip", "tar", "tgz"])
def test_a_failing_disk_is_no_damage(tmp_path: Path, build: object) -> None:
    path = tmp_path / "a"
    path.write_bytes(build())  # type: ignore[operator]
    disk = _FailingDisk(path, 600)
    with contextlib.closing(disk), pytest.raises(OSError, match="Input/output error"):  # type: ignore[type-var]
        _copy_all(read_members(disk, path.stat().st_size, UnpackBudget()))  # type: ignore[arg-type]


def _copy_all(members: Iterable[Member]) -> None:
    with Path(os.devnull).open("wb") as sink:
        for member in members:
            member.copy(sink)


def test_a_large_photo_is_judged_like_a_small_one(tmp_path: Path) -> None:
    large = photo() + bytes(40_000_000)
    path = tmp_path / "a.tar"
    path.write_bytes(tarred(("a.png", large)))
    contents = inspect(path.parent, path.name, Limits(10, 50_000_000, 50_000_000), everything)
    assert contents.photos == ("a.png",)
