from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from pipeline.images import exif, iptc
from pipeline.images.exif import Exif
from pipeline.images.metadata import Metadata, copied_metadata, orientation
from tests.images.pictures import (
    CORNERS,
    as_stored,
    assert_color,
    corners_of,
    decoded,
    file_of,
    flat,
    four_corners,
    jpeg_with,
    orientation_block,
)
from tests.images.test_iptc import HEADLINE, dataset
from tests.images.test_xmp import packet

PLACE_DATASET = dataset(90, b"SECRET town")
XMP = packet('dc:format="fine" photoshop:City="SECRET town" tiff:Orientation="6"')


def full_exif(order: Any = ">") -> Exif:
    """A block as a phone writes it, with a maker note, a place and what is true of the old file only."""
    return Exif(
        order,
        image={
            0x010E: exif.text("My holiday"),
            0x0110: exif.text("Phone 12"),
            0x0112: exif.integers(order, exif.SHORT, 6),
            0x0100: exif.integers(order, exif.LONG, 4000),
            0x0131: exif.text("Phone OS 1.0"),
            0x87AF: exif.undefined(b"SECRET GeoTIFF"),
        },
        photo={
            0x9286: exif.undefined(b"ASCII\0\0\0A comment"),
            0x927C: exif.undefined(b"SECRET maker note"),
            0xA001: exif.integers(order, exif.SHORT, 0xFFFF),
            0xA002: exif.integers(order, exif.LONG, 4000),
            0xA005: exif.integers(order, exif.LONG, 1234),
            0x8825: exif.integers(order, exif.LONG, 1234),
        },
        gps={2: exif.undefined(b"SECRET latitude")},
    )


def jpeg_with_everything() -> bytes:
    return jpeg_with(
        (0xE1, exif.PREFIX + exif.serialize(full_exif())),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        (0xED, iptc.segment(HEADLINE + PLACE_DATASET)),
    )


def everything() -> Metadata:
    return Metadata(exif.serialize(full_exif()), XMP, HEADLINE + PLACE_DATASET)


def test_a_jpegs_blocks_are_collected() -> None:
    assert decoded(jpeg_with_everything()).metadata == everything()


@pytest.mark.parametrize("picture_format", ["PNG", "WEBP", "AVIF"])
def test_exif_and_xmp_are_collected(picture_format: str) -> None:
    options: dict[str, Any] = {"xmp": XMP}
    if picture_format == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options = {"pnginfo": texts}
    block = exif.serialize(Exif("<", {0x010F: exif.text("Maker of cameras")}))
    metadata = decoded(file_of(flat("RGB", "red"), picture_format, exif=exif.PREFIX + block, **options)).metadata
    assert metadata.xmp == XMP
    found = exif.parse(metadata.exif)
    assert found is not None
    assert found.image[0x010F] == exif.text("Maker of cameras")


def test_exif_in_a_text_chunk_is_collected() -> None:
    block = exif.PREFIX + orientation_block(3)
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Raw profile type exif", f"\nexif\n      {len(block)}\n{block.hex()}\n", zip=True)
    stored = Image.fromarray(np.ascontiguousarray(as_stored(four_corners(), 3)))
    photo = decoded(file_of(stored, "PNG", pnginfo=texts), 64)
    assert (photo.pixels == four_corners()).all()
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Raw profile type exif", "\nexif\n 4\nno hexadecimals\n", zip=True)
    assert decoded(file_of(stored, "PNG", pnginfo=texts), 64).metadata.exif == b""


@pytest.mark.parametrize("tag", [33723, 34377])
def test_a_tiffs_tags_are_collected_but_not_how_it_stores_pixels(tag: int) -> None:
    row = HEADLINE if tag == 33723 else iptc.segment(HEADLINE)[14:]
    tags = {270: "My holiday", 34735: (1, 1, 0, 0), 700: XMP, tag: row}
    metadata = decoded(file_of(flat("RGB", "red"), "TIFF", tiffinfo=tags)).metadata
    assert metadata.xmp == XMP
    assert metadata.iptc == HEADLINE
    found = exif.parse(metadata.exif)
    assert found is not None
    assert dict(found.image) == {270: exif.text("My holiday")}


def test_a_bigtiff_comes_without_metadata() -> None:
    assert decoded(file_of(flat("RGB", "red"), "TIFF", big_tiff=True)).metadata == Metadata()


def test_a_photo_without_metadata_has_none() -> None:
    assert decoded(file_of(flat("RGB", "red"), "JPEG")).metadata == Metadata()
    assert orientation(Metadata()) == 1


@pytest.mark.parametrize("as_element", [False, True])
@pytest.mark.parametrize(
    ("picture_format", "tolerance"), [("JPEG", 6), ("PNG", 0), ("WEBP", 0), ("AVIF", 12), ("TIFF", 0)]
)
def test_an_orientation_in_xmp_only_turns_each_format(picture_format: str, tolerance: int, as_element: bool) -> None:
    oriented = packet(elements="<tiff:Orientation>6</tiff:Orientation>") if as_element else XMP
    options: dict[str, Any] = {"lossless": True} if picture_format == "WEBP" else {"quality": 95}
    if picture_format == "TIFF":
        options = {"tiffinfo": {700: oriented}}
    elif picture_format == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", oriented.decode())
        options = {"pnginfo": texts}
    else:
        options["xmp"] = oriented
    stored = Image.fromarray(np.ascontiguousarray(as_stored(four_corners(), 6)))
    photo = decoded(file_of(stored, picture_format, **options), 64)
    assert photo.pixels.shape == (32, 64, 3)
    assert_color(corners_of(photo.pixels), CORNERS, tolerance)
    copied = copied_metadata(photo.metadata, "keep", (64, 32))
    assert orientation(Metadata(xmp=copied.xmp)) == 1


