"""One original from its folder to another place, under a name that is free. Owns the order of file operations.

On one file system the move is one rename onto a placeholder of ours, so that the file is never under two names nor
under none, and no other file is ever overwritten. Across file systems it is copied, the copy verified and made
durable under its final name, and only then removed. Killed at any moment, the file is whole in at least one of both
places, and calling :func:`relocate` again with the same target ends it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pipeline.failpoints import failpoint
from pipeline.hashing import sha256_of_file
from pipeline.images.publish import publish, sync_folder
from pipeline.intake.scan import signature
from pipeline.ledger import Original

#: ``taken``: a stranger's file has the target's name. ``changed``: the source is not the original any more.
Outcome = Literal["moved", "taken", "changed"]

Rename = Callable[[Path, Path], object]


def leaving_name(source: Path, target: Path) -> Path:
    """Return the hidden name of a file that was copied to ``target`` and is about to be removed."""
    digest = hashlib.sha256(os.fsencode(target)).hexdigest()[:16]
    return source.with_name(f".stylewatch-{digest}.leaving")


def relocate(source: Path, target: Path, original: Original, *, rename: Rename = os.replace) -> Outcome:
    """Move ``source`` to ``target`` if it still is the ``original``, or end a move that was killed. Raises OSError.

    ``rename`` puts a file in another's place; it raises EXDEV across file systems.
    """
    leaving = leaving_name(source, target)
    if os.path.lexists(leaving):
        return _let_go(source, leaving, target, original)
    if not _is(source, original):
        return "moved" if _holds(target, original) else "changed"
    make_folder_durably(target.parent)
    if not _reserve(target, original):
        return "taken"
    failpoint("original-reserved")
    try:
        rename(source, target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            return _copy(source, leaving, target, original)
        _withdraw(target)
        raise
    if not _is(target, original):
        publish(target, source)  # it was replaced in the very moment: back to its place, to be painted first
        return "changed"
    sync_folder(target.parent)
    sync_folder(source.parent)
    return "moved"


def make_folder_durably(folder: Path) -> None:
    """Make a folder with all above it, so that a power cut can't take it away with what is in it. Raises OSError."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def _is(path: Path, original: Original) -> bool:
    """Tell whether this is the very file that the original was."""
    try:
        return signature(original.photo.path, os.lstat(path)) == original.photo
    except FileNotFoundError:
        return False


def _holds(path: Path, original: Original) -> bool:
    """Tell whether a file has the original's content."""
    return path.is_file() and not path.is_symlink() and sha256_of_file(path) == original.sha256


def _reserve(target: Path, original: Original) -> bool:
    """Take the name with an empty file; what an earlier attempt left there, that or the copy, is taken again."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return _is_placeholder(target) or _holds(target, original)
    return True


def _is_placeholder(target: Path) -> bool:
    return target.is_file() and not target.is_symlink() and target.stat().st_size == 0


def _withdraw(target: Path) -> None:
    with contextlib.suppress(OSError):
        if _is_placeholder(target):
            target.unlink()


def _copy(source: Path, leaving: Path, target: Path, original: Original) -> Outcome:
    if not _holds(target, original):
        part = leaving.with_suffix(".part").name
        if not _copy_verified(source, target.with_name(part), original):
            _withdraw(target)
            return "changed"
        target.with_name(part).replace(target)
        sync_folder(target.parent)
    failpoint("original-copied")
    # Removed under a hidden name: what takes the visible one meanwhile is another file, and stays.
    source.rename(leaving)
    failpoint("original-leaving")
    return _let_go(source, leaving, target, original)


def _copy_verified(source: Path, part: Path, original: Original) -> bool:
    try:
        with source.open("rb") as file, part.open("wb") as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            with contextlib.suppress(OSError):  # not every file system keeps times and permissions
                shutil.copystat(source, part)
            os.fsync(copy.fileno())
        whole = _holds(part, original)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    if not whole:
        part.unlink()
    return whole


def _let_go(source: Path, leaving: Path, target: Path, original: Original) -> Outcome:
    """Remove the copied file; if it is another one by now, or the copy isn't there, bring it back."""
    if not _is(leaving, original) or not _holds(target, original):
        publish(leaving, source)
        return "changed"
    leaving.unlink()
    sync_folder(source.parent)
    return "moved"
