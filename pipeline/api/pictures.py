"""Reads what callers give as photos and paintings: files, Pillow images, arrays. Owns what is refused, and why.

All of them become upright sRGB pixels as the program itself makes them of a file: turned by the orientation,
converted from the profile, transparent parts over white.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.api.settings import blend_shares
from pipeline.engine.memory.requirements import least_need_at
from pipeline.engine.network.architecture import LEAST_SIDE
from pipeline.errors import CodecError, OutOfMemoryError, PaintingError, PhotoError
from pipeline.hashing import sha256_of_bytes
from pipeline.images.decode import (
    DecodedPhoto,
    decode,
    decode_image,
    decode_painting_image,
    fit,
    read_size,
)
from pipeline.images.decode import load_painting as load_file
from pipeline.images.decoders.raster import Size
from pipeline.model import Painting, Recipe, Style

Array = NDArray[np.uint8] | NDArray[np.floating[Any]]
#: A file, an image, or an array: (H, W, 3) RGB, (H, W, 4) with alpha or (H, W) gray; uint8 0..255 or float 0..1.
ImageLike = str | os.PathLike[str] | Image.Image | Array
#: A painting's weight, or {"weight": 0.3, "scale": 0.5}.
ShareLike = float | Mapping[str, float]
#: A painting, or a blend: a mapping of files to weights, or a list of paintings or of (painting, weight[, scale]).
PaintingLike = (
    ImageLike
    | Mapping[str, ShareLike]
    | Mapping[Path, ShareLike]
    | Sequence[ImageLike | tuple[ImageLike, float] | tuple[ImageLike, float, float]]
)

_CHANNELS: Final = (3, 4)


@dataclass(frozen=True, slots=True)
class PaintingInMemory(Painting):
    """A painting that is in no file; ``pixels``: (H, W, 3) uint8, sRGB. ``sha256`` is of these."""

    pixels: NDArray[np.uint8] = field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PhotoReader:
    """Decodes photos for a recipe.

    ``max_pixels`` bounds width × height of a file. ``memory_bytes``: what a picture may need at most.
    """

    recipe: Recipe
    max_pixels: int
    memory_bytes: float

    def read(self, photo: object, name: str) -> tuple[DecodedPhoto, Recipe]:
        """Return a photo at its picture's size, and what that is made by; errors call it ``name``, or by its path.

        Raises PhotoError, CodecError, OutOfMemoryError.
        """
        path = _path_of(photo)
        with _explained(name if path is None else str(path), PhotoError):
            if path is None:
                image = _image_of(photo)
                recipe = self._recipe_for(image.size)
                return decode_image(image, long_side=recipe.size), recipe
            data = _bytes_of(path)
            recipe = self._recipe_for(read_size(io.BytesIO(data)))
            return decode(data, long_side=recipe.size, max_pixels=self.max_pixels), recipe

    def _recipe_for(self, size: Size) -> Recipe:
        """Return what the picture of a photo of this size is made by. Raises OutOfMemoryError."""
        recipe = self.recipe.for_photo(*size)
        width, height = fit(size, recipe.size)
        need = least_need_at(recipe, width * height)
        if need > self.memory_bytes:
            raise OutOfMemoryError(
                f"a picture of {width} × {height} pixels takes about {need / 1e9:,.1f} GB of memory, and "
                f"{self.memory_bytes / 1e9:,.1f} GB are free; use a smaller size, or free memory"
            )
        return recipe


def style_of(painting: PaintingLike, scale: float) -> Style:
    """Return what callers gave as ``painting`` as a style. Raises PaintingError, ConfigError for weights."""
    if isinstance(painting, Mapping):
        return _blend(list(painting), list(painting.values()), scale)
    if isinstance(painting, list | tuple):
        pairs = [_with_share(each) for each in painting]
        return _blend([each for each, _ in pairs], [share for _, share in pairs], scale)
    return Style("painting", (_painting(painting, "painting", 1.0, 1.0),), scale)


def with_image_hash(recipe: Recipe) -> Recipe:
    """Return a recipe with the hash of the image that pictures start from, if any. Raises PaintingError."""
    path = recipe.init_image
    if path is None:
        return recipe
    with _explained(str(path), PaintingError):
        data = _bytes_of(path)
        read_size(io.BytesIO(data))
        return replace(recipe, init_image_sha256=sha256_of_bytes(data))


def load_painting(painting: Painting, long_side: int) -> NDArray[np.uint8]:
    """Return a painting's pixels for the engine, which wants so many on its long side.

    An image in memory has 4096 at most. Raises PaintingError, PaintingChangedError, MemoryError.
    """
    if isinstance(painting, PaintingInMemory):
        return painting.pixels
    return load_file(painting, long_side)


def _with_share(given: object) -> tuple[object, object]:
    if not (isinstance(given, tuple) and len(given) in (2, 3)):
        return given, 1.0
    painting, weight, *scale = given
    return painting, {"weight": weight, "scale": scale[0]} if scale else weight


def _blend(paintings: Sequence[object], shares: Sequence[object], scale: float) -> Style:
    parts = zip(paintings, blend_shares(shares), strict=True)
    return Style(
        "blend",
        tuple(_painting(part, f"painting[{index}]", *share) for index, (part, share) in enumerate(parts)),
        scale,
    )


def _painting(painting: object, name: str, weight: float, scale: float) -> Painting:
    path = _path_of(painting)
    with _explained(name if path is None else str(path), PaintingError):
        if path is not None:
            data = _bytes_of(path)
            _require_side(read_size(io.BytesIO(data)))
            return Painting(path, sha256_of_bytes(data), weight, scale)
        image = _image_of(painting)
        _require_side(image.size)
        pixels = decode_painting_image(image)
        digest = sha256_of_bytes(f"pixels {pixels.shape} ".encode() + pixels.tobytes())
        return PaintingInMemory(Path(name), digest, weight, scale, pixels=pixels)


def _require_side(size: Size) -> None:
    width, height = size
    if min(size) < LEAST_SIDE:
        raise _RefusedError(
            f"is only {width} × {height} pixels; each side must have {LEAST_SIDE} at least, use a larger image"
        )


class _RefusedError(Exception):
    """Why something that was given can't be used: the end of a sentence that begins with its name."""


