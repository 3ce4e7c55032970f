import struct

import pytest

from pipeline.images import exif
from pipeline.images.exif import Exif, Value
from pipeline.images.exif_places import without_places

NOTHING: frozenset[str] = frozenset()
COMMENTS = [
    b"ASCII\0\0\0at 56.2231, 10.5712",
    b"UNICODE\0" + "at 56.2231, 10.5712".encode("utf-16-le"),
    b"UNICODE\0" + "at 56.2231, 10.5712".encode("utf-16-be"),
    b"UNICODE\0at 56.2231, 10.5712",
    b"JIS\0\0\0\0\0" + "５６.２２３１, １０.５７１２".encode("iso2022_jp"),
    bytes(8) + b"geo:56.2,10.5",
    b"ASCII\0\0\0" + "at 56.2231, 10.5712".encode("utf-16-le"),
    b"https://maps.google.com/?q=x",
]


def windows_text(words: str) -> Value:
    data = (words + "\0").encode("utf-16-le")
    return Value(exif.BYTE, len(data), data)


@pytest.mark.parametrize("comment", COMMENTS)
def test_a_comment_with_coordinates_goes(comment: bytes) -> None:
    block = Exif(photo={0x9286: exif.undefined(comment), 0x829A: exif.integers("<", exif.SHORT, 1)})
    clean, notes = without_places(block, NOTHING)
    assert set(clean.photo) == {0x829A}
    assert notes == ()


@pytest.mark.parametrize(
    "comment", [b"\x01\x02\x03binary data of a maker", b"JIS\0\0\0\0\0\xff\xfe", b"ASCII\0\0\0\x01\x02"]
)
def test_a_comment_that_nobody_can_read_goes_with_a_note(comment: bytes) -> None:
    clean, notes = without_places(Exif(photo={0x9286: exif.undefined(comment)}), NOTHING)
    assert not clean.photo
    assert notes == ("EXIF's user comment left out: its encoding is unknown, and it may tell a place",)


@pytest.mark.parametrize(
    "comment", [b"ASCII\0\0\0A caf\xe9", bytes(40), b"UNICODE\0" + "Zoë".encode("utf-16-be"), b"\xff" * 9, b"no code"]
)
def test_other_comments_stay(comment: bytes) -> None:
    block = Exif(photo={0x9286: exif.undefined(comment)})
    assert without_places(block, NOTHING) == (block, ())


def test_texts_with_coordinates_go_wherever_they_stand() -> None:
    image = {0x010E: exif.text("N 56 13.5 E 10 34.2"), 0x9C9C: windows_text("56.2231, 10.5712")}
    others = {0x010D: exif.text("Holiday"), 0x013B: exif.text("Zoe"), 0x9C9B: windows_text("Zoë's dog")}
    assert without_places(Exif("<", {**image, **others}), NOTHING)[0].image == others


@pytest.mark.parametrize("encoding", ["ascii", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("kind", [exif.ASCII, exif.BYTE, exif.UNDEFINED, 6])
def test_texts_with_coordinates_go_however_they_are_written(kind: int, encoding: str) -> None:
    data = "at 56.2231, 10.5712".encode(encoding)
    assert not without_places(Exif(image={0x010E: Value(kind, len(data), data)}), NOTHING)[0].image


def test_unknown_tags_go_with_a_note_and_the_camera_stays() -> None:
    known = {
        0x9003: exif.text("2019:05:12 10:34:22"),
        0x920A: Value(5, 1, struct.pack("<II", 50, 1)),
        0xA434: exif.text("EF24-70mm f/2.8L II USM"),
        0xA432: Value(5, 4, struct.pack("<8I", 24, 1, 70, 1, 28, 10, 28, 10)),
    }
    others = {
        0x9009: exif.text("SECRET"),
        0xEA1C: exif.undefined(bytes(9)),
        0x927C: exif.undefined(b"SECRET maker note"),
    }
    clean, notes = without_places(Exif("<", {}, {**known, **others}, {2: exif.undefined(b"SECRET")}), NOTHING)
    assert clean == Exif("<", {}, known)
    assert notes == ("EXIF: unknown tags (1) left out, which may tell a place",)


def test_windows_keywords_that_repeat_a_place_go() -> None:
    block = Exif("<", {0x9C9E: windows_text("sunset;Aarhus;Ada")})
    clean, _ = without_places(block, frozenset({"aarhus"}))
    assert clean.image == {0x9C9E: windows_text("sunset;Ada")}


def test_texts_too_long_to_be_looked_through_go_with_a_note() -> None:
    long = "word " * 5000 + "geo:56.2,10.5"
    image = {0x010E: exif.text(long), 0x010D: exif.text("Holiday")}
    photo = {0x9286: exif.undefined(b"ASCII\0\0\0" + long.encode()), 0x9291: exif.text("00")}
    clean, notes = without_places(Exif("<", image, photo), NOTHING)
    assert set(clean.image) | set(clean.photo) == {0x010D, 0x9291}
    assert notes == ("EXIF: texts (2) left out that are too long to look for places in",)


def test_a_comment_that_a_camera_filled_up_is_not_too_long() -> None:
    block = Exif(photo={0x9286: exif.undefined(b"ASCII\0\0\0" + b"Zoe" + bytes(60_000))})
    assert without_places(block, NOTHING) == (block, ())


def test_places_in_json_go() -> None:
    block = Exif(image={0x010E: exif.text('{"MAPLatitude": 56.2, "MAPLongitude": 10.5}')})
    assert not without_places(block, NOTHING)[0].image
