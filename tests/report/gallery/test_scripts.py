"""Data files are ASCII scripts of one call, whatever the names in them."""

from __future__ import annotations

import math

import pytest

from pipeline.report.gallery.scripts import read_script, script
from tests.report.gallery.hostile_names import HOSTILE_NAMES


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_a_hostile_name_is_one_ascii_string_and_comes_back(name: str) -> None:
    data = script("chunk", {"photo": name, name: 1})

    assert data.isascii()
    assert data.count(b"\n") == 1
    assert data.endswith(b"\n")
    assert b"<" not in data
    assert not any(byte < 0x20 for byte in data[:-1])
    assert read_script(data, "chunk") == [{"photo": name, name: 1}]


def test_several_values_are_several_arguments() -> None:
    data = script("picture", 7, {"a": None})

    assert data == b'stylewatch.picture(7,{"a":null});\n'
    assert read_script(data, "picture") == [7, {"a": None}]


def test_a_number_that_json_does_not_know_becomes_null() -> None:
    data = script("live", {"losses": [1.5, math.nan, (math.inf,)], "name": "nan"})

    assert data == b'stylewatch.live({"losses":[1.5,null,[null]],"name":"nan"});\n'


@pytest.mark.parametrize("data", [b"", b"stylewatch.chunk(1);\n", b"stylewatch.catalog({", "stylewatch.ä(".encode()])
def test_what_is_no_such_script_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_script(data, "catalog")
