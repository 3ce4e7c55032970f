"""Output names are unique everywhere, allowed everywhere and never given out twice."""

from __future__ import annotations

import os
import sqlite3
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ledger.names import NameAllocator, folded, portable_stem, shortened


def an_allocator() -> NameAllocator:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE names (folded BLOB PRIMARY KEY)")
    return NameAllocator(connection)


def test_the_first_of_a_stem_gets_it_and_the_next_ones_get_numbers() -> None:
    names = an_allocator()
    assert [names.allocate("sub/a--night", ".jpg") for _ in range(3)] == [
        "sub/a--night.jpg",
        "sub/a--night-2.jpg",
        "sub/a--night-3.jpg",
    ]


def test_a_number_that_a_stem_of_its_own_has_is_left_out() -> None:
    names = an_allocator()
    names.allocate("a-2", ".jpg")
    assert [names.allocate("a", ".jpg") for _ in range(2)] == ["a.jpg", "a-3.jpg"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", "A"),
        ("straße", "STRASSE"),
        ("café", unicodedata.normalize("NFD", "café")),
        ("Sub/a", "sub/a"),
        ("what?", "what:"),
    ],
)
def test_names_that_some_file_system_takes_for_one_are_told_apart(first: str, second: str) -> None:
    names = an_allocator()
    assert folded(names.allocate(first, ".jpg")) != folded(names.allocate(second, ".jpg"))


def test_one_stem_with_two_suffixes_needs_no_number() -> None:
    names = an_allocator()
    assert [names.allocate("a", ".jpg"), names.allocate("a", ".png")] == ["a.jpg", "a.png"]


def test_a_folder_named_like_a_picture_gets_a_number() -> None:
    names = an_allocator()
    names.allocate("a--night", ".jpg")
    inside = [names.allocate(f"A--night.jpg/{stem}", ".jpg") for stem in ("x", "deeper/x")]
    assert inside == ["A--night.jpg-2/x.jpg", "A--night.jpg-2/deeper/x.jpg"]


def test_a_picture_named_like_a_folder_gets_a_number() -> None:
    names = an_allocator()
    names.allocate("sub/a--night.jpg/x", ".jpg")
    assert [names.allocate("sub/a--night", ".jpg") for _ in range(2)] == ["sub/a--night-2.jpg", "sub/a--night-3.jpg"]


@pytest.mark.parametrize(
    ("stem", "portable"),
    [
        ('a<b>c:d"e|f?g*h\\i', "a_b_c_d_e_f_g_h_i"),
        ("tab\there", "tab_here"),
        ("trailing. ./a", "trailing___/a"),
        ("../../a", "__/__/a"),
        ("./a", "_/a"),
        ("//a", "_/_/a"),
        ("aux/NUL", "aux_/NUL_"),
        ("con.1/a", "con_.1/a"),
        ("concert/a", "concert/a"),
        ("com1--night", "com1--night"),
        ("été/ü", "été/ü"),
        (".hidden/a", ".hidden/a"),
    ],
)
def test_what_windows_refuses_is_replaced(stem: str, portable: str) -> None:
    assert "".join(portable_stem(stem)) == portable


def test_a_long_name_is_cut_and_stays_distinct_from_others_that_begin_alike() -> None:
    names = an_allocator()
    first, second = (names.allocate("é" * 200 + end, ".jpg") for end in "xy")
    assert first.endswith(".jpg")
    assert len(os.fsencode(first)) <= 255
    assert first.startswith("é" * 50)
    assert first != second
    assert not second.endswith("-2.jpg")


def test_a_long_name_keeps_room_for_its_number() -> None:
    names = an_allocator()
    first, second = (names.allocate("a" * 251, ".jpg") for _ in range(2))
    assert first == "a" * 251 + ".jpg"
    assert second.endswith("-2.jpg")
    assert len(second) <= 255


def test_a_folder_that_is_too_long_is_cut() -> None:
    folder, _ = portable_stem("x" * 300 + "/a")
    assert len(folder) == 256
    assert folder.endswith("/")


def test_a_short_part_is_left_alone() -> None:
    assert shortened("a", ".jpg") == "a.jpg"


_STEMS = st.lists(st.binary(min_size=1).map(os.fsdecode), min_size=1, max_size=8)


@given(_STEMS)
def test_any_bytes_make_unique_names_inside_the_output_folder(stems: list[str]) -> None:
    names = an_allocator()
    given_out = [names.allocate(stem, ".jpg") for stem in stems]
    assert len({folded(name) for name in given_out}) == len(given_out)
    folders = {folded(name[:at]) for name in given_out for at, sign in enumerate(name) if sign == "/"}
    assert not folders & {folded(name) for name in given_out}
    for name in given_out:
        parts = name.split("/")
        assert not {"", ".", ".."} & set(parts)
        assert all(len(os.fsencode(part)) <= 255 for part in parts)


@pytest.mark.parametrize(
    ("stem", "output"),
    [
        ("gallery/a--night", "gallery/a--night.webp"),
        ("gallery/2024/a--night", "gallery/2024/a--night.webp"),
        ("gallery/thumbs/ab/abcdef0123456789abcd", "gallery/thumbs-2/ab/abcdef0123456789abcd.webp"),
        ("gallery/Data/a--night", "gallery/Data-2/a--night.webp"),
        ("gallery/index.html/a--night", "gallery/index.html-2/a--night.webp"),
        ("Gallery/live/a--night", "Gallery/live-2/a--night.webp"),
        ("sea/gallery/thumbs/a--night", "sea/gallery/thumbs/a--night.webp"),
        ("thumbs/a--night", "thumbs/a--night.webp"),
    ],
)
def test_photos_in_a_folder_called_gallery_get_no_names_of_the_gallerys_own(stem: str, output: str) -> None:
    assert an_allocator().allocate(stem, ".webp") == output
