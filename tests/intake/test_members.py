from __future__ import annotations

import zlib

import pytest

from pipeline.intake.members import (
    Limits,
    RefusedError,
    UnpackBudget,
    is_bomb,
    normalized,
    raise_if_short_of_memory,
    too_large,
    too_large_unpacked,
    too_many_files,
    unsafe_name_reason,
)

LIMITS = Limits(files=2, bytes=1000, photo_bytes=500)


@pytest.mark.parametrize(
    "name", ["a.jpg", "beach/a.jpg", "./beach//a.jpg", "..a/b..jpg", "caf\udce9.jpg", "x/" * 199 + "y"]
)
def test_plain_relative_paths_are_safe(name: str) -> None:
    assert unsafe_name_reason(name) == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a\0.jpg", "a zero byte"),
        ("beach\\a.jpg", "a backslash"),
        ("/etc/passwd", "an absolute path"),
        ("c:a.jpg", "a drive letter"),
        ("beach/../../a.jpg", "outside of the archive"),
        ("é" * 501, "more than 1,000 bytes"),
        ("x/" * 200 + "y", "more than 200 folders deep"),
        ("./", "no name"),
    ],
)
def test_a_name_that_can_not_be_a_path_says_why(name: str, reason: str) -> None:
    assert reason in unsafe_name_reason(name)


def test_a_name_is_normalized() -> None:
    assert normalized("./beach//day/./a.jpg") == "beach/day/a.jpg"


def test_a_budget_ends_at_its_limits() -> None:
    budget = UnpackBudget(LIMITS)
    budget.count_member()
    budget.count_member()
    with pytest.raises(RefusedError, match=r"more than 2 files.*max_archive_files"):
        budget.count_member()
    budget.count_bytes(1000)
    with pytest.raises(RefusedError, match=r"more than 0 MB.*max_archive_size"):
        budget.count_bytes(1)


def test_a_budget_ends_where_a_bomb_begins() -> None:
    budget = UnpackBudget(archive_bytes=1_000_000)
    budget.count_bytes(200_000_000)
    with pytest.raises(RefusedError, match="200 times its size, like a decompression bomb"):
        budget.count_bytes(1)


def test_what_stays_small_is_no_bomb() -> None:
    assert not is_bomb(100_000_000, 1)
    assert is_bomb(100_000_001, 1)


def test_every_refusal_by_a_limit_names_its_setting() -> None:
    assert "input.max_archive_files" in too_many_files(LIMITS)
    assert "input.max_archive_size" in too_large_unpacked(LIMITS)
    assert "input.archive_space" in too_large(500)


def test_zlib_that_gets_no_memory_tells_nothing_of_what_is_packed() -> None:
    with pytest.raises(MemoryError):
        raise_if_short_of_memory(zlib.error("Error -4 while decompressing data"))
    raise_if_short_of_memory(zlib.error("Error -3 while decompressing data: invalid block type"))
