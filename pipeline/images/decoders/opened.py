"""Chooses the decoder of a file by its first bytes. Owns the order in which libraries are asked."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from PIL import UnidentifiedImageError

from pipeline.errors import PhotoError
from pipeline.images import png_file
from pipeline.images.boxes import is_iso_media
from pipeline.images.decoders import bmp, iso_media, jpeg, png, raw
from pipeline.images.decoders.avif import open_avif
from pipeline.images.decoders.gif import STARTS as GIF_STARTS
from pipeline.images.decoders.gif import GifFile
from pipeline.images.decoders.heic import HeicFile
from pipeline.images.decoders.jpeg_xl import JpegXlFile, is_jpeg_xl
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.pillow import PillowFile
from pipeline.images.decoders.raster import OpenedFile
from pipeline.images.decoders.tiff import TiffFile

_TIFF_STARTS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def opened(file: PhotoFile) -> OpenedFile:
    """Read a picture's header. Raises PhotoError, CodecError, and whatever the libraries raise."""
    if raw.is_camera_raw(file):
        return raw.RawFile(file)
    if file.head.startswith(_TIFF_STARTS):
        return _opened_tiff(file)
    if file.head.startswith(jpeg.START):
        return jpeg.open_jpeg(file)
    if file.head.startswith(png_file.SIGNATURE):
        return png.open_png(file)
    if file.head.startswith(GIF_STARTS):
        return GifFile(file)
    if file.head.startswith(b"BM"):
        return _opened_bmp(file)
    if is_jpeg_xl(file):
        return JpegXlFile(file)
    if is_iso_media(file.head):
        return _opened_iso_media(file)
    return PillowFile(file)


def _opened_tiff(file: PhotoFile) -> OpenedFile:
    tiff = TiffFile(file)
    return raw.RawFile(file) if tiff.is_camera_raw else tiff


def _opened_iso_media(file: PhotoFile) -> OpenedFile:
    brands = iso_media.brands(file)
    if iso_media.is_canon_raw(brands):
        return raw.RawFile(file)
    if iso_media.is_video(brands):
        raise PhotoError("the file is a video: save the frame you want as a picture")
    if iso_media.is_avif(brands):
        return open_avif(file)
    if not iso_media.is_heic(brands):
        with suppress(UnidentifiedImageError):  # AVIF need not say so
            return open_avif(file)
    return HeicFile(file)


def _opened_bmp(file: PhotoFile) -> OpenedFile:
    fields = bmp.open_bit_fields(file)
    if fields is not None and fields.has_alpha:
        return fields
    try:
        return PillowFile(file)
    except OSError as error:
        if inside := bmp.embedded_file(file.data):
            return opened(PhotoFile.of(inside))
        if fields is None:
            raise bmp.refusal(file, error) from error
        return fields
