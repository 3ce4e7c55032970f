import io
import struct
from typing import Any

import pytest
from PIL import Image

from pipeline.images import exif
from pipeline.images.density import exif_density, stored_density, with_density, with_this_density
from pipeline.images.exif import Exif, Value
from tests.images.pictures import file_of, flat


def reopened(image: Image.Image, picture_format: str, **options: Any) -> Image.Image:
    return Image.open(io.BytesIO(file_of(image, picture_format, **options)))


def rational(numerator: int, denominator: int, order: str = "<") -> Value:
    return Value(5, 1, struct.pack(order + "II", numerator, denominator))


def block(across: Value, down: Value, unit: int | None, order: Any = "<") -> Exif:
    image = {0x011A: across, 0x011B: down}
    return Exif(order, image | ({0x0128: exif.integers(order, exif.SHORT, unit)} if unit is not None else {}))


def by_inch(number: int) -> Exif:
    return block(rational(number, 1), rational(number, 1), 2)


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "BMP"])
@pytest.mark.parametrize("density", [(300, 300), (72, 72), (204, 98)])
def test_a_file_s_own_density_is_read_without_the_rounding_of_meters(
    picture_format: str, density: tuple[int, int]
) -> None:
    assert stored_density(reopened(flat("RGB", "red"), picture_format, dpi=density)) == density


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_file_that_says_nothing_has_none(picture_format: str) -> None:
    assert stored_density(reopened(flat("RGB", "red"), picture_format)) is None


def test_a_ratio_and_what_pillow_finds_in_exif_are_no_density_of_the_file() -> None:
    data = file_of(flat("RGB", "red"), "JPEG", exif=exif.PREFIX + exif.serialize(by_inch(300)))
    assert stored_density(Image.open(io.BytesIO(data))) is None
    square = data[:13] + b"\0" + struct.pack(">HH", 1, 1) + data[18:]
    assert stored_density(Image.open(io.BytesIO(square))) is None
    by_centimeters = data[:13] + b"\2" + struct.pack(">HH", 118, 118) + data[18:]
    assert stored_density(Image.open(io.BytesIO(by_centimeters))) == pytest.approx((299.72, 299.72))
    nothing = data[:13] + b"\1" + struct.pack(">HH", 0, 0) + data[18:]
    assert stored_density(Image.open(io.BytesIO(nothing))) is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("unit", "expected"), [(2, (300, 150)), (None, (300, 150)), (3, (762, 381)), (1, None), (7, None)]
)
def test_exif_says_it_by_the_inch_or_by_the_centimeter(order: str, unit: int | None, expected: Any) -> None:
    found = exif_density(block(rational(600, 2, order), rational(150, 1, order), unit, order))
    assert found == (pytest.approx(expected) if expected else None)


@pytest.mark.parametrize(
    "value", [rational(300, 0), rational(0, 1), rational(2**31, 1), exif.text("300"), Value(5, 1, b"\1")]
)
def test_nonsense_in_exif_is_no_density(value: Value) -> None:
    assert exif_density(block(value, value, 2)) is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("density", [(300.0, 150.0), (299.72, 96.5), (1.0, 65535.0)])
def test_a_block_gets_a_density_that_it_lacks(order: Any, density: tuple[float, float]) -> None:
    written = exif.parse(exif.serialize(with_density(Exif(order), density)))
    assert written is not None
    assert exif_density(written) == pytest.approx(density)


def test_a_block_keeps_its_own_density() -> None:
    own = by_inch(72)
    assert with_density(own, (300, 300)) is own
    assert with_density(Exif(), None) == Exif()


def test_a_picture_for_a_sheet_has_its_own_density_in_place_of_the_photo_s() -> None:
    assert exif_density(with_this_density(by_inch(72), (300.0, 300.0))) == (300.0, 300.0)