def test_exifs_orientation_counts_more_than_that_in_xmp() -> None:
    assert orientation(Metadata(xmp=XMP)) == 6
    assert orientation(Metadata(exif.serialize(Exif("<", {0x010E: exif.text("no orientation")})), XMP)) == 6
    assert orientation(Metadata(orientation_block(3), XMP)) == 3
    assert orientation(Metadata(orientation_block(0), XMP)) == 1


@pytest.mark.parametrize(
    "xmp", [packet('tiff:Orientation="9"'), packet('tiff:Orientation="a"'), XMP[:-40], b"Orientation"]
)
def test_an_orientation_that_makes_no_sense_counts_as_upright(xmp: bytes) -> None:
    assert orientation(Metadata(xmp=xmp)) == 1


def test_keeping_corrects_what_the_new_file_changes() -> None:
    copied = copied_metadata(everything(), "keep", (300, 200))
    kept, before = copied.exif, full_exif()
    assert kept.order == ">"
    assert kept.gps == before.gps
    assert kept.image[0x010E] == before.image[0x010E]
    assert kept.photo[0x9286] == before.photo[0x9286]
    assert kept.photo[0x927C] == before.photo[0x927C]
    assert exif.first_integer(">", kept.image[0x0112]) == 1
    assert exif.first_integer(">", kept.photo[0xA001]) == 1
    assert exif.first_integer(">", kept.photo[0xA002]) == 300
    assert exif.first_integer(">", kept.photo[0xA003]) == 200
    assert not {0x0100, 0x87AF} & set(kept.image)
    assert not {0xA005, 0x8825} & set(kept.photo)
    assert b'tiff:Orientation="1"' in copied.xmp
    assert copied.iptc == everything().iptc
    assert copied.notes == ()


def test_stripping_the_location_leaves_no_place_anywhere() -> None:
    copied = copied_metadata(everything(), "strip_location", (300, 200))
    assert b"SECRET" not in exif.serialize(copied.exif) + copied.xmp + copied.iptc
    assert copied.exif.image[0x010E] == exif.text("My holiday")
    assert b'dc:format="fine"' in copied.xmp
    assert copied.iptc == HEADLINE


def test_a_place_of_one_block_is_no_keyword_of_another() -> None:
    words = "sunset;SECRET Town\0".encode("utf-16-le")
    block = Exif("<", {0x9C9E: exif.Value(exif.BYTE, len(words), words)})
    keywords = "<dc:subject><rdf:Bag><rdf:li>SECRET town</rdf:li><rdf:li>SECRET isle</rdf:li></rdf:Bag></dc:subject>"
    xmp = packet('photoshop:State="SECRET isle"', keywords)
    row = HEADLINE + PLACE_DATASET + dataset(25, b"SECRET isle")
    copied = copied_metadata(Metadata(exif.serialize(block), xmp, row), "strip_location", (3, 2))
    assert b"SECRET" not in copied.xmp
    assert copied.iptc == HEADLINE
    assert copied.exif.image[0x9C9E].data == "sunset\0".encode("utf-16-le")


def test_what_nobody_can_read_is_stripped_with_the_location_and_told() -> None:
    block = Exif("<", photo={0x9009: exif.text("SECRET")})
    xmp = packet(f'dc:format="fine" photoshop:Data="{"SECRET00" * 40}"')
    metadata = Metadata(exif.serialize(block), xmp, HEADLINE + dataset(202, b"SECRET"))
    copied = copied_metadata(metadata, "strip_location", (3, 2))
    assert b"SECRET" not in exif.serialize(copied.exif) + copied.xmp + copied.iptc
    assert [note.split()[0] for note in copied.notes] == ["XMP:", "EXIF:", "IPTC:"]
    assert copied_metadata(metadata, "keep", (3, 2)).notes == ()


def test_stripping_leaves_nothing() -> None:
    copied = copied_metadata(everything(), "strip", (300, 200))
    assert (dict(copied.exif.image), dict(copied.exif.photo), copied.xmp, copied.iptc) == ({}, {}, b"", b"")


def test_damaged_blocks_are_left_out_with_a_note() -> None:
    copied = copied_metadata(Metadata(exif=b"junk", xmp=b"<!DOCTYPE x>"), "keep", (3, 2))
    assert copied.xmp == b""
    assert dict(copied.exif.image) == {}
    assert [note.split()[0] for note in copied.notes] == ["XMP", "EXIF"]


def test_the_thumbnail_is_dropped(tmp_path: Path) -> None:
    block = Image.Exif()
    block[0x010F] = "Maker"
    with_thumbnail = bytearray(block.tobytes())
    image_end = 6 + 8 + 2 + 12
    thumbnail_directory = orientation_block(1)[8:]
    with_thumbnail[image_end : image_end + 4] = (len(with_thumbnail) - 6).to_bytes(4, "big")
    metadata = Metadata(exif=bytes(with_thumbnail)[6:] + thumbnail_directory + b"THUMBNAIL")
    rewritten = exif.serialize(copied_metadata(metadata, "keep", (3, 2)).exif)
    read = Image.Exif()
    read.load(exif.PREFIX + rewritten)
    assert read.get_ifd(0x8769)[0xA002] == 3
    assert not read.get_ifd(1)
    assert b"THUMBNAIL" not in rewritten