@contextmanager
def _explained(name: str, kind: type[PhotoError | PaintingError]) -> Iterator[None]:
    """Let errors begin with the ``name`` of what was given, and be of a ``kind``."""
    try:
        yield
    except _RefusedError as refusal:
        raise kind(f"{name} {refusal}") from refusal.__cause__
    except CodecError as error:
        raise (CodecError if kind is PhotoError else kind)(f"{name}: {error}") from error
    except PhotoError as error:
        raise kind(f"{name}: {error}") from error
    except MemoryError as error:
        raise OutOfMemoryError(f"{name}: not enough memory to read it; free some") from error


def _path_of(given: object) -> Path | None:
    """Return the path that was given, None if something else was."""
    if not isinstance(given, str | os.PathLike):
        return None
    try:
        return Path(os.fsdecode(given)).expanduser().absolute()
    except RuntimeError:  # there is no such home
        return Path(os.fsdecode(given)).absolute()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _RefusedError(f"can't be read ({reason}); name an existing picture") from error


def _image_of(given: object) -> Image.Image:
    if isinstance(given, np.ndarray):
        return Image.fromarray(_eight_bits(_with_known_shape(given)))
    if not isinstance(given, Image.Image):
        found = f"{type(given).__module__}.{type(given).__name__}".removeprefix("builtins.")
        raise _RefusedError(f"must be a path, a Pillow image or a numpy array, found {found}")
    if 0 in given.size:
        raise _RefusedError(f"must have pixels, found an image of {given.width} × {given.height}")
    return given


def _with_known_shape(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as (H, W) or (H, W, 3 or 4)."""
    shape = array.shape
    if array.ndim == 3 and shape[2] == 1:
        return array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in _CHANNELS):
        hint = "; colors come last: array.transpose(1, 2, 0)" if array.ndim == 3 and shape[0] in _CHANNELS else ""
        raise _RefusedError(
            f"must be an array of the shape (height, width, 3) for RGB, (height, width, 4) with alpha, or "
            f"(height, width) for gray, found {shape}{hint}"
        )
    if 0 in shape:
        raise _RefusedError(f"must have pixels, found an empty array {shape}")
    return array


def _eight_bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise _RefusedError(f"must hold uint8 (0 to 255) or floats (0 to 1), found {array.dtype}; convert it")
    if not np.isfinite(array).all():
        raise _RefusedError("must hold finite numbers, found nan or inf")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        hint = "; divide by 255, or use uint8" if low >= 0 and high <= 255 else "; clip or rescale it"
        raise _RefusedError(f"must hold floats from 0 to 1, found {low:g} to {high:g}{hint}")
    rounded: NDArray[np.uint8] = np.rint(array * 255).astype(np.uint8)
    return rounded
