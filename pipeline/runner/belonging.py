"""Whose memory a state folder is. Owns the note, in it, of the pictures' folder; refuses to serve two of them.

Names and hashes in a ledger are those of one folder of pictures. Beside another one a recovery would not find what
was half published, and 'retry --missing' would take every picture for deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Final

from pipeline.errors import LedgerError

NOTE_NAME: Final = "pictures.json"


def refuse_another(state_folder: Path, output_folder: Path) -> None:
    """Raise LedgerError if the state folder belongs to another folder of pictures, which is still there."""
    owner = _owner(state_folder)
    if owner is None or not owner.is_dir() or _same(owner, output_folder):
        return
    raise LedgerError(
        f"state.folder: {state_folder} belongs to the pictures in {owner}, not to those in {output_folder}; choose "
        f"another state folder, or delete {state_folder / NOTE_NAME} if the pictures were moved from there"
    )


def note_owner(state_folder: Path, output_folder: Path) -> None:
    """Note whose the state folder is, if that is not on record: relative, so that both can be moved together."""
    owner = _owner(state_folder)
    if owner is not None and (owner == output_folder or _same(owner, output_folder)):
        return
    try:
        name = os.path.relpath(output_folder, state_folder)
    except ValueError:  # on another drive
        name = str(output_folder)
    with contextlib.suppress(OSError):  # whoever opens the ledger next has the words for it
        (state_folder / NOTE_NAME).write_text(json.dumps({"output": name}), encoding="ascii")


def _owner(state_folder: Path) -> Path | None:
    try:
        entry = json.loads((state_folder / NOTE_NAME).read_text(encoding="ascii"))
        return state_folder.joinpath(str(entry["output"])).resolve()
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
