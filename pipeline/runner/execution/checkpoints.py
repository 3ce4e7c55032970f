"""Names and removes the checkpoint files of unfinished pictures; their content is the engine's."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Final

from pipeline.images.previews import tidy_live
from pipeline.ledger import Ledger
from pipeline.model import PassSettings
from pipeline.model.timelapse_files import FRAMES_SUFFIX, frames_path

# Since 0.8 safetensors writes to a hidden file beside the one that it is to write.
_NAME: Final = re.compile(r"[0-9a-f]{64}\.(safetensors|frames|part)|\.tmp\w+")

_SUFFIXES: Final = (".safetensors", FRAMES_SUFFIX)


def checkpoint_folder(state_folder: Path) -> Path:
    """Return where the checkpoints are."""
    return state_folder / "checkpoints"


def checkpoint_path(folder: Path, key: str) -> Path:
    """Return the checkpoint file of the picture with this key."""
    return folder / f"{key}.safetensors"


def remove_checkpoint(path: Path | None) -> None:
    """Remove the checkpoint of a picture that is published, and the frames of its time-lapse."""
    if path is not None:
        for file in (path, frames_path(path)):
            with contextlib.suppress(OSError):  # the next start removes it
                file.unlink(missing_ok=True)


def tidy_unfinished(settings: PassSettings, ledger: Ledger) -> None:
    """Remove what killed workers left of pictures in progress, as far as none is resumed from it.

    No worker may be writing.
    """
    tidy_checkpoints(checkpoint_folder(settings.folders.state), ledger)
    tidy_live(settings.previews)


def tidy_checkpoints(folder: Path, ledger: Ledger) -> None:
    """Remove what a killed worker left half-written, and checkpoints that no unfinished job can resume from.

    No worker may be writing.
    """
    files = [path for path in folder.glob("*") if _NAME.fullmatch(path.name)]
    keys = ledger.queries.open_keys() if files else set()
    for path in files:
        if path.suffix not in _SUFFIXES or path.stem not in keys:
            remove_checkpoint(path)
