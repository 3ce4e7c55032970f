import struct

import pytest

from pipeline.images import iptc


def dataset(number: int, words: bytes, record: int = 2) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(words)) + words


HEADLINE = dataset(105, b"Headline")


def test_whole_datasets_are_kept_and_what_follows_is_not() -> None:
    row = HEADLINE + dataset(90, b"Tubingen")
    assert iptc.well_formed(row) == row
    assert iptc.well_formed(row + b"\0\0") == row
    assert iptc.well_formed(row[:-1]) == HEADLINE
    assert iptc.well_formed(HEADLINE + b"\x1c\x02\x0a\x80\x04\0\0\0\x01x") == HEADLINE
    assert iptc.well_formed(b"") == b""


@pytest.mark.parametrize("number", [26, 27, 90, 92, 95, 100, 101])
def test_datasets_that_name_a_place_go(number: int) -> None:
    assert iptc.without_location(dataset(number, b"somewhere") + HEADLINE) == (HEADLINE, ())


def test_a_place_number_in_another_record_is_no_place() -> None:
    row = dataset(90, b"\x1b%G", record=1)
    assert iptc.without_location(row) == (row, ())


@pytest.mark.parametrize(
    "text", [b"at 56.2231, 10.5712", b"geo:lat=56.1", "56° 13′ N".encode(), "56° 13\u2032".encode()]
)
def test_texts_with_coordinates_go(text: bytes) -> None:
    row = dataset(120, text) + HEADLINE + dataset(25, text)
    assert iptc.without_location(row) == (HEADLINE, ())


def test_keywords_that_repeat_a_place_go() -> None:
    row = dataset(90, b"Aarhus") + dataset(101, "Dänemark".encode("latin-1"))
    assert iptc.named_places(row) == {"aarhus", "dänemark"}
    keywords = dataset(25, b"sunset") + dataset(120, b"Aarhus")
    assert iptc.without_location(dataset(25, b"AARHUS") + keywords, frozenset({"aarhus"})) == (keywords, ())


def test_unknown_datasets_go_with_a_note() -> None:
    kept, notes = iptc.without_location(HEADLINE + dataset(202, b"preview") + dataset(10, b"x", record=8))
    assert kept == HEADLINE
    assert notes == ("IPTC: unknown datasets (2) left out, which may tell a place",)


def test_an_unknown_character_set_can_not_be_looked_through() -> None:
    assert iptc.without_location(dataset(90, b"\x1b$B", record=1) + HEADLINE)[0] == b""
    row = dataset(90, b"\x1b%G", record=1) + HEADLINE
    assert iptc.without_location(row) == (row, ())


def test_the_resource_is_found_among_others() -> None:
    named = b"8BIM" + struct.pack(">H", 0x03ED) + b"\x04name\0" + struct.pack(">I", 3) + b"abc\0"
    ours = iptc.segment(HEADLINE)[14:]
    assert iptc.resource(named + ours) == HEADLINE
    assert iptc.resource(named) == b""
    assert iptc.resource(b"8BIM\x04\x04") == b""


def test_a_segment_is_padded_to_an_even_length() -> None:
    row = dataset(105, b"odd")
    assert len(row) % 2 == 0
    assert len(iptc.segment(row + b"\x1c")) % 2 == 0
    assert len(iptc.segment(row)) % 2 == 0


def test_what_is_too_long_to_be_looked_through_goes() -> None:
    assert iptc.without_location(dataset(120, b"word " * 5000 + b"geo:56.2,10.5") + HEADLINE) == (HEADLINE, ())
    row, notes = iptc.without_location(HEADLINE * 100_000)
    assert row == b""
    assert notes == ("IPTC left out: it is larger than 1 MB, too much to look for places",)
