"""Finds what the copies of photos are made of again: files, wherever they were moved, and members of archives."""

from __future__ import annotations

import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pipeline.intake.archives import read_members, split_path
from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import Member, MemberError, RefusedError, UnpackBudget
from pipeline.intake.safe_open import open_below
from pipeline.ledger import GalleryRow
from pipeline.model import FolderSettings
from pipeline.runner.ingest.unpacked_photos import safe_files

#: A larger member of an archive is not read into memory for a small copy.
_MOST_BYTES: Final = 500_000_000

MakeCopies = Callable[[GalleryRow, Path | bytes], None]


def photo_file(folders: FolderSettings, photo: str) -> Path | None:
    """Return the file of a photo, in the input folder or where originals are moved; None if it is in neither."""
    places = [folder for folder in (folders.input, folders.originals) if folder is not None]
    return next((folder / photo for folder in places if (folder / photo).is_file()), None)


def copy_from_archives(folders: FolderSettings, rows: Iterable[GalleryRow], make: MakeCopies) -> None:
    """Call ``make`` with the content of each photo that lies in an archive, reading each archive once."""
    archives = defaultdict[str, dict[str, list[GalleryRow]]](lambda: defaultdict(list))
    for row in rows:
        if (place := split_path(folders.input, row.job.photo)) is not None:
            archives[place[0]][place[1]].append(row)
    for archive, wanted in archives.items():
        try:
            for row, content in _contents(folders.input, archive, wanted):
                make(row, content)
        except (OSError, Incomplete, RefusedError, MemoryError):
            continue  # it is another archive by now, or damaged: the next run says so


def _contents(root: Path, archive: str, wanted: Mapping[str, list[GalleryRow]]) -> Iterator[tuple[GalleryRow, bytes]]:
    left = dict(wanted)
    with open_below(root, archive) as file:
        for name, member in safe_files(read_members(file, os.fstat(file.fileno()).st_size, UnpackBudget())):
            rows = left.pop(name, [])
            content = _content(member) if rows else None
            if content is not None:
                yield from ((row, content) for row in rows)
            if not left:
                return


def _content(member: Member) -> bytes | None:
    if member.size_bytes > _MOST_BYTES:
        return None
    content = io.BytesIO()
    try:
        member.copy(content)
    except MemberError:
        return None
    return content.getvalue()
