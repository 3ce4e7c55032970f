"""Reads a mask: how much of each place in a picture has which color. Owns how colors between two are divided.

A color between two regions' colors counts to both, in proportion, so that grays between white and black are a soft
edge. Which two that are is decided by the line between two colors that is nearest to it. Indices are never mixed:
what is resampled is how much of a place has an index, not the index. Profiles are ignored, as a mask is no photo: a
color is its numbers.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.errors import PhotoError
from pipeline.images.decode import too_many_pixels
from pipeline.images.decode_errors import translated_errors
from pipeline.images.decoders.pillow import PIXEL_LIMIT
from pipeline.images.decoders.raster import Size
from pipeline.model.region_colors import is_index, rgb_of

FORMATS: Final = ("PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG")
_DEEP_GRAYS: Final = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I"})
#: Pixels that are worked on together.
_STRIP_PIXELS: Final = 1_000_000

_Shares = NDArray[np.float32]
#: Returns (regions, height, width) of a strip of a mask's rows.
_Divide = Callable[[NDArray[np.uint8]], _Shares]


def decode_mask(data: bytes, *, max_pixels: int) -> Image.Image:
    """Return a mask, upright: gray, indexed, or RGB; what is transparent is black.

    Raises PhotoError for a file that is damaged, no picture or has more than ``max_pixels``; CodecError, MemoryError.
    """
    with translated_errors(data):
        with PIXEL_LIMIT.lifted():
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > max_pixels:
            raise PhotoError(f"it has {image.width} × {image.height} pixels, {too_many_pixels(max_pixels)}")
    with translated_errors(data, image.width * image.height):
        image.load()
        return _in_plain_mode(ImageOps.exif_transpose(image))


def _in_plain_mode(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP_GRAYS:
        return Image.fromarray(np.rint(np.clip(np.asarray(image), 0, 65535) / 257).astype(np.uint8))
    if image.mode == "F":
        raise PhotoError("its gray values are no whole numbers: export it with 8 bits")
    if image.mode == "P":
        return image
    return _over_black(image) if image.mode in ("1", "L") else _over_black(image).convert("RGB")


def _over_black(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    opaque = Image.new("RGBA", image.size, "black")
    opaque.alpha_composite(image.convert("RGBA"))
    return opaque.convert("RGB")


def region_shares(mask: Image.Image, colors: Sequence[str], size: Size) -> tuple[_Shares, ...]:
    """Return for each of ``colors`` how much it has of each place, (H, W) in 0..1, of a picture of this size.

    ``colors`` are canonical, see :mod:`pipeline.model.region_colors`. Together they are 1, but with indices what has
    none of theirs is in no region. Raises PhotoError for indices if the mask has none.
    """
    if is_index(colors[0]):
        pixels, divide = _indices(mask), _by_table(_index_table(colors))
    elif mask.mode == "RGB":
        pixels, divide = np.asarray(mask), _by_color(colors)
    else:
        colored = mask.mode == "P"
        pixels = np.asarray(_over_black(mask).convert("RGB") if colored else mask.convert("L"))
        divide = _by_color(colors) if colored else _by_table(_gray_table(colors))
    return _resampled(pixels, divide, len(colors), size)


def _indices(mask: Image.Image) -> NDArray[np.uint8]:
    if mask.mode == "RGB":
        raise PhotoError(
            "its colors have no indices, which the style's regions are named by: save it as an indexed PNG, or name "
            "the regions by colors"
        )
    return np.asarray(mask).astype(np.uint8)


def _index_table(colors: Sequence[str]) -> _Shares:
    indices = np.array([int(color) for color in colors])
    table: _Shares = (np.arange(256) == indices[:, np.newaxis]).astype(np.float32)
    return table


def _gray_table(colors: Sequence[str]) -> _Shares:
    return _shares_of_colors(np.repeat(np.arange(256)[:, np.newaxis], 3, axis=1), _vertices(colors))


def _by_table(table: _Shares) -> _Divide:
    return lambda strip: table[:, strip]


def _by_color(colors: Sequence[str]) -> _Divide:
    vertices = _vertices(colors)

    def divide(strip: NDArray[np.uint8]) -> _Shares:
        red, green, blue = np.moveaxis(strip.astype(np.int32), -1, 0)
        # A mask has few colors, and each is divided once.
        packed, places = np.unique(red << 16 | green << 8 | blue, return_inverse=True)
        different = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1)
        return _shares_of_colors(different, vertices)[:, places.reshape(strip.shape[:2])]

    return divide


def _vertices(colors: Sequence[str]) -> NDArray[np.float64]:
    return np.array([rgb_of(color) for color in colors], np.float64)


def _shares_of_colors(pixels: NDArray[np.integer], vertices: NDArray[np.float64]) -> _Shares:
    """Return how much each of ``vertices`` (n, 3) has of each of ``pixels`` (m, 3): (n, m).

    Of lines equally near the shortest counts: on a gray axis with three regions the neighbors are mixed.
    """
    shares = np.zeros((len(vertices), len(pixels)), np.float32)
    nearest = np.full(len(pixels), np.inf)
    lines = combinations(range(len(vertices)), 2)
    for first, second in sorted(lines, key=lambda line: math.dist(vertices[line[0]], vertices[line[1]])):
        direction = vertices[second] - vertices[first]
        along = np.clip((pixels - vertices[first]) @ direction / (direction @ direction), 0, 1)
        distance = np.square(vertices[first] + along[:, np.newaxis] * direction - pixels).sum(axis=1)
        is_nearer = distance < nearest - 1e-6
        nearest[is_nearer] = distance[is_nearer]
        shares[:, is_nearer] = 0
        shares[first, is_nearer] = 1 - along[is_nearer]
        shares[second, is_nearer] = along[is_nearer]
    return shares


def _resampled(pixels: NDArray[np.uint8], divide: _Divide, count: int, size: Size) -> tuple[_Shares, ...]:
    """Return the shares averaged over the area of each pixel of ``size``, or, where that is larger, interpolated."""
    height, width = pixels.shape[:2]
    rows = max(1, _STRIP_PIXELS // width)
    narrowed = np.empty((count, height, size[0]), np.float32)
    for top in range(0, height, rows):
        for region, share in enumerate(divide(pixels[top : top + rows])):
            narrowed[region, top : top + rows] = _resized(share, (size[0], len(share)))
    shares = np.stack([np.clip(_resized(each, size), 0, 1) for each in narrowed])
    return tuple(shares / np.maximum(shares.sum(axis=0), 1))


def _resized(share: _Shares, size: Size) -> _Shares:
    height, width = share.shape
    shrinks = size[0] <= width and size[1] <= height
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(np.ascontiguousarray(share)).resize(size, method))
