"""What a picture's header and metadata say of it, in files made by Pillow and by hand."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import pytest
from PIL import Image, PngImagePlugin

from pipeline.errors import PhotoError
from pipeline.images.properties import read_properties, read_raw_properties, reads_camera_raw
from pipeline.model import PhotoProperties
from tests.images.pictures import file_of, flat

MAKE, MODEL, EXIF_IFD, USER_COMMENT = 0x010F, 0x0110, 0x8769, 0x9286
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description tiff:Make="Leica" {attribute}>{element}</rdf:Description></rdf:RDF></x:xmpmeta>'
)


def exif_of(make: str = "", model: str = "", comment: bytes = b"") -> Image.Exif:
    exif = Image.Exif()
    exif.update({tag: text for tag, text in ((MAKE, make), (MODEL, model)) if text})
    if comment:
        exif[EXIF_IFD] = {USER_COMMENT: comment}
    return exif


def properties_of(data: bytes) -> PhotoProperties:
    return read_properties(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_size_and_camera_of_each_format(kind: str) -> None:
    data = file_of(flat("RGB", 0, (40, 30)), kind, exif=exif_of("Canon", "Canon EOS 5D\0"))
    assert properties_of(data) == PhotoProperties(width=40, height=30, camera="Canon EOS 5D")


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [("NIKON CORPORATION", "NIKON D70", "NIKON CORPORATION NIKON D70"), ("Apple ", "", "Apple"), ("", "X 1", "X 1")],
)
def test_make_and_model_are_one_text_without_saying_the_make_twice(make: str, model: str, camera: str) -> None:
    assert properties_of(file_of(flat("RGB", 0), "JPEG", exif=exif_of(make, model))).camera == camera


def test_a_picture_without_metadata_has_a_size_and_no_camera() -> None:
    assert properties_of(file_of(flat("P", 0, (16, 8)), "GIF")) == PhotoProperties(width=16, height=8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "comment",
    [
        b"ASCII\0\0\0Screenshot",
        b"UNICODE\0" + "Screenshot".encode("utf-16-le"),
        b"UNICODE\0" + "Screenshot".encode("utf-16-be"),
        bytes(8) + b"screenshot\0",
    ],
)
def test_a_screenshot_by_its_exif_comment(kind: str, comment: bytes) -> None:
    assert properties_of(file_of(flat("RGB", 0), kind, exif=exif_of(comment=comment))).is_screenshot


def test_another_comment_makes_no_screenshot() -> None:
    exif = exif_of(comment=b"ASCII\0\0\0my Screenshot of the bay")
    assert not properties_of(file_of(flat("RGB", 0), "JPEG", exif=exif)).is_screenshot


@pytest.mark.parametrize(
    ("attribute", "element"),
    [
        ('exif:UserComment="Screenshot"', ""),
        ("exif:UserComment='Screenshot'", ""),
        ("", "<exif:UserComment>Screenshot</exif:UserComment>"),
        (
            "",
            "<exif:UserComment><rdf:Alt>\n<rdf:li xml:lang='x-default'>Screenshot</rdf:li></rdf:Alt>"
            "</exif:UserComment>",
        ),
    ],
)
def test_screenshot_and_camera_by_xmp(attribute: str, element: str) -> None:
    packet = XMP.format(attribute=attribute, element=element)
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet)
    for data in (
        file_of(flat("RGB", 0), "PNG", pnginfo=info),
        file_of(flat("RGB", 0), "JPEG", xmp=packet.encode()),
        file_of(flat("RGB", 0), "WEBP", xmp=packet.encode()),
    ):
        assert properties_of(data) == PhotoProperties(width=8, height=8, camera="Leica", is_screenshot=True)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("text", ["<exif:UserComment>" + " " * 900_000, "<exif:UserComment" * 50_000])
def test_hostile_xmp_costs_no_time(text: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", text, zip=True)
    assert not properties_of(file_of(flat("RGB", 0), "PNG", pnginfo=info)).is_screenshot


class CountedFile(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_the_pixels_are_not_read(kind: str) -> None:
    file = CountedFile(file_of(Image.effect_noise((600, 600), 90).convert("RGB"), kind))
    assert read_properties(file).width == 600
    assert file.count < 20_000 < len(file.getvalue()) / 10


def test_of_damaged_metadata_no_camera_is_known_rather_than_none() -> None:
    data = file_of(flat("RGB", 0), "TIFF", exif=exif_of("Canon"))
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 9)
    assert properties_of(data).camera == "Canon"
    damaged = file_of(flat("RGB", 0), "JPEG", exif=exif)
    assert properties_of(damaged) == PhotoProperties(width=8, height=8, camera=None)


def test_a_huge_picture_has_properties_without_a_warning() -> None:
    data = bytearray(file_of(flat("L", 0), "PNG", exif=exif_of("Canon")))
    data[16:24] = struct.pack(">II", 30_000, 20_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert properties_of(bytes(data)) == PhotoProperties(width=30_000, height=20_000, camera="Canon")


def test_what_is_no_picture_has_no_properties() -> None:
    with pytest.raises(PhotoError):
        properties_of(b"a letter")


def test_raw_files_are_read_if_the_library_for_them_is_there() -> None:
    try:
        import rawpy  # noqa: F401
    except ImportError:
        assert not reads_camera_raw()
    else:
        assert reads_camera_raw()


def test_of_a_camera_raw_the_camera_is_read_and_not_its_previews_size() -> None:
    tiff = file_of(flat("RGB", 0, (16, 12)), "TIFF", exif=exif_of("Canon", "Canon EOS 5D"))
    assert read_raw_properties(io.BytesIO(tiff)) == PhotoProperties(camera="Canon EOS 5D")
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert read_raw_properties(io.BytesIO(tiff[:40])).camera is None, "cut short in its directory"
    assert shown == [], "Pillow's words would reach the terminal"
    panasonic = tiff[:2] + b"U\0" + tiff[4:]
    assert read_raw_properties(io.BytesIO(panasonic)) == PhotoProperties(camera="Canon EOS 5D")


@pytest.mark.parametrize("data", [b"", b"II", b"II*\0\xff\xff\xff\x7f", b"FUJIFILMCCD-RAW " + bytes(90)])
def test_of_a_raw_that_can_not_be_understood_no_camera_is_known(data: bytes) -> None:
    assert read_raw_properties(io.BytesIO(data)) == PhotoProperties(camera=None)
