from typing import Any

import pytest

from pipeline.images import exif, jpeg_xl
from pipeline.images.exif import Exif
from pipeline.images.metadata import Metadata

START = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
BLOCK = exif.serialize(Exif(image={0x010E: exif.text("My holiday")}))


def box(kind: bytes, content: bytes, form: str = "short") -> bytes:
    match form:
        case "long":
            return (1).to_bytes(4, "big") + kind + (16 + len(content)).to_bytes(8, "big") + content
        case "to the end":
            return bytes(4) + kind + content
    return (8 + len(content)).to_bytes(4, "big") + kind + content


@pytest.mark.parametrize("form", ["short", "long", "to the end"])
def test_xmp_and_exif_are_found_in_boxes_of_any_form(form: Any) -> None:
    data = START + box(b"xml ", b"<x/>", "long") + box(b"jxlc", b"\xff\x0apixels")
    data += box(b"Exif", bytes(4) + BLOCK, form)
    assert jpeg_xl.metadata_in(data) == Metadata(exif=BLOCK, xmp=b"<x/>")


@pytest.mark.parametrize(
    "content",
    [BLOCK, bytes(4) + BLOCK, bytes(4) + exif.PREFIX + BLOCK, b"\0\0\0\x06" + exif.PREFIX + BLOCK],
    ids=["without offset", "usual", "with JPEG's prefix", "prefix skipped"],
)
def test_exif_is_found_as_writers_put_it_there(content: bytes) -> None:
    assert jpeg_xl.metadata_in(START + box(b"Exif", content)).exif == BLOCK


@pytest.mark.parametrize(
    "rest", [b"", b"\0\0", box(b"Exif", b""), (3).to_bytes(4, "big") + b"Exif", (1).to_bytes(4, "big") + b"Exif\0"]
)
def test_a_damaged_container_has_no_metadata(rest: bytes) -> None:
    assert jpeg_xl.metadata_in(START + rest) == Metadata()


def test_only_files_with_boxes_are_containers() -> None:
    assert jpeg_xl.is_container(START)
    assert not jpeg_xl.is_container(b"\xff\x0a" + bytes(20))
