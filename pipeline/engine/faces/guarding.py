"""Says which places of a photo are guarded because a recipe keeps faces. Loads the detector once, when needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.engine.faces.detector_file import find_detector, read_detector
from pipeline.engine.faces.face_map import Face, face_map
from pipeline.engine.faces.onnx_file import read_graph
from pipeline.model import Recipe

if TYPE_CHECKING:
    from pipeline.engine.faces.centerface import CenterFace

FindFaces = Callable[[npt.NDArray[Any]], tuple[Face, ...]]


def find_faces(photo: npt.NDArray[Any]) -> tuple[Face, ...]:
    """Return the faces in a photo, sRGB (H, W, 3), uint8 or float32 in 0..1. Raises WeightsError, MemoryError."""
    return _detector().faces(photo)


def guarded_faces(
    recipe: Recipe, photo: npt.NDArray[Any], find: FindFaces = find_faces
) -> tuple[npt.NDArray[np.float32] | None, tuple[str, ...]]:
    """Return how much each place of a photo is guarded by ``recipe``, None for nowhere, and notes on that.

    Raises WeightsError, MemoryError.
    """
    if not recipe.keep_faces:
        return None, ()
    faces = find(photo)
    if not faces:
        return None, ("keep_faces: no face was found",)
    count = "1 face was" if len(faces) == 1 else f"{len(faces)} faces were"
    guarded = face_map(faces, photo.shape[:2]) * np.float32(recipe.keep_faces)
    return guarded, (f"keep_faces: {count} found and kept by {recipe.keep_faces:g}",)


@cache
def _detector() -> CenterFace:
    from pipeline.engine.faces.centerface import CenterFace

    return CenterFace(read_graph(read_detector(find_detector())))
