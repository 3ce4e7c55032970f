"""Moves one original to another place, under a name that is free. Owns the order of the file operations.

On one file system the move is one rename onto an empty placeholder file, so that the file is never under two names
nor under none, and no other file is ever overwritten. Across file systems it is copied, the copy verified and made
durable under its final name, and only then removed. Killed at any moment, the file is whole in at least one of both
places, and calling :func:`relocate` again with the same target completes the move.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pipeline.durable_files import make_folder, new_file, publish_file, replace_file, sync_folder
from pipeline.failpoints import failpoint
from pipeline.hashing import sha256_of_open
from pipeline.intake.safe_open import FileReplacedError, open_below
from pipeline.intake.scan import photo_from_stat
from pipeline.ledger import Original

#: ``taken``: another file has the target's name. ``changed``: the source is not the original any more.
Outcome = Literal["moved", "taken", "changed"]

Rename = Callable[[Path, Path], object]


def hidden_source_name(source: Path, target: Path) -> Path:
    """Return the hidden name of a file that was copied to ``target`` and is about to be removed."""
    digest = hashlib.sha256(os.fsencode(target)).hexdigest()[:16]
    return source.with_name(f".stylewatch-{digest}.leaving")


def relocate(source: Path, target: Path, original: Original, *, rename: Rename = os.replace) -> Outcome:
    """Move ``source`` to ``target`` if it still is the ``original``, or complete a move that was killed.

    ``rename`` puts a file in another's place; it raises EXDEV across file systems. Raises OSError.
    """
    hidden_source = hidden_source_name(source, target)
    if os.path.lexists(hidden_source):
        return _remove_source(source, hidden_source, target, original)
    if not _is_unchanged(source, original):
        if _has_content(target, original) or _publish_only_copy(
            source, _part_path(hidden_source, target), target, original
        ):
            return "moved"
        return _abandon(hidden_source, target)
    make_folder(target.parent)
    if not _create_placeholder(target, original):
        return "taken"
    failpoint("original-reserved")
    try:
        rename(source, target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            return _copy(source, hidden_source, target, original)
        _remove_placeholder(target)
        raise
    if not _is_unchanged(target, original):
        publish_file(target, source)  # replaced meanwhile: restore it; its picture is made first
        return "changed"
    sync_folder(target.parent)
    sync_folder(source.parent)
    return "moved"


def _is_unchanged(path: Path, original: Original) -> bool:
    """Tell whether this is still the original file."""
    try:
        found = photo_from_stat(original.photo.path, os.lstat(path))
    except FileNotFoundError:
        return False
    if found == original.photo:
        return True
    # FAT numbers its files by their places: with a new number alone it is the content that decides.
    return replace(found, inode=original.photo.inode) == original.photo and _has_content(path, original)


def _has_content(path: Path, original: Original) -> bool:
    """Tell whether a file has the original's content."""
    try:
        with open_below(path.parent, path.name) as file:
            return sha256_of_open(file) == original.sha256
    except (FileNotFoundError, NotADirectoryError, FileReplacedError):
        return False


def _create_placeholder(target: Path, original: Original) -> bool:
    """Create an empty file of that name; one that an earlier attempt left there, or its copy, is used again."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return _is_placeholder(target) or _has_content(target, original)
    return True


def _is_placeholder(target: Path) -> bool:
    return target.is_file() and not target.is_symlink() and target.stat().st_size == 0


def _abandon(hidden_source: Path, target: Path) -> Outcome:
    """Remove what a killed attempt left at the target, now that the source is another file, or gone."""
    _remove_placeholder(target)
    with contextlib.suppress(OSError):
        _part_path(hidden_source, target).unlink()
    return "changed"


def _publish_only_copy(source: Path, part: Path, target: Path, original: Original) -> bool:
    """Publish a copy that has become the only one.

    Not every system syncs directory entries before it continues: after a power cut the copy may have its temporary
    name again while the source is gone for good.
    """
    if os.path.lexists(source) or not _has_content(part, original) or not _create_placeholder(target, original):
        return False
    replace_file(part, target)
    return True


def _part_path(hidden_source: Path, target: Path) -> Path:
    return target.with_name(hidden_source.with_suffix(".part").name)


def _remove_placeholder(target: Path) -> None:
    with contextlib.suppress(OSError):
        if _is_placeholder(target):
            target.unlink()


def _copy(source: Path, hidden_source: Path, target: Path, original: Original) -> Outcome:
    if not _has_content(target, original):
        part = _part_path(hidden_source, target)
        if not _copy_verified(source, part, original):
            return _abandon(hidden_source, target)
        replace_file(part, target)
    failpoint("original-copied")
    # Removed under a hidden name: what takes the visible one meanwhile is another file, and stays.
    source.rename(hidden_source)
    failpoint("original-leaving")
    return _remove_source(source, hidden_source, target, original)


def _copy_verified(source: Path, part: Path, original: Original) -> bool:
    try:
        with open_below(source.parent, source.name, original.photo) as file, new_file(part) as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()  # what is written later would change the times
            with contextlib.suppress(OSError):  # not every file system keeps times and permissions
                shutil.copystat(source, part, follow_symlinks=False)
        is_equal = _has_content(part, original)
    except FileReplacedError:
        return False
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    if not is_equal:
        part.unlink()
    return is_equal


def _remove_source(source: Path, hidden_source: Path, target: Path, original: Original) -> Outcome:
    """Remove the copied file; if it is another one by now, or the copy isn't there, bring it back."""
    if not _is_unchanged(hidden_source, original) or not _has_content(target, original):
        publish_file(hidden_source, source)
        return "changed"
    if os.name == "nt":
        hidden_source.chmod(stat.S_IWRITE)  # there, what is read-only can't be removed either
    hidden_source.unlink()
    sync_folder(source.parent)
    return "moved"
