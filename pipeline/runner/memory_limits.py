"""Tells whether this machine can ever make pictures of a recipe's size. Owns that limit and its sentence.

Only what is impossible is refused: the least memory that such a picture takes is more than the machine has in all,
other programs and all other pictures left aside. What merely does not fit just now is the engine's matter.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pipeline.engine.machine import gpu_memory_bytes, gpu_names
from pipeline.engine.memory.limit import possible_limit
from pipeline.engine.memory.requirements import largest_possible, least_need_at, picture_pixels
from pipeline.errors import SizeError
from pipeline.images.decoders.raster import Size
from pipeline.model import EngineSettings, Recipe
from pipeline.runner.photo_sizes import NARROWEST, USUAL, proportion_of, sizes_of

# What a GPU computes in bfloat16 takes half of what is predicted for float32.
_GPU_SHARE: Final = 0.5
# No need to ask how much a machine has if a picture takes no more than this; engine.memory leaves more, too.
_SURE_BYTES: Final = 1_000_000_000


def memory_limit_bytes(engine: EngineSettings) -> float:
    """Return what a picture could take here if nothing else ran, as predicted for a CPU; infinity if unknown."""
    own = possible_limit(engine.memory_bytes)
    if engine.device in ("cpu", "mps"):
        return own
    if engine.device == "auto" and not gpu_names():
        # GPUs of AMD, and on Windows all, are not known without torch.
        unknown = sys.platform == "win32" or Path("/dev/kfd").exists()
        return math.inf if unknown else own
    gpu = (gpu_memory_bytes() or math.inf) / _GPU_SHARE
    return max(own, gpu) if engine.device == "auto" else gpu


def require_possible_size(
    recipe: Recipe,
    engine: EngineSettings,
    photos: Iterable[Size] = (),
    *,
    limit_bytes: float | None = None,
) -> None:
    """Raise SizeError if no picture of ``recipe`` can be made of photos of these sizes, in pixels.

    Without any, no photo is known yet. ``photos`` are read until there is one of which a picture can be made.
    ``limit_bytes``: instead of what this machine has.
    """
    rule = recipe.size_rule
    if rule is None and _need(recipe, (1, 1)) <= _SURE_BYTES:
        return
    limit = memory_limit_bytes(engine) if limit_bytes is None else limit_bytes
    known = []
    for photo in photos:
        known.append(photo)
        if _need(recipe, photo) <= limit:
            return
    if not known and rule is not None and not rule.enlarges:
        return
    least = min(known or [NARROWEST], key=lambda photo: _need(recipe, photo))
    if (need := _need(recipe, least)) > limit:
        most = max(known or [USUAL], key=lambda photo: proportion_of(photo, 1.0))
        width, height = _picture_sides(recipe, least)
        largest = _largest_size(recipe, proportion_of(most, 1.0), limit)
        raise SizeError(
            f"recipes.{recipe.name}.size: even a picture of {width} × {height} pixels takes about "
            f"{need / 1e9:,.0f} GB of memory, more than {_what_limits(engine)}; use "
            f"{f'a size of {largest} or less' if rule is None else f'max_size: {largest}'}"
        )


def _what_limits(engine: EngineSettings) -> str:
    if engine.memory_bytes is None:
        return "this machine has in all"
    return f"engine.memory ({engine.memory_bytes / 1e9:,.3g} GB) leaves beside the program"


def require_possible_photos(
    recipes: Iterable[Recipe], engine: EngineSettings, folder: Path, photos_of: Callable[[str], Iterable[str]]
) -> None:
    """Raise SizeError for a recipe if of none of its photos in ``folder`` a picture can be made.

    ``photos_of`` returns the photos of a recipe, by its name.
    """
    for recipe in recipes:
        require_possible_size(recipe, engine, sizes_of(folder, photos_of(recipe.name)))


def _picture_sides(recipe: Recipe, photo: Size) -> tuple[int, int]:
    """Return the long and the short side of a picture in pixels."""
    size = recipe.for_photo(*photo).size
    return size, max(1, round(size * proportion_of(photo, 1.0)))


def _need(recipe: Recipe, photo: Size) -> int:
    width, height = _picture_sides(recipe, photo)
    concrete = recipe.for_photo(*photo)
    return least_need_at(concrete, picture_pixels(concrete, height, width))


def _largest_size(recipe: Recipe, proportion: float, limit: float) -> int:
    """Return the largest size, in round numbers, at which a picture of this proportion fits."""
    side = math.isqrt(int(largest_possible(recipe, limit) / proportion))
    return max(16, side // 100 * 100 if side >= 1000 else side)
