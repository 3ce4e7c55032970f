"""Names of time-lapses: beside the picture, beside its part file, and beside its checkpoint while it is made."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import Final

#: How the file name of a time-lapse ends; photos and pictures with such names are taken for one.
TIMELAPSE_ENDING: Final = ".timelapse.webp"

#: The suffix of the file of frames that a picture's next worker goes on from, beside its checkpoint.
FRAMES_SUFFIX: Final = ".frames"


def timelapse_name(output: str) -> str:
    """Return the name of a picture's time-lapse; both are relative to the output folder."""
    return os.path.splitext(output)[0] + TIMELAPSE_ENDING  # noqa: PTH122 - a name, not a path of this system


def timelapse_part(part: Path) -> Path:
    """Return where the worker writes the time-lapse of the picture that it writes to ``part``."""
    return part.with_name(f"{part.name.removesuffix('.part')}.timelapse.part")


def frames_path(checkpoint: Path) -> Path:
    """Return where the frames are saved that belong to a checkpoint."""
    return checkpoint.with_suffix(FRAMES_SUFFIX)
