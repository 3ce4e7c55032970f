"""Photos taken out of their archives, one file each, for as long as somebody works on them. Owns a bounded folder.

The worker reads a photo in an archive from here as it reads any other. What is here has names of our own, is never
larger altogether than the config allows, and is cleared at the begin and the end of each pass: also after kill -9.
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
from pipeline.intake.scan import PHOTO_SUFFIXES
from pipeline.model import Photo

#: What bears this name is ours, also what an older version left (without the prefix); nothing else is ever removed.
_NAME: Final = re.compile(r"(\.stylewatch-)?\d+\.photo")
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})


class NoRoomError(Exception):
    """All room is taken by photos that are being worked on; there will be some when one is finished."""


class ArchiveChangedError(Exception):
    """The archive is not the one that was taken in."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Names a photo in one version of an archive; ``version`` is the archive's signature."""

    version: Photo
    name: str


@dataclass(slots=True)
class _Open:
    """An archive at some point of a walk through it; ``index`` holds the files passed."""

    version: Photo
    file: BinaryIO
    walk: Iterator[Member]
    index: dict[str, Member] = field(default_factory=dict)


class Stage:
    """Gives files of photos in archives, which together never have more than ``space_bytes``. Not thread-safe."""

    def __init__(
        self, folder: Path, space_bytes: int, *, create: Callable[[Path], BinaryIO] = lambda path: path.open("xb")
    ) -> None:
        """``create`` opens a new file for writing. Raises OSError, FileExistsError too."""
        self._create = create
        self._folder = folder
        self._space_bytes = space_bytes
        self._files: dict[_Place, tuple[Path, int]] = {}
        self._pinned: dict[str, Path] = {}
        self._used = 0
        self._count = 0
        self._open: _Open | None = None
        self.close()

    def fetch(self, root: Path, archive: Photo, name: str) -> Path:
        """Return a file with the content of the photo ``name`` in ``archive``, which lies below ``root``.

        It stays until room is needed, or if it is pinned until it is unpinned. Raises ArchiveChangedError,
        NoRoomError, MemberError for a photo that can't be had, Incomplete and RefusedError for an archive that can't
        be read, OSError; StorageError if nothing can be written.
        """
        place = _Place(archive, name)
        if place not in self._files:
            try:
                member = self._find(root, place)
                self._make_room(member.size_bytes)
                self._write(place, member)
            except (OSError, Incomplete, RefusedError, MemoryError):
                self._close_archive()  # the walk through it is broken off, the next one begins anew
                raise
        self._files[place] = self._files.pop(place)  # now the last to go
        return self._files[place][0]

    def pin(self, token: str, file: Path) -> None:
        """Keep ``file`` until ``token`` is unpinned; files that are not of this stage are kept anyway."""
        self._pinned[token] = file

    def unpin(self, token: str) -> None:
        """Let the file of ``token`` go when room is needed."""
        self._pinned.pop(token, None)

    def close(self) -> None:
        """Remove every file of ours, also those of a killed pass, and the folder if nothing else is in it."""
        self._close_archive()
        self._files.clear()
        self._pinned.clear()
        self._used = 0
        with contextlib.suppress(OSError):
            for name in filter(_NAME.fullmatch, os.listdir(self._folder)):
                with contextlib.suppress(OSError):
                    (self._folder / name).unlink()
            self._folder.rmdir()

    def _find(self, root: Path, place: _Place) -> Member:
        """Go on in the archive until the photo comes, unless it has gone by already."""
        opened = self._opened(root, place.version)
        if place.name in opened.index:
            return opened.index[place.name]
        for name, member in _files(opened.walk):
            opened.index[name] = member
            if name == place.name:
                return member
            if member.is_sequential:
                self._keep_in_passing(_Place(place.version, name), member)
        raise MemberError("it is not in its archive any more")

    def _keep_in_passing(self, place: _Place, member: Member) -> None:
        """Write a photo that will be wanted later if there is free room."""
        is_photo = PurePosixPath(place.name).suffix.lower() in PHOTO_SUFFIXES
        if is_photo and place not in self._files and self._used + member.size_bytes <= self._space_bytes:
            self._write(place, member)

    def _make_room(self, size: int) -> None:
        pinned = set(self._pinned.values())
        if size > self._space_bytes:
            raise MemberError(too_large(self._space_bytes))
        for place, (file, file_size) in list(self._files.items()):
            if self._used + size <= self._space_bytes:
                return
            if file not in pinned:
                file.unlink(missing_ok=True)
                del self._files[place]
                self._used -= file_size
        if self._used + size > self._space_bytes:
            raise NoRoomError

    def _write(self, place: _Place, member: Member) -> None:
        self._count += 1
        file = self._folder / f".stylewatch-{self._count}.photo"
        try:
            with _blamed_on(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                opened = self._create(file)
            try:
                member.copy(_Sink(self._folder, opened))
            finally:
                with _blamed_on(self._folder):
                    opened.close()
        except BaseException:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
            raise
        self._files[place] = file, member.size_bytes
        self._used += member.size_bytes

    def _opened(self, root: Path, version: Photo) -> _Open:
        if self._open is None or self._open.version != version:
            self._close_archive()
            try:
                file = open_below(root, version.path, version)
            except FileReplacedError as error:
                raise ArchiveChangedError from error
            self._open = _Open(version, file, read_members(file, version.size_bytes, UnpackBudget()))
        return self._open

    def _close_archive(self) -> None:
        if self._open is not None:
            with contextlib.suppress(OSError):
                self._open.file.close()
            self._open = None


class _Sink:
    """A file whose errors are its disk's, so that they are not taken for those of the archive that is read."""

    def __init__(self, folder: Path, file: BinaryIO) -> None:
        self._folder = folder
        self._file = file

    def write(self, data: bytes, /) -> int:
        """Write; raises StorageError."""
        with _blamed_on(self._folder):
            return self._file.write(data)


@contextlib.contextmanager
def _blamed_on(folder: Path) -> Iterator[None]:
    """Turn what fails while ``folder`` is written into StorageError."""
    try:
        yield
    except OSError as error:
        remedy = "make room" if error.errno in _NO_ROOM else "check the folder and its disk"
        raise StorageError(
            f"{folder}: photos in archives are unpacked there, which failed ({error.strerror}); {remedy}"
        ) from error


def _files(members: Iterator[Member]) -> Iterator[tuple[str, Member]]:
    for member in members:
        if not (member.is_folder or member.special_kind or member.problem or unsafe_name_reason(member.name)):
            yield normalized(member.name), member
