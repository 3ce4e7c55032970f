"""Finds what an image file says about its colors, whatever its container. Does not convert colors."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from pipeline.images import png_file
from pipeline.images.boxes import is_iso_media
from pipeline.images.color import bmp_header, iso_media, png_chunks
from pipeline.images.color.description import SRGB, CodePoints, ColorDescription, Statement


def description_in(data: bytes, profile: bytes | None = b"") -> ColorDescription:
    """Return what a file says about its colors: PNG, AVIF, HEIC and BMP are read here.

    ``profile``: the ICC profile that the decoder found, for the other containers and where none is found here: empty
    if there is none, None if parts of it are lost.
    """
    found = _in_container(data)
    if found.has_profile:
        return found
    return ColorDescription(found.statements + ColorDescription.of_profile(profile).statements)


def description_of(image: Image.Image) -> ColorDescription:
    """Return what Pillow keeps for an image that a caller has opened: neither cICP nor what a BMP or an AVIF says."""
    described = ColorDescription.of_profile(image.info.get("icc_profile", b""))
    return ColorDescription((*described.statements, *_of_heif(image), *_of_png(image)))


def _of_heif(image: Image.Image) -> Iterator[Statement]:
    if points := image.info.get("nclx_profile"):
        yield CodePoints(int(points["color_primaries"]), int(points["transfer_characteristics"]))


def _of_png(image: Image.Image) -> Iterator[Statement]:
    if "srgb" in image.info:
        yield SRGB
    else:
        yield from png_chunks.calibrations(image.info.get("gamma"), image.info.get("chromaticity", ()))


def _in_container(data: bytes) -> ColorDescription:
    if data.startswith(png_file.SIGNATURE):
        return png_chunks.description_of_png(data)
    if data.startswith(bmp_header.SIGNATURE):
        return bmp_header.description_of_bmp(data)
    if is_iso_media(data):
        return iso_media.description_of_iso_media(data)
    return ColorDescription()
