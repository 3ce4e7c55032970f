"""Checkpoints of unfinished pictures, as files. Owns their names and their end; what is in them is the engine's."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Final

from pipeline.config import Config
from pipeline.ledger import Ledger

# Since 0.8 safetensors writes to a hidden file beside the one that it is to write.
_NAME: Final = re.compile(r"[0-9a-f]{64}\.(safetensors|part)|\.tmp\w+")


def checkpoint_folder(config: Config) -> Path:
    """Return where the checkpoints of a config's pictures are."""
    return config.state.folder / "checkpoints"


def checkpoint_path(folder: Path, key: str) -> Path:
    """Return where what is made of the picture with this key is kept."""
    return folder / f"{key}.safetensors"


def remove_checkpoint(path: Path | None) -> None:
    """Remove the checkpoint of a picture that is published."""
    if path is not None:
        with contextlib.suppress(OSError):  # the next start looks again
            path.unlink(missing_ok=True)


def tidy_checkpoints(folder: Path, ledger: Ledger) -> None:
    """Remove what a killed worker left half-written, and checkpoints that no open job has a use for.

    The caller knows that no worker writes.
    """
    files = [path for path in folder.glob("*") if _NAME.fullmatch(path.name)]
    keys = ledger.queries.open_keys() if files else set()
    for path in files:
        if path.suffix != ".safetensors" or path.stem not in keys:
            remove_checkpoint(path)
