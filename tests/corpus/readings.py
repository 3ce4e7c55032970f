"""What a decoder makes of a file: its upright size and the colors of an 8 × 8 grid, or why it refuses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Size = tuple[int, int]
Grid = NDArray[np.float32]

CELLS: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """``size``: upright (width, height); ``grid``: (8, 8, 3) means over white, sRGB, 0..255.

    Both are None where the file is refused, ``refusal`` says why. ``complaint``: what is said of a file that is read
    nevertheless, perhaps in part.
    """

    size: Size | None = None
    grid: Grid | None = None
    refusal: str = ""
    complaint: str = ""

    @property
    def reads(self) -> bool:
        """Whether the decoder gives a picture."""
        return self.grid is not None

    @property
    def is_clean(self) -> bool:
        """Whether the decoder gives a picture without a complaint."""
        return self.reads and not self.complaint


@dataclass(frozen=True, slots=True, eq=False)
class OwnReading(Reading):
    """What this program makes of a file, how long that takes and how much memory.

    ``failure``: "crash", "time" or "memory" where the process ended without an answer; ``is_scanned``: whether the
    suffix is one of photos; ``completeness``: what intake says, with its reason; ``chatter``: what libraries print.
    """

    failure: str = ""
    is_scanned: bool = True
    completeness: str = "complete"
    incomplete_because: str = ""
    notes: tuple[str, ...] = ()
    chatter: str = ""
    seconds: float = 0.0
    peak_bytes: int = 0


def grid_of(image: Image.Image) -> Grid:
    """Return the means of an upright RGB image, which may be a reduction of the picture."""
    return np.asarray(image.resize((CELLS, CELLS), Image.Resampling.BOX), np.float32)
