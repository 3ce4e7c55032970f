"""Unpacks photos from archives into files, for as long as they are needed. Owns the folder of these files.

The worker reads a photo in an archive from here as it reads any other. The files have names of their own and together
never take more space than the config allows. They are deleted when a pass begins and when it ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from pipeline.errors import StorageError
from pipeline.intake.archives import read_members
from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import (
    Member,
    MemberError,
    RefusedError,
    UnpackBudget,
    normalized,
    too_large,
    unsafe_name_reason,
)
from pipeline.intake.safe_open import FileReplacedError, open_below
from pipeline.intake.scan import PHOTO_SUFFIXES, RAW_SUFFIXES
from pipeline.model import Photo

#: Names of our files, and (without the prefix) of those of an older version; nothing else is ever deleted.
_NAME: Final = re.compile(r"(\.stylewatch-)?\d+\.photo")
_REMEDIES: Final = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room") | dict.fromkeys(
    (errno.EROFS, errno.EACCES, errno.EPERM), "give the program the right to write there"
)


class NoRoomError(Exception):
    """All space is taken by photos whose pictures are in progress; there is some when one of them is finished."""


class ArchiveChangedError(Exception):
    """The archive, or what it is known to hold, is not what was ingested."""


@dataclass(frozen=True, slots=True)
class _PhotoInArchive:
    """Identifies a photo in one version of an archive."""

    archive: Photo
    name: str


@dataclass(slots=True)
class _OpenArchive:
    """An archive that is read from its beginning to its end; ``passed`` holds the members before the current one."""

    signature: Photo
    file: BinaryIO
    members: Iterator[Member]
    passed: dict[str, Member] = field(default_factory=dict)


class UnpackedPhotos:
    """Unpacks photos into files that together never take more than ``space_bytes``. Not thread-safe."""

    def __init__(
        self, folder: Path, space_bytes: int, *, create: Callable[[Path], BinaryIO] = lambda path: path.open("xb")
    ) -> None:
        """``create`` opens a new file for writing. Raises OSError, FileExistsError too."""
        self._create = create
        self._folder = folder
        self._space_bytes = space_bytes
        self._files: dict[_PhotoInArchive, tuple[Path, int]] = {}
        self._pinned: dict[str, Path] = {}
        self._used_bytes = 0
        self._files_written = 0
        self._archive: _OpenArchive | None = None
        self.close()

    def fetch(self, root: Path, archive: Photo, name: str) -> Path:
        """Return a file with the content of the photo ``name`` in ``archive``, which lies below ``root``.

        The file stays until space is needed; while it is pinned, it stays in any case. Raises ArchiveChangedError,
        NoRoomError, MemberError for a photo that can't be unpacked, Incomplete and RefusedError for an archive that
        can't be read, OSError; StorageError if nothing can be written.
        """
        photo = _PhotoInArchive(archive, name)
        if photo not in self._files:
            try:
                member = self._find(root, photo)
                self._evict(member.size_bytes)
                self._write(photo, member)
            except (OSError, Incomplete, RefusedError, MemoryError):
                self._close_archive()  # reading it was broken off: the next time begins at its start
                raise
        self._files[photo] = self._files.pop(photo)  # the last one to be evicted
        return self._files[photo][0]

    def pin(self, token: str, file: Path) -> None:
        """Keep ``file`` until ``token`` is unpinned; files that were not unpacked here are kept anyway."""
        self._pinned[token] = file

    def unpin(self, token: str) -> None:
        """Allow the file of ``token`` to be deleted when space is needed."""
        self._pinned.pop(token, None)

    def close(self) -> None:
        """Delete all unpacked photos, also those of a killed pass, and the folder if nothing else is in it."""
        self._close_archive()
        self._files.clear()
        self._pinned.clear()
        self._used_bytes = 0
        with contextlib.suppress(OSError):
            for name in filter(_NAME.fullmatch, os.listdir(self._folder)):
                with contextlib.suppress(OSError):
                    (self._folder / name).unlink()
            self._folder.rmdir()

    def _find(self, root: Path, photo: _PhotoInArchive) -> Member:
        """Read on in the archive until the photo comes, unless it has been passed already."""
        archive = self._opened_archive(root, photo.archive)
        if photo.name in archive.passed:
            return archive.passed[photo.name]
        for name, member in safe_files(archive.members):
            archive.passed[name] = member
            if name == photo.name:
                return member
            if member.is_sequential:
                self._unpack_ahead(_PhotoInArchive(photo.archive, name), member)
        # Names are read otherwise than when it was ingested, by an earlier version: to be ingested again.
        raise ArchiveChangedError

    def _unpack_ahead(self, photo: _PhotoInArchive, member: Member) -> None:
        """Unpack a photo that is needed later if there is free space: going back would mean reading all again."""
        is_photo = PurePosixPath(photo.name).suffix.lower() in PHOTO_SUFFIXES | RAW_SUFFIXES
        if is_photo and photo not in self._files and self._used_bytes + member.size_bytes <= self._space_bytes:
            self._write(photo, member)

    def _evict(self, size: int) -> None:
        pinned = set(self._pinned.values())
        if size > self._space_bytes:
            raise MemberError(too_large(self._space_bytes))
        for photo, (file, file_size) in list(self._files.items()):
            if self._used_bytes + size <= self._space_bytes:
                return
            if file not in pinned:
                file.unlink(missing_ok=True)
                del self._files[photo]
                self._used_bytes -= file_size
        if self._used_bytes + size > self._space_bytes:
            raise NoRoomError

    def _write(self, photo: _PhotoInArchive, member: Member) -> None:
        self._files_written += 1
        file = self._folder / f".stylewatch-{self._files_written}.photo"
        try:
            with _write_errors_explained(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                opened = self._create(file)
            try:
                member.copy(_UnpackedFile(self._folder, opened))
            finally:
                with _write_errors_explained(self._folder):
                    opened.close()
        except BaseException:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
            raise
        self._files[photo] = file, member.size_bytes
        self._used_bytes += member.size_bytes

    def _opened_archive(self, root: Path, archive: Photo) -> _OpenArchive:
        if self._archive is None or self._archive.signature != archive:
            self._close_archive()
            try:
                file = open_below(root, archive.path, archive)
            except FileReplacedError as error:
                raise ArchiveChangedError from error
            self._archive = _OpenArchive(archive, file, read_members(file, archive.size_bytes, UnpackBudget()))
        return self._archive

    def _close_archive(self) -> None:
        if self._archive is not None:
            with contextlib.suppress(OSError):
                self._archive.file.close()
            self._archive = None


class _UnpackedFile:
    """A file whose errors are those of its disk, so that they are not mistaken for errors of the archive."""

    def __init__(self, folder: Path, file: BinaryIO) -> None:
        self._folder = folder
        self._file = file

    def write(self, data: bytes, /) -> int:
        """Write; raises StorageError."""
        with _write_errors_explained(self._folder):
            return self._file.write(data)


@contextlib.contextmanager
def _write_errors_explained(folder: Path) -> Iterator[None]:
    """Raise StorageError for what fails while a file in ``folder`` is written."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "check the folder and its disk")
        raise StorageError(
            f"{folder}: photos in archives are unpacked there, which failed ({error.strerror}); {remedy}"
        ) from error


def safe_files(members: Iterator[Member]) -> Iterator[tuple[str, Member]]:
    """Yield the members that may be photos, with the names by which photos are on record."""
    for member in members:
        if not (member.is_folder or member.special_kind or member.problem or unsafe_name_reason(member.name)):
            yield normalized(member.name), member
