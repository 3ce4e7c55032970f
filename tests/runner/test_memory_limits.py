"""Which sizes no machine like this one can make, and what is said of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.engine.memory.available import machine_bytes
from pipeline.errors import SizeError
from pipeline.model import EngineSettings, Recipe
from pipeline.runner.memory_limits import NARROWEST, memory_limit_bytes, proportions_of, require_possible_size
from tests.fakes import write_photo

CPU = EngineSettings(device="cpu")
LIMIT = 24e9


def test_what_may_fit_in_blocks_is_not_refused() -> None:
    require_possible_size(Recipe(size=512), CPU, limit_bytes=LIMIT)
    require_possible_size(Recipe(size=8000), CPU, [1.0], limit_bytes=LIMIT)
    require_possible_size(Recipe(size=20_000), CPU, limit_bytes=LIMIT)  # of a panorama


def test_what_can_never_fit_is_refused_with_the_size_that_does() -> None:
    with pytest.raises(SizeError) as caught:
        require_possible_size(Recipe(name="vast", size=60_000), CPU, limit_bytes=LIMIT)
    assert str(caught.value) == (
        "recipes.vast.size: even a picture of 60000 × 6000 pixels takes about 119 GB of memory, more than this "
        "machine has in all; use a size of 10300 or less"
    )
    require_possible_size(Recipe(size=10_300), CPU, [2 / 3], limit_bytes=LIMIT)
    with pytest.raises(SizeError):
        require_possible_size(Recipe(size=10_500), CPU, [2 / 3], limit_bytes=LIMIT)


def test_the_setting_that_leaves_too_little_is_named() -> None:
    small = replace(CPU, memory_bytes=2 * 10**9)
    require_possible_size(Recipe(size=1024), small, [1.0])
    with pytest.raises(SizeError, match=r"more than engine.memory \(2 GB\) leaves beside the program; use a size of"):
        require_possible_size(Recipe(size=4000), small, [1.0])


def test_one_photo_of_which_a_picture_can_be_made_is_enough_and_no_other_is_read_then() -> None:
    read: list[float] = []

    def proportions() -> Iterator[float]:
        for proportion in (1.0, 0.1, 0.7):
            read.append(proportion)
            yield proportion

    require_possible_size(Recipe(size=12_000), CPU, proportions(), limit_bytes=LIMIT)
    assert read == [1.0, 0.1]
    with pytest.raises(SizeError, match="even a picture of 12000 × 6000 pixels"):
        require_possible_size(Recipe(size=12_000), CPU, [0.7, 0.5], limit_bytes=LIMIT)


def test_a_small_size_reads_no_photo() -> None:
    def no_photos() -> Iterator[float]:
        raise AssertionError
        yield

    require_possible_size(Recipe(size=512), CPU, no_photos(), limit_bytes=LIMIT)


def test_a_photo_that_can_not_be_read_may_have_any_proportions(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png", size=(48, 24))
    (tmp_path / "b.jpg").write_text("a letter")
    assert list(proportions_of(tmp_path, ["a.png", "b.jpg", "trip.zip/c.jpg"])) == [0.5, NARROWEST, NARROWEST]


def test_the_cpu_has_the_memory_of_the_machine_and_a_gpu_its_own() -> None:
    assert memory_limit_bytes(CPU) == (machine_bytes() or math.inf)
    assert memory_limit_bytes(EngineSettings(device="auto")) >= memory_limit_bytes(CPU)
    assert memory_limit_bytes(EngineSettings(device="cuda")) > 0
