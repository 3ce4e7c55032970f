"""Sizes of space and memory: what is taken and what is said about the rest."""

from __future__ import annotations

import pytest

from pipeline.config.byte_sizes import parse_size
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1 GB", 10**9),
        ("1gb", 10**9),
        ("1.5 kB", 1500),
        ("512 MiB", 512 * 2**20),
        ("2 TiB", 2 * 2**40),
        ("0 B", 0),
        (" 7B ", 7),
    ],
)
def test_a_size_is_read_with_its_unit(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "1", "GB", "-1 GB", "1 XB", "1 GB free", "1,5 GB", "1 iB x"])
def test_a_size_without_number_or_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a size like '1 GB'"):
        parse_size(text)


def test_a_size_in_plain_bytes_is_taken_and_a_negative_one_refused(load: Load, problems: Problems) -> None:
    assert load(STYLE + "output: {min_free_disk: 5}").output.min_free_disk == 5
    assert problems(STYLE + "output: {min_free_disk: -5}") == ["output.min_free_disk: must be at least 0, found -5"]


def test_memory_is_a_size_or_auto(load: Load, problems: Problems) -> None:
    assert load(STYLE + "engine: {memory: auto}").engine.memory is None
    assert load(STYLE + "engine: {memory: 2.5 GB}").engine.memory == 2_500_000_000
    assert load(STYLE).model_dump()["engine"]["memory"] == "auto"
    (told,) = problems(STYLE + "engine: {memory: 8 gigs}")
    assert told.startswith("engine.memory: must be a size like '1 GB' or '500 MB', found '8 gigs'")
    (told,) = problems(STYLE + "engine: {memory: 1999 MB}")
    assert told.startswith("engine.memory: must be at least ")
