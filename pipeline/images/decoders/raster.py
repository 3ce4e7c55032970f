"""The pixels of a file as its decoder gives them. Owns depth and resampling; knows no files and no color profiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.images.metadata import Metadata

Size = tuple[int, int]
Box = tuple[float, float, float, float]
Mode = Literal["L", "LA", "RGB", "RGBA", "CMYK", "CMYKA"]

#: What the channels of light are, by their number.
MODES_OF_LIGHT: Final[dict[int, Mode]] = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}

_UPRIGHT: Final[dict[int, Image.Transpose]] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True, eq=False)
class DeepPixels:
    """Pixels of more than 8 bits a channel: (H, W, C), of which ``white`` is the value of full intensity.

    ``mode`` names the channels as Pillow does, and CMYKA, which it has not; values may lie outside 0..``white``.
    With ``inverted`` 0 is white, as in some gray TIFF files.
    """

    values: NDArray[Any]
    mode: Mode
    white: float
    inverted: bool = False

    @property
    def size(self) -> Size:
        """Return width and height."""
        return self.values.shape[1], self.values.shape[0]


#: An image of mode L, LA, RGB, RGBA, CMYK or LAB (8 bits a channel), or deeper pixels.
Pixels = Image.Image | DeepPixels


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """A decoded picture as it is stored.

    ``box``: the part that the picture covers (left, top, right, bottom), None = all. ``orientation``: what EXIF says
    is still to be done, 1 = it is upright. ``profile``: an ICC profile, b"" = none, None = a damaged one. ``notes``:
    for the log.
    """

    pixels: Pixels
    profile: bytes | None = b""
    orientation: int = 1
    box: Box | None = None
    notes: tuple[str, ...] = ()


class OpenedFile(Protocol):
    """A file whose header has been read. ``size``: width and height as stored, before orientation."""

    @property
    def size(self) -> Size:
        """Return width and height as stored."""
        ...

    def metadata(self) -> Metadata:
        """Return the file's metadata."""
        ...

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels; ``choose_size`` tells the size that a picture of the given one is reduced to."""
        ...


def by_channels(values: NDArray[Any]) -> NDArray[Any]:
    """Return values (H, W) or (H, W, C), as decoders give them, as (H, W, C)."""
    return values[..., np.newaxis] if values.ndim == 2 else values


def resized(pixels: Pixels, size: Size, box: Box | None = None) -> Pixels:
    """Return the part in ``box`` at ``size`` by Lanczos' filter; deep pixels become float32, 0..1."""
    if isinstance(pixels, Image.Image):
        return pixels.resize(size, Image.Resampling.LANCZOS, box=box)
    count = pixels.values.shape[2]
    if not pixels.mode.endswith("A"):
        return _deep([_resample(_channel(pixels, index), size, box) for index in range(count)], pixels.mode)
    # Colors count by their opacity, so that what can't be seen leaves no fringe.
    alpha = _channel(pixels, count - 1)
    small_alpha = _resample(alpha, size, box)
    divisor = np.where(small_alpha > 0, small_alpha, np.float32(1))
    colors = [_resample(_channel(pixels, index) * alpha, size, box) / divisor for index in range(count - 1)]
    return _deep([*colors, small_alpha], pixels.mode)


def _deep(channels: list[NDArray[Any]], mode: Mode) -> DeepPixels:
    return DeepPixels(np.clip(np.dstack(channels), 0, 1, dtype=np.float32), mode, 1.0)


def _channel(pixels: DeepPixels, index: int) -> NDArray[np.float32]:
    values = pixels.values[..., index].astype(np.float32) / np.float32(pixels.white)
    finite: NDArray[np.float32] = np.nan_to_num(values, copy=False, posinf=0.0, neginf=0.0).clip(0, 1)
    return 1 - finite if pixels.inverted and index == 0 else finite


def _resample(channel: NDArray[np.float32], size: Size, box: Box | None) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.LANCZOS, box=box))


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Return pixels turned as EXIF's ``orientation`` says, 1 to 8."""
    transposition = _UPRIGHT.get(orientation)
    if transposition is None:
        return pixels
    if isinstance(pixels, Image.Image):
        return pixels.transpose(transposition)
    return DeepPixels(_transposed(pixels.values, orientation), pixels.mode, pixels.white, pixels.inverted)


def _transposed(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    if orientation >= 5:
        values = values.transpose(1, 0, 2)
    flipped_rows = orientation in {3, 4, 7, 8}
    flipped_columns = orientation in {2, 3, 6, 7}
    return values[:: -1 if flipped_rows else 1, :: -1 if flipped_columns else 1]


def unmultiplied(pixels: DeepPixels) -> DeepPixels:
    """Return pixels whose colors were multiplied by their alpha, the last channel, as they were before."""
    alpha = pixels.values[..., -1:].astype(np.float32) / np.float32(pixels.white)
    colors = pixels.values[..., :-1].astype(np.float32) / np.maximum(alpha, np.float32(1e-6))
    return DeepPixels(
        np.concatenate([colors, pixels.values[..., -1:]], axis=2, dtype=np.float32), pixels.mode, pixels.white
    )
