"""Which sizes no machine like this one can make, and what is said of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipeline.engine.memory.available import machine_bytes
from pipeline.errors import SizeError
from pipeline.images.decoders.raster import Size
from pipeline.model import EngineSettings, Recipe, SizeRule
from pipeline.model.size_rules import typical_size
from pipeline.runner.memory_limits import memory_limit_bytes, require_possible_size

CPU = EngineSettings(device="cpu")
LIMIT = 24e9


def test_what_may_fit_in_blocks_is_not_refused() -> None:
    require_possible_size(Recipe(size=512), CPU, limit_bytes=LIMIT)
    require_possible_size(Recipe(size=8000), CPU, [(9, 9)], limit_bytes=LIMIT)
    require_possible_size(Recipe(size=20_000), CPU, limit_bytes=LIMIT)  # of a panorama


def test_what_can_never_fit_is_refused_with_the_size_that_does() -> None:
    with pytest.raises(SizeError) as caught:
        require_possible_size(Recipe(name="vast", size=60_000), CPU, limit_bytes=LIMIT)
    assert str(caught.value) == (
        "recipes.vast.size: even a picture of 60000 × 6000 pixels takes about 111 GB of memory, more than this "
        "machine has in all; use a size of 10600 or less"
    )
    require_possible_size(Recipe(size=10_600), CPU, [(20, 30)], limit_bytes=LIMIT)
    with pytest.raises(SizeError):
        require_possible_size(Recipe(size=10_800), CPU, [(20, 30)], limit_bytes=LIMIT)


def test_the_setting_that_leaves_too_little_is_named() -> None:
    small = replace(CPU, memory_bytes=2 * 10**9)
    require_possible_size(Recipe(size=1024), small, [(9, 9)])
    with pytest.raises(SizeError, match=r"more than engine.memory \(2 GB\) leaves beside the program; use a size of"):
        require_possible_size(Recipe(size=4000), small, [(9, 9)])


def test_one_photo_of_which_a_picture_can_be_made_is_enough_and_no_other_is_read_then() -> None:
    read: list[Size] = []

    def photos() -> Iterator[Size]:
        for size in ((9, 9), (1, 10), (10, 7)):
            read.append(size)
            yield size

    require_possible_size(Recipe(size=12_000), CPU, photos(), limit_bytes=LIMIT)
    assert read == [(9, 9), (1, 10)]
    with pytest.raises(SizeError, match="even a picture of 14000 × 7000 pixels"):
        require_possible_size(Recipe(size=14_000), CPU, [(7, 10), (10, 5)], limit_bytes=LIMIT)


def test_a_small_size_reads_no_photo() -> None:
    def no_photos() -> Iterator[Size]:
        raise AssertionError
        yield

    require_possible_size(Recipe(size=512), CPU, no_photos(), limit_bytes=LIMIT)


def by_rule(words: str, max_size: int = 0) -> Recipe:
    rule = SizeRule.parse(words)
    return Recipe(name="vast", size=typical_size(rule, max_size), size_rule=rule, max_size=max_size)


def test_where_photos_decide_it_is_their_own_sizes_that_count() -> None:
    require_possible_size(by_rule("original"), CPU, [(20_000, 15_000), (640, 480)], limit_bytes=LIMIT)
    require_possible_size(by_rule("original", max_size=1000), CPU, [(20_000, 15_000)], limit_bytes=LIMIT)
    require_possible_size(by_rule("original"), CPU, limit_bytes=LIMIT)  # nothing is known yet
    with pytest.raises(SizeError, match=r"even a picture of 20000 × 10000 pixels .* in all; use max_size: 10000$"):
        require_possible_size(by_rule("original"), CPU, [(20_000, 15_000), (10_000, 20_000)], limit_bytes=LIMIT)


def test_megapixels_and_sheets_can_be_impossible_whatever_the_photos() -> None:
    with pytest.raises(SizeError, match=r"recipes\.vast\.size: even a picture of 30822 × 3082 pixels"):
        require_possible_size(by_rule("95 MP"), CPU, limit_bytes=LIMIT)
    require_possible_size(by_rule("10 MP"), CPU, limit_bytes=LIMIT)
    require_possible_size(by_rule("95 MP", max_size=3000), CPU, limit_bytes=LIMIT)


def test_the_cpu_has_the_memory_of_the_machine_and_a_gpu_its_own() -> None:
    assert memory_limit_bytes(CPU) == (machine_bytes() or math.inf)
    assert memory_limit_bytes(EngineSettings(device="auto")) >= memory_limit_bytes(CPU)
    assert memory_limit_bytes(EngineSettings(device="cuda")) > 0
