"""Reads TIFF and BigTIFF with tifffile and imagecodecs, at full depth. Leaves to Pillow what only libtiff decodes.

Damage is refused: tifffile itself goes on with what it can make sense of, and fills missing strips with zeros.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.raster import DeepPixels, Mode, Raster, Size, unmultiplied
from pipeline.images.metadata import Metadata, collect_tiff, orientation

_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _MASK, _SEPARATED, _YCBCR, _CIELAB, _ICCLAB = 0, 1, 2, 3, 4, 5, 6, 8, 9
_OLD_JPEG, _JPEG = 6, 7
_READ_HERE: Final = frozenset({_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _MASK, _SEPARATED})
_CHANNELS: Final[dict[int, tuple[int, Mode]]] = {_RGB: (3, "RGB"), _SEPARATED: (4, "CMYK")}
_ASSOCIATED, _UNASSOCIATED = 1, 2
_PHOTOMETRIC, _ICC = 262, 34675

#: Tags without which pixels can't be told: size, depth, compression, meaning, strips, tiles, predictor, color map.
_ESSENTIAL: Final = frozenset(
    {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339, 347}
)
_DAMAGED_TAG: Final = re.compile(r"TiffTag (\d+) ")
_LARGEST_SIGNED_16: Final = 32767.0
_WHITE_OF_32_BITS: Final = 65535.0


class TiffFile:
    """A TIFF file whose first full picture is read; see :class:`pipeline.images.decoders.raster.OpenedFile`."""

    def __init__(self, file: PhotoFile) -> None:
        """Read the header. Raises PhotoError, and what tifffile raises."""
        with _essential_damage():
            self._tiff = tifffile.TiffFile(file.stream())
            self._page = _first_full_page(self._tiff)
        self._file = file

    @property
    def size(self) -> Size:
        """Return width and height as stored."""
        return self._page.imagewidth, self._page.imagelength

    @property
    def needs_pillow(self) -> bool:
        """Whether libtiff, through Pillow, has to decode it: YCbCr without JPEG, JPEG of TIFF 6.0, 8-bit L*a*b*."""
        page = self._page
        is_plain_color = page.photometric == _YCBCR and page.compression != _JPEG
        return page.compression == _OLD_JPEG or is_plain_color or page.photometric in {_CIELAB, _ICCLAB}

    def metadata(self) -> Metadata:
        """Return the file's metadata."""
        return collect_tiff(self._file.data)

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels in full."""
        del choose_size
        page = self._page
        if _meaning(page) not in _READ_HERE:
            raise PhotoError(
                f"the file is a TIFF with {_name(page.photometric)} pixels, which can't be read: {_HELP}"
            )
        _require_all_segments(page)
        pixels = _pixels(page, _values(page))
        pages = len(self._tiff.pages)
        notes = (f"the TIFF has {pages} pages: the first picture is used",) if pages > 1 else ()
        return Raster(pixels, _profile(page), orientation(self.metadata()), notes=notes)


_HELP: Final = "save it as RGB or gray, uncompressed or with LZW"


@contextmanager
def _essential_damage() -> Iterator[None]:
    """Raise PhotoError if tifffile logs that it can't read a tag that decides the pixels; it goes on without."""
    messages = _Messages(logging.ERROR)
    logger = tifffile.logger()
    was_propagated, logger.propagate = logger.propagate, False
    logger.addHandler(messages)
    try:
        yield
    finally:
        logger.removeHandler(messages)
        logger.propagate = was_propagated
    for message in messages.found:
        match = _DAMAGED_TAG.search(message)
        if match is not None and int(match[1]) in _ESSENTIAL:
            raise PhotoError(f"the picture is damaged or cut short ({message}): copy it again from its source")


