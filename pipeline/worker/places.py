"""Finds out what differs by place in a picture: the photo's mask, its faces. Owns whether a mask fits its photo."""

from __future__ import annotations

from functools import partial

import numpy as np

from pipeline.engine.events import Places
from pipeline.engine.faces.guarding import FindFaces, guarded_faces
from pipeline.errors import CodecError, PhotoError
from pipeline.images.decode import DecodedPhoto
from pipeline.images.decoders.raster import Size
from pipeline.images.masks import decode_mask, region_shares
from pipeline.intake.safe_open import open_below
from pipeline.model import Assignment, FailureKind, Mask, Recipe
from pipeline.worker.claimed_content import UnusableFileError, claimed_content

#: By so much a mask's proportions may differ from the photo's, as after rounding in an editor.
_TOLERANCE = 0.02


def places_of(assignment: Assignment, photo: DecodedPhoto) -> Places | None:
    """Return which region is where in the photo, None if it has no mask. Raises UnusableFileError, MemoryError."""
    mask, regions = assignment.mask, assignment.style.regions
    if mask is None or not regions:
        return None
    data = _bytes_of(mask)
    height, width = photo.pixels.shape[:2]
    try:
        image = decode_mask(data, max_pixels=assignment.max_pixels)
        _require_proportions(image.size, (width, height))
        shares = region_shares(image, [region.color for region in regions], (width, height))
    except PhotoError as error:
        advice = "correct or delete it (without a mask the photo is painted whole)"
        raise UnusableFileError(FailureKind.MASK, f"the mask {mask.path} can't be used: {error}; {advice}") from error
    except CodecError as error:
        raise UnusableFileError(FailureKind.CODEC, f"the mask {mask.path} can't be read: {error}") from error
    return Places(regions=tuple(map(np.ascontiguousarray, shares)))


def with_faces(
    places: Places | None, recipe: Recipe, photo: DecodedPhoto, find: FindFaces
) -> tuple[Places | None, tuple[str, ...]]:
    """Return ``places`` with the faces that ``recipe`` keeps, and notes on them.

    Raises MemoryError, and WeightsError if the face detector can't be used.
    """
    guarded, notes = guarded_faces(recipe, photo.pixels, find)
    if guarded is None:
        return places, notes
    return Places(() if places is None else places.regions, guarded), notes


def _bytes_of(mask: Mask) -> bytes:
    subject = f"the mask {mask.path}"
    try:
        return claimed_content(partial(open_below, mask.path.parent, mask.path.name), mask.sha256, subject)
    except FileNotFoundError as error:
        raise UnusableFileError(FailureKind.CHANGED, f"{subject} changed after it was found") from error
    except OSError as error:
        reason = f"{subject} can't be read ({error.strerror or error}): check its permissions and its disk"
        raise UnusableFileError(FailureKind.UNREADABLE, reason) from error


def _require_proportions(mask: Size, photo: Size) -> None:
    """Raise PhotoError for a mask of other proportions than its photo, which is upright, as people see it."""
    if _fits(mask, photo):
        return
    turned = ""
    if _fits(mask, (photo[1], photo[0])):
        turned = " (it would fit if it were turned, as the photo is by what its file says)"
    raise PhotoError(
        f"it has {mask[0]} × {mask[1]} pixels, which are other proportions than the photo's as it is seen and "
        f"painted, {photo[0]} × {photo[1]}{turned}"
    )


def _fits(mask: Size, photo: Size) -> bool:
    # The photo's short side was rounded to whole pixels.
    tolerance = _TOLERANCE + 0.5 / min(photo)
    ratio = (mask[0] / mask[1]) / (photo[0] / photo[1])
    return 1 / (1 + tolerance) <= ratio <= 1 + tolerance
