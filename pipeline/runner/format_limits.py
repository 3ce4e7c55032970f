"""Tells whether a file of the config's format can hold pictures of a recipe's size. Owns what is said if it can't."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import SizeError
from pipeline.images.decoders.raster import Size
from pipeline.images.formats import longest_side_pixels, roomier_format
from pipeline.model import PictureFormat, Recipe
from pipeline.report.formatting import counted


def require_writable_size(recipe: Recipe, picture_format: PictureFormat, photos: Iterable[Size] = ()) -> None:
    """Raise SizeError if pictures of ``recipe`` are too large for a file: those of a usual photo, or of all these.

    ``photos``: their sides in pixels.
    """
    longest = longest_side_pixels(picture_format)
    sizes = [recipe.for_photo(*size).size for size in photos] or [recipe.size]
    if min(sizes) <= longest:
        return
    by_rule = "" if recipe.size_rule is None else f" ({recipe.size_rule})"
    instead = f"a size of {longest}" if recipe.size_rule is None else f"max_size: {longest}"
    raise SizeError(
        f"recipes.{recipe.name}.size{by_rule}: a {picture_format} file holds at most {longest:,} pixels a side, "
        f"and a picture would have {min(sizes):,}; use {instead} or less, or output.format: "
        f"{roomier_format(picture_format, max(sizes))}"
    )


def too_large_sentence(pictures: int, picture_format: PictureFormat) -> str:
    """Say of how many pictures the format is no good, and what to do."""
    longest = longest_side_pixels(picture_format)
    return (
        f"{counted(pictures, 'picture')} would be too large for {picture_format}, which holds {longest:,} pixels a "
        f"side, and would fail: set max_size: {longest}, or another output.format"
    )


def fits_format(recipe: Recipe, picture_format: PictureFormat) -> bool:
    """Tell whether a file can hold the picture that is made by this recipe, whose size is in pixels."""
    return recipe.size <= longest_side_pixels(picture_format)
