"""How locations and values are written in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.config.document import Location
from pipeline.config.error_messages import format_location, format_value


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ((), ""),
        (("styles",), "styles"),
        (("styles", 1, "paintings"), "styles[1].paintings"),
        (("styles", 1, "paintings", "a b.jpg"), "styles[1].paintings['a b.jpg']"),
        (("recipes", "my-large", "size"), "recipes.my-large.size"),
        (("2024",), "['2024']"),
    ],
)
def test_a_place_is_written_as_people_do(location: Location, text: str) -> None:
    assert format_location(location) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        ("a", "'a'"),
        ("", "''"),
        (1.5, "1.5"),
        (True, "the boolean true"),
        ([1, "é"], 'the list [1, "é"]'),
        ([], "an empty list"),
        ({}, "an empty mapping"),
        ({"a": 1, "b": 2}, "a mapping with the keys 'a', 'b'"),
        ("x" * 100, "'" + "x" * 59 + " ..."),
    ],
)
def test_a_value_is_shown_as_the_file_has_it(value: Any, text: str) -> None:
    assert format_value(value) == text