class _Messages(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(" ".join(record.getMessage().split()))


def _first_full_page(tiff: tifffile.TiffFile) -> Any:
    """Return the first page that is neither a thumbnail nor a mask, or the first."""
    pages = tiff.pages
    first = pages.first
    if not first.subfiletype & 0b101:
        return first
    return next(
        (page for page in pages if isinstance(page, tifffile.TiffPage) and not page.subfiletype & 0b101), first
    )


def _require_all_segments(page: Any) -> None:
    expected = math.prod(page.chunked)
    found = [count for count in page.databytecounts if count > 0]
    if len(found) < expected:
        raise PhotoError(
            f"the picture is damaged or cut short ({len(found)} of {expected} strips or tiles are there): copy it "
            f"again from its source"
        )


def _values(page: Any) -> NDArray[Any]:
    """Return a page's samples as (H, W, C)."""
    try:
        values = page.asarray(squeeze=False, maxworkers=1)
    except ValueError as error:
        if "not supported" in str(error) or "is not a known" in str(error):
            raise PhotoError(
                f"the file is a TIFF with {_name(page.compression)} compression, which can't be read: {_HELP}"
            ) from error
        raise
    first = values[:, 0]  # of (separate channels, depth, H, W, channels side by side)
    return np.moveaxis(first[..., 0], 0, -1) if len(first) > 1 else first[0]


def _pixels(page: Any, values: NDArray[Any]) -> Image.Image | DeepPixels:
    photometric = _meaning(page)
    if photometric == _PALETTE:
        values, photometric = _looked_up(page, values), _RGB
    count, mode = _CHANNELS.get(photometric, (1, "L"))
    if values.shape[2] < count:
        raise PhotoError(
            f"the file is a TIFF with {values.shape[2]} channels for {mode}, which can't be read: {_HELP}"
        )
    alpha = next(iter(page.extrasamples), 0) if mode != "CMYK" and values.shape[2] > count else 0
    if alpha in {_ASSOCIATED, _UNASSOCIATED}:
        values, mode = values[..., : count + 1], "RGBA" if mode == "RGB" else "LA"
    else:
        values = values[..., :count]
    if page.bitspersample <= 8 and values.dtype.kind in "ub":
        return _shallow(page, values, mode, is_multiplied=alpha == _ASSOCIATED)
    pixels = DeepPixels(values, mode, _white_of(page, values[..., :count]), photometric == _MINISWHITE)
    return unmultiplied(pixels) if alpha == _ASSOCIATED else pixels


def _meaning(page: Any) -> int:
    """Return what the samples mean; without the tag, what libtiff guesses. YCbCr in JPEG is RGB already."""
    if _PHOTOMETRIC not in page.tags:
        return _RGB if page.samplesperpixel >= 3 else _MINISBLACK
    return _RGB if page.photometric == _YCBCR else int(page.photometric)


def _shallow(page: Any, values: NDArray[Any], mode: Mode, *, is_multiplied: bool) -> Image.Image:
    """Return samples of 1 to 8 bits as an image of 8."""
    white = 255 if _meaning(page) == _PALETTE else 2**page.bitspersample - 1
    if white != 255:
        values = np.rint(values.astype(np.float32) * (255 / white))
    values = values.astype(np.uint8)
    if _meaning(page) == _MINISWHITE:
        values[..., 0] = 255 - values[..., 0]
    image = Image.fromarray(np.ascontiguousarray(values[..., 0] if mode == "L" else values), mode)
    if not is_multiplied:
        return image
    multiplied = Image.frombytes("RGBa" if mode == "RGBA" else "La", image.size, image.tobytes())
    return multiplied.convert(mode)


def _looked_up(page: Any, values: NDArray[Any]) -> NDArray[Any]:
    """Return the colors of indices, the first channel.

    Color maps have 16 bits, but some programs write 8: libtiff knows them by their largest value, too.
    """
    colors = np.asarray(page.colormap)
    if colors.max(initial=0) > 255:
        colors = colors >> 8
    return np.concatenate([colors.astype(np.uint8).T[values[..., 0]], values[..., 1:]], axis=2)


def _white_of(page: Any, values: NDArray[Any]) -> float:
    """Return the value of white: 1 for floats and 65535 for 32-bit numbers, unless there are larger values."""
    if values.dtype.kind == "f":
        return max(1.0, _largest(values))
    if values.dtype.kind == "i":
        return _LARGEST_SIGNED_16 if values.dtype.itemsize <= 2 else max(_WHITE_OF_32_BITS, _largest(values))
    if page.bitspersample > 16:
        return max(_WHITE_OF_32_BITS, _largest(values))
    return float(2**page.bitspersample - 1)


def _largest(values: NDArray[Any]) -> float:
    return float(np.nan_to_num(values.max(), nan=np.nanmax(values, initial=0), posinf=0.0))


def _profile(page: Any) -> bytes:
    tag = page.tags.get(_ICC)
    value = b"" if tag is None else tag.value
    return value if isinstance(value, bytes) else b""


def _name(value: Any) -> str:
    return str(getattr(value, "name", value))
