"""Reads TIFF and BigTIFF with tifffile, at full depth; with libtiff, at 8 bits, what tifffile does not.

Damage is refused: tifffile itself goes on with what it can make sense of, and fills missing strips with zeros.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import islice
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images.decode_errors import damaged
from pipeline.images.decoders import lab
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.raster import DeepPixels, Mode, Pixels, Raster, Size, unmultiplied
from pipeline.images.metadata import Metadata, collect_tiff, orientation

_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _MASK, _SEPARATED, _YCBCR = range(7)
_LOGL, _LOGLUV = 32844, 32845
_CCITT: Final = frozenset({2, 3, 4})
_UNCOMPRESSED, _OLD_JPEG, _JPEG, _THUNDERSCAN = 1, 6, 7, 32809
_END_OF_JPEG: Final = b"\xff\xd9"
_READ_HERE: Final = frozenset({_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _MASK, _SEPARATED, *lab.ENCODINGS})
_CHANNELS: Final[dict[int, tuple[int, Mode]]] = {_RGB: (3, "RGB"), _SEPARATED: (4, "CMYK")}
_ASSOCIATED, _UNASSOCIATED = 1, 2
_WITH_ALPHA: Final[dict[Mode, Mode]] = {"L": "LA", "RGB": "RGBA", "CMYK": "CMYKA"}
_BITS, _PHOTOMETRIC, _ORIENTATION, _ICC, _DNG_VERSION = 258, 262, 274, 34675, 50706
_INK_SET, _CMYK_INKS = 332, 1
_RAW_PHOTOMETRICS: Final = frozenset({32803, 34892})  # color filter array, linear raw
_MOST_RAW_PAGES: Final = 8
_MOST_CHANNELS: Final = 64
_UNPACK: Final[dict[int, Callable[[bytes], object]]] = {
    5: imagecodecs.lzw_decode,
    8: imagecodecs.zlib_decode,
    32773: imagecodecs.packbits_decode,
    32946: imagecodecs.zlib_decode,
}
_THUMBNAIL_OR_MASK: Final = 0b101

#: Tags without which pixels can't be told: size, depth, compression, meaning, strips, tiles, predictor, color map.
_ESSENTIAL: Final = frozenset(
    {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339, 347}
)
_DAMAGED_TAG: Final = re.compile(r"TiffTag (\d+) ")
_WHITE_OF_32_BITS: Final = 65535.0
#: Some versions of imagecodecs give numbers of 24 bits in the wrong byte order if they are asked for big-endian ones.
_SWAPS_24_BITS: Final = imagecodecs.packints_decode(b"\1\2\3", np.dtype(">u4"), 24)[0] != 0x010203
_HELP: Final = "save it as RGB or gray, uncompressed or with LZW"


class TiffFile:
    """A TIFF file whose first full picture is read; see :class:`pipeline.images.decoders.raster.OpenedFile`."""

    def __init__(self, file: PhotoFile) -> None:
        """Read the header. Raises PhotoError, and what tifffile raises."""
        with _complaints() as complaints:
            self._tiff = tifffile.TiffFile(file.stream())
            self._page = _first_full_page(self._tiff)
        _require_essentials(complaints)
        self._file = file

    @property
    def size(self) -> Size:
        """Return width and height as stored."""
        return self._page.imagewidth, self._page.imagelength

    @property
    def is_camera_raw(self) -> bool:
        """Whether it holds what a sensor has measured; a photo with the name of a camera does not."""
        first = self._tiff.pages.first
        if _DNG_VERSION in first.tags:
            return True
        with _complaints():
            pages = [*_sound_pages(self._tiff.pages), *_sound_pages(first.pages or ())]
        return any(getattr(page, "photometric", None) in _RAW_PHOTOMETRICS for page in pages)

    def metadata(self) -> Metadata:
        """Return the file's metadata."""
        return self._metadata

    @cached_property
    def _metadata(self) -> Metadata:
        return collect_tiff(self._file.data)

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels in full."""
        del choose_size
        with _complaints():
            pages = len(self._tiff.pages)
            pixels = self._pixels()
        notes = (f"the TIFF has {pages} pages: the first picture is used",) if pages > 1 else ()
        profile = b"" if self._page.photometric in lab.ENCODINGS else _profile(self._page)
        return Raster(pixels, profile, orientation(self.metadata()), notes=notes)

    def _pixels(self) -> Pixels:
        page = self._page
        _require_bounded(page)
        if _only_libtiff_reads(page):
            return _read_by_libtiff(page, self._file.data)
        if _meaning(page) not in _READ_HERE:
            raise PhotoError(
                f"the file is a TIFF with {_name(page.photometric)} pixels, which can't be read: {_HELP}"
            )
        if page.photometric == _SEPARATED and _INK_SET in page.tags and page.tags[_INK_SET].value != _CMYK_INKS:
            raise PhotoError(f"the file is a TIFF with other inks than CMYK, which can't be read: {_HELP}")
        _require_all_segments(page)
        if page.compression == _JPEG:
            _require_ends_of_jpeg(page, self._file.data)
        return _interpreted(page, _samples(page))


# Each complaint is judged here; without this it would be printed as well.
tifffile.logger().propagate = False


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect what tifffile logs as errors."""
    handler = _Messages(logging.ERROR)
    logger = tifffile.logger()
    logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        logger.removeHandler(handler)


