"""What a face in a photo is, and the map of where faces are: soft where a face ends. Finds no faces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

# In half sizes of the face that was found, which reaches from the brow to the chin and from ear to ear: it is kept
# in full up to here, and from there less and less; with hair and neck it ends softly where nobody sees an edge.
_WHOLE: Final = 0.7
_NOTHING: Final = 1.9


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a photo: its center and size in whole pixels, and how surely it is one, 0..1."""

    x: int
    y: int
    width: int
    height: int
    score: float


def face_map(faces: Iterable[Face], shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return how much each place of a photo of ``shape`` (height, width) belongs to one of its faces, 0..1."""
    found = np.zeros(shape, dtype=np.float32)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for face in faces:
        across = (columns + 0.5 - face.x) / max(1, face.width / 2)
        down = (rows + 0.5 - face.y) / max(1, face.height / 2)
        left = np.clip((_NOTHING - np.hypot(across, down)) / (_NOTHING - _WHOLE), 0, 1)
        np.maximum(found, left * left * (3 - 2 * left), out=found, casting="same_kind")
    return found
