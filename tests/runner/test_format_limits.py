"""Which pictures are too large for a file of their format, and what is said of them."""

from __future__ import annotations

import pytest

from pipeline.errors import SizeError
from pipeline.model import Recipe, SizeRule
from pipeline.model.size_rules import typical_size
from pipeline.runner.format_limits import fits_format, require_writable_size, too_large_sentence


def by_rule(words: str, max_size: int = 0) -> Recipe:
    rule = SizeRule.parse(words)
    return Recipe(name="large", size=typical_size(rule, max_size), size_rule=rule, max_size=max_size)


def test_a_size_in_pixels_that_no_file_can_hold_is_refused() -> None:
    require_writable_size(Recipe(size=16383), "webp")
    require_writable_size(Recipe(size=65_500), "jpeg")
    require_writable_size(Recipe(size=65_500), "png")
    with pytest.raises(SizeError) as caught:
        require_writable_size(Recipe(name="large", size=20_000), "webp")
    assert str(caught.value) == (
        "recipes.large.size: a webp file holds at most 16,383 pixels a side, and a picture would have 20,000; use a "
        "size of 16383 or less, or output.format: jpeg"
    )


def test_a_rule_is_refused_for_what_usual_photos_come_to() -> None:
    require_writable_size(by_rule("a0 @ 300 dpi"), "webp")
    require_writable_size(by_rule("a0 @ 600 dpi", max_size=16_000), "webp")
    require_writable_size(by_rule("original"), "webp")
    with pytest.raises(SizeError, match=r"size \(a0 @ 600 dpi\): .* use max_size: 16383 or less, or .*: jpeg$"):
        require_writable_size(by_rule("a0 @ 600 dpi"), "webp")
    with pytest.raises(SizeError, match=r"output\.format: png$"):
        require_writable_size(by_rule("4000 MP"), "jpeg")


def test_of_photos_that_are_known_one_that_fits_is_enough() -> None:
    require_writable_size(by_rule("original"), "webp", [(20_000, 10), (200, 100)])
    with pytest.raises(SizeError, match="would have 20,000"):
        require_writable_size(by_rule("original"), "webp", [(20_000, 10), (10, 30_000)])


def test_pictures_that_are_too_large_are_counted() -> None:
    made = [by_rule("original").for_photo(*size) for size in ((20_000, 10), (200, 100), (17_000, 1))]
    assert [fits_format(each, "webp") for each in made] == [False, True, False]
    assert all(fits_format(each, "tiff") for each in made)
    assert too_large_sentence(1, "webp") == (
        "1 picture would be too large for webp, which holds 16,383 pixels a side, and would fail: set "
        "max_size: 16383, or another output.format"
    )
