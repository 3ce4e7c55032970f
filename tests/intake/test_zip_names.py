from __future__ import annotations

import io
import struct
import zipfile

import pytest

from pipeline.intake.zip_names import names_of
from tests.intake.packing import _info, repeated, replaced, zipped


def names(data: bytes) -> list[str]:
    return names_of(zipfile.ZipFile(io.BytesIO(data)).infolist())


def stored(name: bytes) -> bytes:
    """Return a zip with a member of this name, and no word on its letters."""
    return replaced(zipped(("x" * len(name), b"")), b"x" * len(name), name)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (b"plain.jpg", "plain.jpg"),
        (b"Gem\x84lde.jpg", "Gemälde.jpg"),
        (b"\x8e\x99\x9a\xe1\x81.jpg", "ÄÖÜßü.jpg"),
        ("Gemälde.jpg".encode(), "Gemälde.jpg"),
        ("Gema\u0308lde.jpg".encode(), "Gema\u0308lde.jpg"),  # as macOS writes it
        ("写真.jpg".encode(), "写真.jpg"),
        (b"half\xc3.jpg", "half├.jpg"),
    ],
)
def test_a_name_without_a_word_on_its_letters_is_utf_8_if_it_can_be(name: bytes, read: str) -> None:
    assert names(stored(name)) == [read]


def test_a_name_that_is_said_to_be_utf_8_is() -> None:
    assert names(zipped(("Gemälde.jpg", b""))) == ["Gemälde.jpg"]


def test_a_name_in_a_field_beside_it_is_taken_if_it_belongs_to_the_stored_one() -> None:
    assert names(zipped((repeated("Gem?lde.jpg", "Gemälde.jpg"), b""))) == ["Gemälde.jpg"]
    assert names(zipped((repeated("a.jpg", "b.jpg", of="another"), b""))) == ["a.jpg"]
    assert names(zipped((repeated("a.jpg", "b.jpg", version=2), b""))) == ["a.jpg"]
    assert names(zipped((repeated("a.jpg", ""), b""))) == ["a.jpg"]


@pytest.mark.parametrize(
    "extra",
    [b"\0\0", struct.pack("<HH", 0x7075, 3) + b"\1\0\0", struct.pack("<HHB", 0x9999, 1, 1) + b"\0"],
)
def test_odd_fields_are_passed_over(extra: bytes) -> None:
    info = _info("a.jpg")
    info.extra = extra
    assert names_of([info]) == ["a.jpg"]


@pytest.mark.parametrize(
    ("members", "read"),
    [
        ([("a\\b.jpg", 3), ("c.jpg", 3)], ["a/b.jpg", "c.jpg"]),
        ([("a\\b.jpg", 3), ("c/d.jpg", 3)], ["a\\b.jpg", "c/d.jpg"]),
        ([("a\\b.jpg", 0), ("c/d.jpg", 3)], ["a/b.jpg", "c/d.jpg"]),
        ([("a/b\\c.jpg", 10)], ["a/b/c.jpg"]),
        ([("..\\..\\x.jpg", 0), ("C:\\x.jpg", 0)], ["../../x.jpg", "C:/x.jpg"]),
    ],
)
def test_a_backslash_parts_folders_where_it_can_be_no_letter(members: list[tuple[str, int]], read: list[str]) -> None:
    assert names_of([_info(name, system=system) for name, system in members]) == read