class _Messages(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(" ".join(record.getMessage().split()))


def _require_essentials(complaints: list[str]) -> None:
    """Raise PhotoError if tifffile could not read a tag that decides the pixels; it goes on without."""
    for complaint in complaints:
        match = _DAMAGED_TAG.search(complaint)
        if match is not None and int(match[1]) in _ESSENTIAL:
            raise damaged(complaint)


def _first_full_page(tiff: tifffile.TiffFile) -> Any:
    """Return the first page that is neither a thumbnail nor a mask, or the first."""
    first = tiff.pages.first
    if not first.subfiletype & _THUMBNAIL_OR_MASK:
        return first
    pages = (page for page in tiff.pages if isinstance(page, tifffile.TiffPage))
    return next((page for page in pages if not page.subfiletype & _THUMBNAIL_OR_MASK), first)


def _sound_pages(pages: Iterable[Any]) -> Iterator[Any]:
    """Yield the first pages, up to a damaged one: what comes after the picture doesn't spoil it."""
    with suppress(tifffile.TiffFileError):
        yield from islice(pages, _MOST_RAW_PAGES)


def _only_libtiff_reads(page: Any) -> bool:
    """Whether it is YCbCr without JPEG, JPEG as in TIFF 6.0, LogLuv, or ThunderScan's."""
    is_plain_ycbcr = page.photometric == _YCBCR and page.compression != _JPEG
    return is_plain_ycbcr or page.photometric in {_LOGL, _LOGLUV} or page.compression in {_OLD_JPEG, _THUNDERSCAN}


def _read_by_libtiff(page: Any, data: bytes) -> Image.Image:
    """Return 8-bit RGB as libtiff converts it, not turned. Raises PhotoError, and what imagecodecs raises."""
    _require_sound_segments(page, data)
    # libtiff turns some orientations, and others halfway: it is told that nothing is to be turned.
    if (tag := page.tags.get(_ORIENTATION)) is not None:
        upright = (1).to_bytes(2, "little" if page.parent.byteorder == "<" else "big")
        data = data[: tag.valueoffset] + upright + data[tag.valueoffset + 2 :]
    try:
        values = imagecodecs.tiff_decode(data, index=page.index, asrgb=True)
    except imagecodecs.TiffError as error:
        if "can not handle" in str(error):
            raise PhotoError(f"the file is a kind of YCbCr TIFF that can't be read: {_HELP}") from error
        raise
    return Image.fromarray(np.ascontiguousarray(values[..., :3]))


def _require_sound_segments(page: Any, data: bytes) -> None:
    """Unpack all strips or tiles, as far as they can be: libtiff goes on where one is damaged."""
    _require_all_segments(page)
    _require_whole_segments(page, len(data))
    if (unpack := _UNPACK.get(int(page.compression))) is not None:
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            unpack(data[offset : offset + count])


def _require_bounded(page: Any) -> None:
    """Refuse samples of no bits, and what takes many times the memory of its width and height, limited before."""
    if (tag := page.tags.get(_BITS)) is not None and 0 in np.atleast_1d(tag.value):
        raise damaged("its samples have no bits")
    for count, most, what in ((page.imagedepth, 1, "layers"), (page.samplesperpixel, _MOST_CHANNELS, "channels")):
        if count > most:
            raise PhotoError(f"the file is a TIFF of {count:,} {what}, which can't be read: {_HELP}")


def _require_all_segments(page: Any) -> None:
    expected = math.prod(page.chunked)
    found = sum(count > 0 for count in page.databytecounts)
    if found < expected:
        raise damaged(f"{found} of {expected} strips or tiles are there")
    if page.compression != _UNCOMPRESSED:  # a fax that is cut short would end in white
        _require_whole_segments(page, page.parent.filehandle.size)


def _require_whole_segments(page: Any, file_bytes: int) -> None:
    segments = zip(page.dataoffsets, page.databytecounts, strict=True)
    if any(offset + count > file_bytes for offset, count in segments):
        raise damaged("it ends before its last strip or tile")


def _require_ends_of_jpeg(page: Any, data: bytes) -> None:
    """Raise PhotoError where a strip or tile is cut short: libjpeg fills up what is missing."""
    if page.jpegtables is not None and _END_OF_JPEG not in page.jpegtables:
        raise damaged("its JPEG tables lack their end")
    segments = zip(page.dataoffsets, page.databytecounts, strict=True)
    if any(data.rfind(_END_OF_JPEG, offset, offset + count) < 0 for offset, count in segments):
        raise damaged("a strip or tile in JPEG lacks its end")


def _samples(page: Any) -> NDArray[Any]:
    """Return a page's samples as (H, W, C)."""
    try:
        values = page.asarray(squeeze=False, maxworkers=1)
    except ValueError as error:
        if "is not a known PREDICTOR" in str(error):
            raise damaged(str(error)) from error
        if "not supported" in str(error) or "is not a known" in str(error):
            raise PhotoError(
                f"the file is a TIFF with {_name(page.compression)} compression, which can't be read: {_HELP}"
            ) from error
        raise
    if page.bitspersample == 24 and page.parent.byteorder == ">" and _SWAPS_24_BITS:
        values = values.byteswap()
    first = values[:, 0]  # of (separate channels, depth, H, W, channels side by side)
    return np.moveaxis(first[..., 0], 0, -1) if len(first) > 1 else first[0]


def _meaning(page: Any) -> int:
    """Return what the samples mean; without the tag, what libtiff guesses. YCbCr in JPEG is RGB already."""
    if _PHOTOMETRIC not in page.tags:
        gray = _MINISWHITE if page.compression in _CCITT else _MINISBLACK
        return _RGB if page.samplesperpixel >= 3 else gray
    return _RGB if page.photometric == _YCBCR else int(page.photometric)


def _interpreted(page: Any, values: NDArray[Any]) -> Pixels:
    """Return samples (H, W, C) as pixels; channels beyond the colors and an alpha channel are left out."""
    values, photometric = _in_light(page, values)
    count, mode = _CHANNELS.get(photometric, (1, "L"))
    if values.shape[2] < count:
        raise PhotoError(
            f"the file is a TIFF with {values.shape[2]} channels for {mode}, which can't be read: {_HELP}"
        )
    alpha = _alpha_of(page) if values.shape[2] > count else 0
    if alpha in {_ASSOCIATED, _UNASSOCIATED}:
        values, mode = values[..., : count + 1], _WITH_ALPHA[mode]
    else:
        values = values[..., :count]
    if values.dtype == np.uint8 and mode != "CMYKA":
        return _shallow(values, mode, is_multiplied=alpha == _ASSOCIATED)
    pixels = DeepPixels(values, mode, _white_of(page, values), photometric == _MINISWHITE)
    return unmultiplied(pixels) if alpha == _ASSOCIATED else pixels


def _alpha_of(page: Any) -> int:
    """Return what the first channel beyond the colors is; a fourth of RGB that is not named at all is an alpha."""
    if not page.extrasamples and page.photometric == _RGB and page.samplesperpixel == 4:
        return _UNASSOCIATED
    return int(next(iter(page.extrasamples), 0))


def _in_light(page: Any, values: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Return samples of at most 8 bits as uint8 whose 255 is white, indices and L*a*b* as RGB, and what they mean."""
    photometric = _meaning(page)
    if photometric == _PALETTE:
        return _looked_up(page, values), _RGB
    if photometric in lab.ENCODINGS:
        return lab.to_srgb(values, photometric), _RGB
    if values.dtype.kind != "b" and values.dtype != np.uint8:
        return values, photometric
    white = 1 if values.dtype.kind == "b" else 2**page.bitspersample - 1
    if white != 255:
        values = np.rint(values.astype(np.float32) * np.float32(255 / white)).astype(np.uint8)
    if photometric == _MINISWHITE:
        values = np.concatenate([255 - values[..., :1], values[..., 1:]], axis=2)
    return values, photometric


def _shallow(values: NDArray[np.uint8], mode: Mode, *, is_multiplied: bool) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(values[..., 0] if mode == "L" else values), mode)
    if not is_multiplied:
        return image
    multiplied = Image.frombytes("RGBa" if mode == "RGBA" else "La", image.size, image.tobytes())
    return multiplied.convert(mode)


def _looked_up(page: Any, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the colors of indices, the first channel.

    Color maps have 16 bits, but some programs write 8: libtiff knows them by their largest value, too.
    """
    colors = np.asarray(page.colormap)
    if colors.max(initial=0) > 255:
        colors = colors >> 8
    looked_up = colors.astype(np.uint8).T[values[..., 0].astype(np.intp)]
    others = np.rint(values[..., 1:] * np.float32(255 / (2**page.bitspersample - 1))).astype(np.uint8)
    return np.concatenate([looked_up, others], axis=2)


def _white_of(page: Any, values: NDArray[Any]) -> float:
    """Return the value of white: 1 for floats and 65535 for 32-bit numbers, unless there are larger values."""
    if values.dtype.kind == "f":
        return max(1.0, _largest(values))
    if values.dtype.kind == "i" and values.dtype.itemsize <= 2:
        return float(np.iinfo(values.dtype).max)
    if page.bitspersample >= 32:
        return max(_WHITE_OF_32_BITS, _largest(values))
    return float(2**page.bitspersample - 1)


def _largest(values: NDArray[Any]) -> float:
    return float(np.nan_to_num(np.nanmax(values, initial=0), posinf=0.0))


def _profile(page: Any) -> bytes:
    tag = page.tags.get(_ICC)
    value = b"" if tag is None else tag.value
    return value if isinstance(value, bytes) else b""


def _name(value: Any) -> str:
    return str(getattr(value, "name", value))
