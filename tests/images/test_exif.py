import struct

import pytest
from PIL import Image

from pipeline.images.exif import (
    BYTE,
    LONG,
    PREFIX,
    SHORT,
    Exif,
    Value,
    first_integer,
    integers,
    parse,
    serialize,
    text,
    undefined,
)


def sample(order: str) -> Exif:
    return Exif(
        order,  # type: ignore[arg-type]
        image={0x010F: text("Maker"), 0x0112: integers(order, SHORT, 6)},  # type: ignore[arg-type]
        photo={0x927C: undefined(b"\x01odd"), 0x9286: undefined(b"UNICODE\0h\0i\0")},
        gps={2: Value(5, 3, struct.pack(order + "6I", 48, 1, 8, 1, 0, 1))},
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_is_written_is_read_back(order: str) -> None:
    assert parse(serialize(sample(order))) == sample(order)
    assert parse(PREFIX + serialize(sample(order))) == sample(order)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pillow_reads_the_same(order: str) -> None:
    read = Image.Exif()
    read.load(PREFIX + serialize(sample(order)))
    assert read[0x010F] == "Maker"
    assert read[0x0112] == 6
    assert read.get_ifd(0x8769)[0x9286] == b"UNICODE\0h\0i\0"
    assert read.get_ifd(0x8825)[2] == (48.0, 8.0, 0.0)


def test_pillows_block_is_read() -> None:
    block = Image.Exif()
    block[0x010E] = "A description"
    block.get_ifd(0x8769)[0xA002] = 70000
    found = parse(block.tobytes())
    assert found is not None
    assert found.image[0x010E] == text("A description")
    assert first_integer(found.order, found.photo[0xA002]) == 70000


@pytest.mark.parametrize("data", [b"", b"II", b"II*\0", b"II+\0\x08\0\0\0", b"hello, world"])
def test_other_data_is_no_block(data: bytes) -> None:
    assert parse(data) is None


def test_entries_that_point_nowhere_or_have_an_unknown_type_are_left_out() -> None:
    entries = struct.pack("<HHII", 1, LONG, 1, 7) + struct.pack("<HHII", 2, LONG, 9, 5000)
    entries += struct.pack("<HHII", 3, 99, 1, 0) + struct.pack("<HHII", 4, SHORT, 0, 0)
    found = parse(b"II*\0" + struct.pack("<IH", 8, 4) + entries + bytes(4))
    assert found is not None
    assert found.image == {1: integers("<", LONG, 7)}


def test_values_that_overlap_cannot_multiply_the_data() -> None:
    entries = b"".join(struct.pack("<HHII", tag, 7, 60000, 8) for tag in range(100))
    data = b"II*\0" + struct.pack("<I", 60008) + bytes(60000) + struct.pack("<H", 100) + entries + bytes(4)
    found = parse(data)
    assert found is not None
    assert sum(len(value.data) for value in found.image.values()) <= len(data)
    assert 0 in found.image


@pytest.mark.parametrize("keep", range(8, 60))
def test_a_block_cut_anywhere_is_read_as_far_as_it_goes(keep: int) -> None:
    found = parse(serialize(sample("<"))[:keep])
    assert found is not None
    assert found.image.items() <= sample("<").image.items()


def test_only_whole_numbers_are_integers() -> None:
    assert first_integer("<", text("6")) is None
    assert first_integer("<", None) is None
    assert first_integer(">", integers(">", LONG, 70000, 2)) == 70000


def test_text_is_ascii() -> None:
    assert text("né").data == b"n?\0"


def test_a_number_of_one_byte_is_read() -> None:
    assert first_integer(">", Value(BYTE, 1, b"\x08")) == 8
