"""Develops camera raw with LibRaw (rawpy): the camera's white balance, sRGB, 16 bits. Owns which preview stands in.

What LibRaw can't develop, or finds cut short, gives the picture that the camera has put beside the raw data.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import CodecError, PhotoError
from pipeline.images.decode_errors import one_line, reading_library
from pipeline.images.decoders.library_output import collected_output
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.pillow import PillowFile
from pipeline.images.decoders.raster import Box, DeepPixels, Raster, Size
from pipeline.images.metadata import Metadata, collect_tiff, orientation

#: Fujifilm, Minolta, Sigma; Panasonic's and Olympus' TIFF with a number of their own.
_STARTS: Final = (b"FUJIFILMCCD-RAW", b"\0MRM", b"FOVb", b"IIU\0", b"IIRO", b"IIRS", b"MMOR")
_CIFF: Final = b"HEAPCCDR"  # Canon's before CR2
_CR2: Final = b"CR\2"
_PHASE_ONE: Final = (b"IIII", b"MMMM")
_TIFF_HEADS: Final = {b"II": b"II*\0", b"MM": b"MM\0*"}
_JPEG_START: Final = re.compile(rb"\xff\xd8\xff[\xdb\xe0\xe1]")
_MOST_JPEGS: Final = 64
#: What is smaller is a thumbnail, and no photo.
_LEAST_PREVIEW_PIXELS: Final = 320
#: The densest compression of a DNG takes half a bit for a pixel.
_MOST_PIXELS_IN_A_BYTE: Final = 16
_CUT: Final = "its data is damaged or cut short"

_SRGB_CURVE: Final = (2.4, 12.92)
_WHITE: Final = 65535.0
#: EXIF's number for each of LibRaw's: 4 = transposed, 2 = upside down, 1 = mirrored.
_ORIENTATIONS: Final = (1, 2, 4, 3, 5, 8, 6, 7)
#: What LibRaw prints of data that is not there; it goes on without.
_CUT_SHORT: Final = re.compile("unexpected end of file|data corrupted", re.IGNORECASE)


def is_camera_raw(file: PhotoFile) -> bool:
    """Whether a file's first bytes are those of camera raw; those that begin as TIFF don't all say so."""
    head = file.head
    return head.startswith(_STARTS) or head[6:14] == _CIFF or head[8:11] == _CR2 or head[8:12] in _PHASE_ONE


def as_tiff(data: bytes) -> bytes | None:
    """Return camera raw with TIFF's number in place of the maker's own, None if it does not begin as TIFF does.

    ``data``: the file, or its first 14 bytes at least.
    """
    head = None if data[6:14] == _CIFF else _TIFF_HEADS.get(data[:2])
    return None if head is None else head + data[4:]


class RawFile:
    """A camera raw file; see :class:`pipeline.images.decoders.raster.OpenedFile`."""

    def __init__(self, file: PhotoFile) -> None:
        """Read the header. Raises CodecError, and PhotoError if neither it nor a preview can be read."""
        self._library = _rawpy()
        self._file = file
        try:
            with self._open() as raw:
                self._sizes: Any = raw.sizes
                self._error: Exception | None = None
        except self._library.LibRawError as error:
            self._sizes, self._error = None, error
            self._preview_for(error)

    @property
    def size(self) -> Size:
        """Return width and height as stored: of the part that the camera shows."""
        if self._sizes is None:
            return self._preview_for(self._error).size
        left, top, right, bottom = _shown(self._sizes)
        return int(right - left), int(bottom - top)

    def metadata(self) -> Metadata:
        """Return the file's metadata; that of files that are no TIFF stands in their preview."""
        if (tiff := as_tiff(self._file.data)) is not None:
            return collect_tiff(tiff)
        return self._preview.metadata() if self._preview is not None else Metadata()

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Develop the picture, at half its size where that is enough, or decode its preview."""
        if self._sizes is None:
            return self._load_preview(self._error)
        target = choose_size(self.size)
        is_half_enough = all(2 * wanted <= side for wanted, side in zip(target, self.size, strict=True))
        try:
            self._require_data()
            values = self._developed(half_size=is_half_enough)
        except (self._library.LibRawError, PhotoError) as error:
            return self._load_preview(error)
        pixels = DeepPixels(values, "RGB", _WHITE)
        return Raster(pixels, orientation=_ORIENTATIONS[self._sizes.flip & 7], box=_box(self._sizes, pixels.size))

    def _open(self) -> Any:
        raw = self._library.RawPy()
        try:
            raw.open_buffer(io.BytesIO(self._file.data))
        except self._library.LibRawUnsufficientMemoryError as error:
            raise MemoryError(one_line(error)) from error
        return raw

    def _require_data(self) -> None:
        """Raise PhotoError for a file of which hardly more than the header is there: LibRaw need not notice."""
        pixels = self._sizes.raw_width * self._sizes.raw_height
        if len(self._file.data) * _MOST_PIXELS_IN_A_BYTE < pixels:
            raise PhotoError(_CUT)

    def _developed(self, *, half_size: bool) -> NDArray[np.uint16]:
        try:
            with self._open() as raw, collected_output() as lines:
                values: NDArray[np.uint16] = raw.postprocess(
                    use_camera_wb=True, output_bps=16, gamma=_SRGB_CURVE, user_flip=0, half_size=half_size
                )
        except self._library.LibRawUnsufficientMemoryError as error:
            raise MemoryError(one_line(error)) from error
        for line in lines:
            if _CUT_SHORT.search(line):
                raise PhotoError(_CUT)
        return values

    def _load_preview(self, error: Exception | None) -> Raster:
        preview = self._preview_for(error)
        width, height = preview.size
        raster = preview.load(lambda size: size)  # a reduced JPEG would be taken for one of the size of the raw
        number = raster.orientation if preview.metadata().exif else self._orientation_of(preview)
        note = f"the camera raw can't be developed{_because(error)}: its preview of {width} × {height} pixels is used"
        return replace(raster, orientation=number, notes=(note, *raster.notes))

    def _orientation_of(self, preview: PillowFile) -> int:
        """Return what the raw says of a preview that says nothing itself."""
        if self._sizes is None:
            return 1 if as_tiff(self._file.head) is None else orientation(self.metadata())
        number = _ORIENTATIONS[self._sizes.flip & 7]
        is_turned = preview.size[0] < preview.size[1] and self._sizes.width > self._sizes.height
        return 1 if is_turned and number >= 5 else number

    def _preview_for(self, error: Exception | None) -> PillowFile:
        """Return the preview. Raises PhotoError if there is none."""
        if self._preview is None:
            raise PhotoError(
                f"the camera raw can't be developed{_because(error)}, and it holds no preview of "
                f"{_LEAST_PREVIEW_PIXELS} pixels or more: copy it again from its source, or save it as JPEG"
            ) from error
        return self._preview

    @cached_property
    def _preview(self) -> PillowFile | None:
        """The largest JPEG in the file, as LibRaw finds it, or else by its first bytes."""
        return _largest(self._known_previews()) or _largest(_jpegs(self._file.data))

    def _known_previews(self) -> Iterator[PillowFile]:
        with suppress(Exception), self._open() as raw:  # LibRaw may know none, or take for one what is none
            data = raw.extract_thumb().data
            if isinstance(data, bytes):
                yield PillowFile(PhotoFile.of(data))


def _because(error: Exception | None) -> str:
    if error is None:
        return ""
    text = error.args[0] if error.args else ""
    return f" ({text.decode('utf-8', 'replace') if isinstance(text, bytes) else one_line(error)})"


def _jpegs(data: bytes) -> Iterator[PillowFile]:
    """Return the JPEG pictures in a file, of the first 64 places where one seems to begin."""
    for match, _ in zip(_JPEG_START.finditer(data, 1), range(_MOST_JPEGS), strict=False):
        try:
            yield PillowFile(PhotoFile.of(data[match.start() :]))
        except Exception:  # noqa: S112 - raw data holds such bytes by chance
            continue


def _largest(pictures: Iterator[PillowFile]) -> PillowFile | None:
    large = (picture for picture in pictures if max(picture.size) >= _LEAST_PREVIEW_PIXELS)
    return max(large, key=lambda picture: math.prod(picture.size), default=None)


def _shown(sizes: Any) -> Box:
    """Return the part (left, top, right, bottom) of the developed picture that the camera shows, or all."""
    left, top = sizes.crop_left_margin - sizes.left_margin, sizes.crop_top_margin - sizes.top_margin
    right, bottom = left + sizes.crop_width, top + sizes.crop_height
    is_inside = 0 <= left < right <= sizes.width and 0 <= top < bottom <= sizes.height
    return (left, top, right, bottom) if is_inside else (0, 0, sizes.width, sizes.height)


def _box(sizes: Any, size: Size) -> Box | None:
    """Return that part of a picture developed at ``size``; None where LibRaw has stretched or turned it."""
    scales = sizes.width / size[0], sizes.height / size[1]
    if any(abs(scale - round(scales[0])) > 0.02 for scale in scales):
        return None
    left, top, right, bottom = _shown(sizes)
    scale = round(scales[0])
    return left / scale, top / scale, min(right / scale, size[0]), min(bottom / scale, size[1])


def _rawpy() -> Any:
    """Return the library. Raises CodecError."""
    try:
        return reading_library("rawpy", "camera raw")
    except CodecError as error:
        if isinstance(error.__cause__, ModuleNotFoundError) and error.__cause__.name == "rawpy":
            raise CodecError(
                "the file is camera raw: install stylewatch[raw] to read it, or save it as JPEG"
            ) from error.__cause__
        raise
