"""Photos taken out of their archives, one file each, for as long as somebody works on them. Owns a bounded folder.

The worker reads a photo in an archive from here as it reads any other. What is here has names of our own, is never
larger altogether than the config allows, and is cleared at the begin and the end of each pass: also after kill -9.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from pipeline.errors import StorageError
from pipeline.intake.archives import can_be_copied_later, walk
from pipeline.intake.members import Limits, Member, MemberError, normalized, unsafe
from pipeline.intake.scan import PHOTO_SUFFIXES
from pipeline.model import Photo

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
    """An archive at some point of a walk through it. ``index`` holds members passed that can still be copied."""

    version: Photo
    file: BinaryIO
    walk: Iterator[Member]
    copies_later: bool
    index: dict[str, Member] = field(default_factory=dict)


class Stage:
    """Gives files of photos in archives. Not thread-safe. ``limits.photo_bytes`` is the room for all of them."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._files: dict[_Place, tuple[Path, int]] = {}
        self._pinned: dict[str, Path] = {}
        self._used = 0
        self._count = 0
        self._open: _Open | None = None
        self.close()

    def fetch(self, path: Path, archive: Photo, name: str) -> Path:
        """Return a file with the content of the photo ``name`` in the archive at ``path``, known as ``archive``.

        It stays until room is needed, or if it is pinned until it is unpinned. Raises ArchiveChangedError,
        NoRoomError, MemberError for a photo that can't be had, Incomplete and RefusedError for an archive that can't
        be read, OSError, StorageError if nothing can be written.
        """
        place = _Place(archive, name)
        if place not in self._files:
            member = self._find(path, place)
            self._make_room(member.size_bytes)
            self._write(place, member)
        self._files[place] = self._files.pop(place)  # now the last to go
        return self._files[place][0]

    def pin(self, token: str, file: Path) -> None:
        """Keep ``file`` until ``token`` is unpinned; files that are not of this stage are kept anyway."""
        self._pinned[token] = file

    def unpin(self, token: str) -> None:
        """Let the file of ``token`` go when room is needed."""
        self._pinned.pop(token, None)

    def close(self) -> None:
        """Remove everything."""
        self._close_archive()
        self._files.clear()
        self._pinned.clear()
        self._used = 0
        shutil.rmtree(self._folder, ignore_errors=True)

    def _find(self, path: Path, place: _Place) -> Member:
        """Go on in the archive until the photo comes; from the beginning again if it has gone by already."""
        fresh = self._open is None or self._open.version != place.version
        if fresh:
            self._open_archive(path, place.version)
        member = self._go_on(place)
        if member is None and not fresh:
            self._open_archive(path, place.version)
            member = self._go_on(place)
        if member is None:
            raise MemberError("it is not in its archive any more")
        return member

    def _go_on(self, place: _Place) -> Member | None:
        opened = self._open
        assert opened is not None
        if place.name in opened.index:
            return opened.index[place.name]
        for member in opened.walk:
            if member.is_folder or member.oddity or member.fault or unsafe(member.name):
                continue
            name = normalized(member.name)
            if opened.copies_later:
                opened.index[name] = member
            if name == place.name:
                return member
            if not opened.copies_later:
                self._keep_in_passing(_Place(place.version, name), member)
        return None

    def _keep_in_passing(self, place: _Place, member: Member) -> None:
        """Write what can't be copied later, if it is a photo and there is free room: it need not be found again."""
        is_photo = PurePosixPath(place.name).suffix.lower() in PHOTO_SUFFIXES
        if is_photo and place not in self._files and self._used + member.size_bytes <= self._limits.photo_bytes:
            self._write(place, member)

    def _make_room(self, size: int) -> None:
        pinned = set(self._pinned.values())
        if size > self._limits.photo_bytes:
            raise MemberError("it has more bytes than input.archive_space allows")
        for place, (file, file_size) in list(self._files.items()):
            if self._used + size <= self._limits.photo_bytes:
                return
            if file not in pinned:
                file.unlink(missing_ok=True)
                del self._files[place]
                self._used -= file_size
        if self._used + size > self._limits.photo_bytes:
            raise NoRoomError

    def _write(self, place: _Place, member: Member) -> None:
        self._count += 1
        file = self._folder / f"{self._count}.photo"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with file.open("wb") as sink:
                member.copy(sink)
        except BaseException as error:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise StorageError(
                    f"{self._folder}: photos in archives need room there ({error.strerror}); make room and run again"
                ) from error
            raise
        self._files[place] = file, member.size_bytes
        self._used += member.size_bytes

    def _open_archive(self, path: Path, version: Photo) -> None:
        self._close_archive()
        file = path.open("rb")
        status = os.fstat(file.fileno())
        if (status.st_size, status.st_mtime_ns) != (version.size_bytes, version.mtime_ns):
            file.close()
            raise ArchiveChangedError
        later = can_be_copied_later(file)
        self._open = _Open(version, file, walk(file, status.st_size, self._limits), later)

    def _close_archive(self) -> None:
        if self._open is not None:
            with contextlib.suppress(OSError):
                self._open.file.close()
            self._open = None
