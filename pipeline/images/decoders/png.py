"""Reads PNG: 8 bits with Pillow, 16 bits with libpng through imagecodecs. Owns what is done about damaged extras.

A PNG's pixels stand in few kinds of chunks. Damage in others, or a text that unpacks to megabytes, costs the chunk
and not the picture.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from typing import Final

import imagecodecs
import numpy as np
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.pillow import PillowFile
from pipeline.images.decoders.raster import MODES_OF_LIGHT, DeepPixels, Pixels, Raster, Size, by_channels
from pipeline.images.png_file import SIGNATURE, Chunk, chunks_of

_LARGEST_TEXT_BYTES: Final = 1_000_000  # what Pillow unpacks
_UNPACKED_BYTES_AT_ONCE: Final = 1 << 20
_WHITE: Final = 65535.0

#: What libpng says of each interlaced picture is for programmers, and not about the file.
_ADVICE: Final = "Interlace handling should be turned on"
logging.getLogger("imagecodecs").addFilter(lambda record: _ADVICE not in record.getMessage())


def open_png(file: PhotoFile) -> PillowFile:
    """Read a PNG's header. Raises what Pillow raises."""
    try:
        return _PngFile(file)
    except Exception:
        return _PngFile(_readable(file))


class _PngFile(PillowFile):
    """A PNG, of which Pillow decodes what it decodes right."""

    def load(self, choose_size: Callable[[Size], Size]) -> Raster:
        """Decode the pixels in full."""
        if self._needs_libpng():
            return self._raster(_decoded(self._file.data))
        _require_sound_pixels(self._file.data)
        try:
            return super().load(choose_size)
        except Exception:  # what stands behind the pixels is read after them
            return _PngFile(_readable(self._file)).load(choose_size)

    def _needs_libpng(self) -> bool:
        """Whether it has 16 bits, which Pillow makes 8, or few bits of gray, whose transparent value it mistakes."""
        depth, color = self._file.head[24], self._file.head[25]
        return depth == 16 or (color == 0 and depth in {2, 4} and "transparency" in self._image.info)


def _require_sound_pixels(data: bytes) -> None:
    """Raise PhotoError where Pillow would make pixels of damage: it compares no checksums.

    A wrong checksum of pixels that unpack whole, which have one of their own, is the only damage.
    """
    chunks = [chunk for chunk in chunks_of(data) if chunk.kind == b"IDAT"]
    if not all(chunk.is_intact for chunk in chunks) and not _unpack_whole(chunks):
        raise PhotoError("the file is damaged (the checksum of its pixels is wrong): copy it again from its source")


def _unpack_whole(chunks: list[Chunk]) -> bool:
    unpacking = zlib.decompressobj()
    try:
        for chunk in chunks:
            rest: bytes | memoryview = chunk.content
            while rest and not unpacking.eof:
                unpacking.decompress(rest, _UNPACKED_BYTES_AT_ONCE)
                rest = unpacking.unconsumed_tail
    except zlib.error:
        return False
    return unpacking.eof


def _decoded(data: bytes) -> Pixels:
    needed = SIGNATURE + b"".join(chunk.stored for chunk in chunks_of(data) if chunk.is_needed)
    values = by_channels(imagecodecs.png_decode(needed))
    mode = MODES_OF_LIGHT[values.shape[2]]
    if values.dtype == np.uint8:
        return Image.fromarray(values[..., 0] if mode == "L" else values)
    return DeepPixels(values, mode, _WHITE)


def _readable(file: PhotoFile) -> PhotoFile:
    """Return a file without what Pillow stumbles over; raises again what it just raised if that is nothing."""
    readable = _without_damaged_extras(file.data)
    if readable == file.data:
        raise
    return PhotoFile.of(readable)


def _without_damaged_extras(data: bytes) -> bytes:
    """Return the file without the chunks that Pillow stumbles over and that the pixels don't need."""
    chunks = list(chunks_of(data))
    kept = b"".join(chunk.stored for chunk in chunks if chunk.is_needed or _is_harmless(chunk))
    # Where the file is cut short, what is left of a chunk stays: it is the pixels that are missing.
    return SIGNATURE + kept + data[len(SIGNATURE) + sum(len(chunk.stored) for chunk in chunks) :]


def _is_harmless(chunk: Chunk) -> bool:
    """Whether a chunk holds metadata that can be read: EXIF, or a text of bounded size, as XMP is."""
    if not chunk.is_intact:
        return False
    return chunk.kind == b"eXIf" or (chunk.kind == b"iTXt" and _text_bytes(chunk) <= _LARGEST_TEXT_BYTES)


def _text_bytes(chunk: Chunk) -> int:
    """Return how large an international text is, unpacked only as far as it is allowed to be."""
    _, _, rest = bytes(chunk.content).partition(b"\0")
    text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    if rest[:1] != b"\1":
        return len(text)
    try:
        return len(zlib.decompressobj().decompress(text, _LARGEST_TEXT_BYTES + 1))
    except zlib.error:
        return _LARGEST_TEXT_BYTES + 1
