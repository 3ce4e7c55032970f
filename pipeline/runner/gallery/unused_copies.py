"""Finds the gallery's copies of files that nothing refers to any more. Owns which ones are in use.

A copy is in use as long as the ledger has the file it was made of, of whatever input folder, or a contact sheet shows
it. Everything else in the folder stays, also pictures of photos in a folder called ``gallery``. Copies of paintings
stay, too: there are few.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from typing import Final

from pipeline.ledger import Ledger
from pipeline.model.gallery_files import PHOTOS_FOLDER, THUMBNAILS_FOLDER, copied_hash
from pipeline.report.gallery.folder import GalleryFolder
from pipeline.report.gallery.sheets import SHEETS_FOLDER

_HASHES: Final = re.compile(rb"(?<![0-9a-f])[0-9a-f]{20}(?![0-9a-f])")

#: A new copy may be of a picture that is published in a moment, or of a trial's that is shown in an hour.
_NEW_SECONDS: Final = 3600.0


def find_unused_copies(
    folder: GalleryFolder, ledger: Ledger, now: float, deleted: Collection[str] = ()
) -> Iterator[str]:
    """Yield the names of the copies that nothing refers to; ``now`` is in seconds since the epoch.

    ``deleted``: pictures whose files are to be deleted; those of their copies that no other picture has count as
    unused. Raises OSError, LedgerError.
    """
    used = ledger.gallery.used_hashes(without=deleted) | set(_on_sheets(folder))
    for kind in (THUMBNAILS_FOLDER, PHOTOS_FOLDER):
        for shard in sorted(folder.names_in(kind)):
            for name in sorted(folder.names_in(f"{kind}/{shard}")):
                path = f"{kind}/{shard}/{name}"
                short = copied_hash(path)
                if short and short not in used and _is_old(folder, path, now):
                    yield path


def _is_old(folder: GalleryFolder, name: str, now: float) -> bool:
    try:
        return now - os.lstat(folder.path / name).st_mtime > _NEW_SECONDS
    except FileNotFoundError:
        return False


def _on_sheets(folder: GalleryFolder) -> Iterator[str]:
    for name in folder.names_in(SHEETS_FOLDER):
        for found in _HASHES.findall(folder.read(f"{SHEETS_FOLDER}/{name}") or b""):
            yield found.decode("ascii")


def remove_unused_copies(folder: GalleryFolder, ledger: Ledger, now: float) -> int:
    """Remove the copies that nothing refers to, and return how many. Raises OSError, LedgerError."""
    unused = list(find_unused_copies(folder, ledger, now))
    for name in unused:
        folder.remove(name)
    return len(unused)
