"""Reads a photo's metadata and decides how much of it a picture gets. Owns the policies; knows no pixels.

``keep`` copies EXIF, XMP and IPTC, corrected where the new file differs: orientation 1, no thumbnail, the new size,
sRGB. ``strip_location`` does so without anything that tells a place, or that nobody can read. ``strip`` copies
nothing of the user's.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from PIL import Image

from pipeline.images import exif, exif_places, iptc, maker_note, xmp
from pipeline.images.density import Density, stored_density
from pipeline.images.exif import Directory, Exif
from pipeline.model import MetadataPolicy

ORIENTATION: Final = 0x0112
_COLOR_SPACE, _WIDTH, _HEIGHT = 0xA001, 0xA002, 0xA003
_XMP, _IPTC, _PHOTOSHOP_RESOURCES = 0x02BC, 0x83BB, 0x8649

#: Tags of IFD0 that describe the photo. The others describe how its file stores pixels, or say where it is (GeoTIFF).
_DESCRIPTIVE: Final = frozenset(
    {
        *(0x010D, 0x010E, 0x010F, 0x0110, 0x0112),  # document name, description, make, model, orientation
        *(0x011A, 0x011B, 0x0128, 0x0131, 0x0132),  # resolution and its unit, software, date
        *(0x013B, 0x013C, 0x4746, 0x4749, 0x8298),  # artist, host computer, rating, copyright
        *(0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F),  # Windows' title, comment, author, keywords, subject
        *(0x9003, 0x9213, 0x882A, 0xC614, 0xC62F, 0xC4A5),  # TIFF/EP dates and history, camera, print settings
    }
)
#: Compressed bits per pixel, gamma, and offsets (DCF's interoperability, pointers that stand in the wrong directory):
#: true of the old file only.
_OUTDATED: Final = frozenset({0x9102, 0xA500, 0xA005, exif.PHOTO_POINTER, exif.GPS_POINTER})


@dataclass(frozen=True, slots=True)
class Metadata:
    """The blocks of a photo, as found: EXIF without its prefix, an XMP packet, a row of IPTC datasets.

    ``density``: what its file says outside of them. ``notes``: what of them could not be taken out of the file.
    ``dpi``: the pixels an inch that the picture is made for, 0 = any; it says them instead, under any policy.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    density: Density | None = None
    notes: tuple[str, ...] = ()
    dpi: int = 0


@dataclass(frozen=True, slots=True)
class CopiedMetadata:
    """The metadata that a picture gets from its photo, and notes on what had to be left out."""

    exif: Exif = field(default_factory=Exif)
    xmp: bytes = b""
    iptc: bytes = b""
    notes: tuple[str, ...] = ()


def collect(image: Image.Image) -> Metadata:
    """Return the metadata of a loaded image; that of a TIFF is found by :func:`collect_tiff`."""
    packet = image.info.get("xmp", b"")
    photoshop = image.info.get("photoshop", {})
    return Metadata(
        exif=(image.info.get("exif") or _imagemagick_exif(image)).removeprefix(exif.PREFIX),
        xmp=packet if isinstance(packet, bytes) else b"",
        iptc=iptc.well_formed(photoshop.get(iptc.RESOURCE, b"")),
        density=stored_density(image),
    )


def _imagemagick_exif(image: Image.Image) -> bytes:
    """Return EXIF as older ImageMagick wrote it into PNG: hexadecimal lines after a name and a length."""
    lines = str(image.info.get("Raw profile type exif", "")).split("\n")
    with suppress(ValueError):
        return bytes.fromhex("".join(lines[3:]))
    return b""


def collect_tiff(data: bytes) -> Metadata:
    """Return the metadata of a TIFF file, whose directory is the EXIF directory."""
    found = exif.parse(data)
    if found is None:
        return Metadata()
    image = found.image
    row = _bytes(image, _IPTC) or iptc.resource(_bytes(image, _PHOTOSHOP_RESOURCES))
    block, notes = maker_note.settled(replace(found, image=_descriptive(image)), data)
    return Metadata(exif.serialize(block), _bytes(image, _XMP), iptc.well_formed(row), notes=notes)


def _bytes(directory: Directory, tag: int) -> bytes:
    value = directory.get(tag)
    return value.data if value else b""


def _descriptive(image: Directory) -> Directory:
    return {tag: value for tag, value in image.items() if tag in _DESCRIPTIVE}


def orientation(metadata: Metadata) -> int:
    """Return the orientation, 1 to 8: XMP's if EXIF has none; a missing or invalid one counts as 1 (upright)."""
    found = exif.parse(metadata.exif)
    if found and ORIENTATION in found.image:
        number = exif.first_integer(found.order, found.image[ORIENTATION])
    else:
        number = xmp.orientation(metadata.xmp)
    return number if number in range(1, 9) else 1  # type: ignore[return-value]


def copied_metadata(metadata: Metadata, policy: MetadataPolicy, size: tuple[int, int]) -> CopiedMetadata:
    """Return the metadata that a picture of ``size`` (width, height in pixels) gets from its photo."""
    if policy == "strip":
        return CopiedMetadata()
    keep_location = policy == "keep"
    named = frozenset() if keep_location else iptc.named_places(metadata.iptc)
    packet: xmp.Rewritten | None = xmp.Rewritten()
    if metadata.xmp:
        keep_density = not metadata.dpi
        packet = xmp.rewrite(metadata.xmp, keep_location=keep_location, places=named, keep_density=keep_density)
    found = exif.parse(metadata.exif)
    notes = []
    if packet is None:
        most = "4 MB" if keep_location else "1 MB, too much to look for places,"
        notes.append(f"XMP left out: it is damaged, larger than {most} or declares a document type")
    if found is None and metadata.exif:
        notes.append("EXIF left out: it is damaged")
    block = _corrected(found, size) if found else Exif()
    if keep_location:
        block, lost = maker_note.settled(block, metadata.exif)
        notes += [*metadata.notes, *lost]
    copied = CopiedMetadata(
        exif=block,
        xmp=packet.packet if packet else b"",
        iptc=metadata.iptc,
        notes=tuple(notes),
    )
    return copied if keep_location else _without_places(copied, packet or xmp.Rewritten(places=named))


def _without_places(copied: CopiedMetadata, packet: xmp.Rewritten) -> CopiedMetadata:
    block, exif_notes = exif_places.without_places(copied.exif, packet.places)
    row, iptc_notes = iptc.without_location(copied.iptc, packet.places)
    opaque = f"XMP: {', '.join(packet.opaque)} left out: nobody can read it, and it may tell a place"
    notes = (*copied.notes, *((opaque,) if packet.opaque else ()), *exif_notes, *iptc_notes)
    return replace(copied, exif=block, iptc=row, notes=notes)


def _corrected(found: Exif, size: tuple[int, int]) -> Exif:
    order = found.order
    image = {**_descriptive(found.image), ORIENTATION: exif.integers(order, exif.SHORT, 1)}
    photo = {tag: value for tag, value in found.photo.items() if tag not in _OUTDATED}
    photo[_COLOR_SPACE] = exif.integers(order, exif.SHORT, 1)  # sRGB
    photo[_WIDTH] = exif.integers(order, exif.LONG, size[0])
    photo[_HEIGHT] = exif.integers(order, exif.LONG, size[1])
    return Exif(order, image, photo, found.gps)
