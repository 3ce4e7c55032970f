"""Finds configs whose pictures become, in the end, their own photos. Owns the search through their ledgers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipeline.errors import CannotRunError
from pipeline.ledger import LEDGER_NAME, sources_in
from pipeline.model import FolderSettings

_LEDGER: Final = Path(".stylewatch", LEDGER_NAME)


def require_no_feedback_loop(folders: FolderSettings) -> None:
    """Raise CannotRunError if the photos are pictures that other configs make, in the end, of this one's pictures.

    One config may use what another one made. In a loop, pictures of pictures would be made without end.
    """
    output = folders.output
    to_follow, followed = [folders.input], {folders.input}
    while to_follow:
        photos = to_follow.pop()
        for pictures, source in _sources_of(photos):
            if source.is_relative_to(output):
                raise CannotRunError(
                    f"input.folder: the photos in {folders.input} are pictures made of those in {output}, "
                    f"which is output.folder (as {pictures / _LEDGER} says): pictures would be made without end; "
                    f"choose another folder for one of the two"
                )
            if source not in followed:
                followed.add(source)
                to_follow.append(source)


def _sources_of(photos: Path) -> list[tuple[Path, Path]]:
    """Return the folders of pictures that a folder is or lies in, each with one that its pictures are made of."""
    return [
        (pictures, (pictures / name).resolve())
        for pictures in (photos, *photos.parents)
        for name in sources_in(pictures / _LEDGER)
    ]
