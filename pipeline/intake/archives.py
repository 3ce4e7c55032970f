"""Reads archives in the input folder as folders of photos. Owns which of their members are photos.

``trip.zip/beach/1.jpg`` is the path of a member. A folder called ``trip.zip`` can't be confused with an archive: only
one of them can be in that place, and :func:`split_path` asks the disk which. Nothing is ever written under a member's
name, and an archive in an archive is not opened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, cast

from pipeline.intake import tars, zips
from pipeline.intake.containers import COMPLETE, ContainerCheck, examine_open
from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import (
    Limits,
    Member,
    MemberError,
    RefusedError,
    UnpackBudget,
    normalized,
    too_large,
    unsafe_name_reason,
)
from pipeline.intake.safe_open import open_below
from pipeline.intake.scan import names_archive

#: Returns why a file is no photo, None for a photo: :func:`pipeline.intake.scan.kinds_in_archives`.
KindOf = Callable[[str], str | None]
#: Is given the name of each complete photo, and its content to read.
Look = Callable[[str, BinaryIO], None]

_OTHER_ARCHIVES: Final = (
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\xfd7zXZ\0", "compressed by xz"),
    (b"BZh", "compressed by bzip2"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard"),
    (b"MSCF", "a cabinet file"),
)

_IN_MEMORY_BYTES: Final = 32 << 20
_NAMED_IN_REMARK: Final = 5


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    """What is in one archive; names are relative to it, ``/`` between their parts, in the archive's order.

    ``container`` is the check of the archive itself. ``refused`` photos come with the reason. ``remark`` is a
    sentence on members whose names can't be paths, empty if there are none. ``skipped`` counts what is no photo, by
    kind.
    """

    container: ContainerCheck
    photos: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    remark: str = ""
    skipped: Mapping[str, int] = field(default_factory=dict)


def split_path(root: Path, path: str) -> tuple[str, str] | None:
    """Split a photo's path into its archive's path and its name in the archive; None if it lies in no archive."""
    parts = path.split("/")
    for end in range(1, len(parts)):
        if names_archive(parts[end - 1]):
            archive = "/".join(parts[:end])
            if os.path.isfile(root / archive):  # noqa: PTH113 - Path's raises for a path that is too long
                return archive, "/".join(parts[end:])
    return None


def containing_file(root: Path, path: str) -> str:
    """Return the path of the file that holds a photo: the photo's own, or its archive's."""
    archive, _ = split_path(root, path) or (path, "")
    return archive


def inspect(
    root: Path, path: str, limits: Limits, kind_of: KindOf, look: Look = lambda _name, _content: None
) -> ArchiveContents:
    """Read the archive at ``path`` below ``root`` once, to its end, and check it and its photos.

    Raises FileReplacedError, OSError. ``kind_of`` is asked about names in the archive, ``look`` is shown the photos.
    """
    inspection = _Inspection(limits, kind_of, look)
    try:
        with open_below(root, path) as file:
            size = os.fstat(file.fileno()).st_size
            for member in read_members(file, size, UnpackBudget(limits, size)):
                inspection.add(member)
    except Incomplete as finding:
        return ArchiveContents(ContainerCheck("incomplete", f"the archive is incomplete: {finding}"))
    except RefusedError as problem:
        return ArchiveContents(ContainerCheck("not_an_image", f"the archive is refused: {problem}"))
    return inspection.contents()


def read_members(file: BinaryIO, size: int, budget: UnpackBudget) -> Iterator[Member]:
    """Yield all members of an open archive, in order; while it is open they can be copied in any order.

    Raises Incomplete, RefusedError, OSError.
    """
    with _damage_explained():
        file.seek(0)
        head = file.read(tars.HEAD_BYTES)
        if not head.strip(b"\0"):
            raise Incomplete("it begins with nothing but zeros" if head else "it is empty")
        _refuse_other_archives(head)
        if head.startswith(zips.MAGICS) or (not tars.begins_tar(head) and zips.ends_as_zip(file, size)):
            yield from zips.members(file, size, budget)
        else:
            yield from tars.members(file, size, budget)


def _refuse_other_archives(head: bytes) -> None:
    for magic, name in _OTHER_ARCHIVES:
        if head.startswith(magic):
            raise RefusedError(f"it is {name}, which can't be read here; unpack it, or pack its photos as a zip")


@contextlib.contextmanager
def _damage_explained() -> Iterator[None]:
    """Turn whatever the libraries raise on hostile data, which is nearly anything, into RefusedError."""
    try:
        yield
    except (Incomplete, RefusedError, MemberError, MemoryError, GeneratorExit):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise RefusedError(f"it is damaged ({error or type(error).__name__})") from error


@dataclass(slots=True)
class _Inspection:
    """Sorts the members of one archive into photos, refused photos and other files."""

    limits: Limits
    kind_of: KindOf
    look: Look
    names: set[str] = field(default_factory=set)
    photos: dict[str, None] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, member: Member) -> None:
        problem = unsafe_name_reason(member.name)
        name = normalized(member.name)
        if problem:
            if name:  # some archives hold "./", the folder they were made from
                self.remarks.append((member.name, problem))
        elif not member.is_folder:
            kind = self.kind_of(name)
            if kind in (None, "archive"):
                self._add_photo(name, member, kind)
            else:
                self.skipped[kind or ""] += 1

    def _add_photo(self, name: str, member: Member, kind: str | None) -> None:
        reason = self._reason_to_refuse(name, member, kind)
        self.names.add(name)
        if reason:
            self.photos.pop(name, None)
            self.refused[name] = reason
        else:
            self.photos[name] = None

    def _reason_to_refuse(self, name: str, member: Member, kind: str | None) -> str:
        """Return why this photo is refused, "" if it is not."""
        if name in self.names:
            return "the archive holds several files of this name"
        if kind == "archive":
            return "it is an archive in an archive; unpack the outer one yourself"
        if member.special_kind:
            return f"it is {member.special_kind}, not a file"
        if member.size_bytes > self.limits.photo_bytes:
            return too_large(self.limits.photo_bytes)
        return member.problem or _reason_of_content(member, lambda content: self.look(name, content))

    def contents(self) -> ArchiveContents:
        reasons = set(self.refused.values())
        if not self.photos and len(reasons) == 1 and len(self.refused) > 1:
            return ArchiveContents(
                ContainerCheck(
                    "not_an_image",
                    f"the archive is refused: each of its {len(self.refused):,} photos is: {reasons.pop()}",
                )
            )
        return ArchiveContents(
            COMPLETE, tuple(self.photos), tuple(self.refused.items()), _remark(self.remarks), dict(self.skipped)
        )


def _reason_of_content(member: Member, look: Callable[[BinaryIO], None]) -> str:
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
        content = cast(BinaryIO, spool)
        try:
            member.copy(content)
        except MemberError as problem:
            return str(problem)
        size = content.tell()
        content.seek(0)
        check = examine_open(content, size)
        # A member never grows: what is incomplete now stays so, and the decoder may judge at once.
        if check.reason and not check.has_format:
            return check.reason
        content.seek(0)
        look(content)
        return ""


def _remark(remarks: list[tuple[str, str]]) -> str:
    if not remarks:
        return ""
    named = "; ".join(f"{name!r}: {problem}" for name, problem in remarks[:_NAMED_IN_REMARK])
    more = f"; and {len(remarks) - _NAMED_IN_REMARK:,} more" if len(remarks) > _NAMED_IN_REMARK else ""
    are = "is" if len(remarks) == 1 else "are"
    return f"{len(remarks):,} of the archive's files {are} refused, the others are used: {named}{more}"
