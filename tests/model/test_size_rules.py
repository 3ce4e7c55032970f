"""Sizes in words: what they mean for photos, turned either way, and which sizes the network works at."""

from __future__ import annotations

import pytest

from pipeline.model import Recipe, SizeRule
from pipeline.model.size_rules import halved_sizes, network_size, sizes_for, typical_size


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("12 MP", "12 MP"),
        ("12mp", "12 MP"),
        (" 1.50  Mp ", "1.5 MP"),
        ("Original", "original"),
        ("A4@300DPI", "a4 @ 300 dpi"),
        ("Letter @ 72 dpi", "letter @ 72 dpi"),
        ("30x40cm@300dpi", "30x40 cm @ 300 dpi"),
        ("40 × 30 cm @ 300 dpi", "30x40 cm @ 300 dpi"),
        ("8.5 X 11 in @ 300 dpi", "8.5x11 in @ 300 dpi"),
        ("100x150 mm @ 254 dpi", "100x150 mm @ 254 dpi"),
    ],
)
def test_a_rule_is_written_in_any_case_and_spacing_and_has_one_form(written: str, words: str) -> None:
    rule = SizeRule.parse(written)
    assert str(rule) == rule.words == words
    assert SizeRule.parse(words) == rule


@pytest.mark.parametrize("written", ["", "12", "12 MPx", "a7 @ 300 dpi", "a4", "30x40 @ 300 dpi", "original!"])
def test_anything_else_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="must be pixels of the long side"):
        SizeRule.parse(written)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("0 MP", "must be from 0.001 MP to 4000 MP"),
        ("4001 MP", "must be from 0.001 MP to 4000 MP"),
        ("a4 @ 0 dpi", "must have from 1 dpi to 65535 dpi"),
        ("a6 @ 70000 dpi", "must have from 1 dpi to 65535 dpi"),
        ("a4 @ 1 dpi", "must be from 16 to 65,500 pixels a side; this is 8 × 12 pixels"),
        ("a0 @ 1400 dpi", "must be from 16 to 65,500 pixels a side; this is 46,354 × 65,535 pixels"),
    ],
)
def test_what_is_out_of_bounds_is_told(written: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SizeRule.parse(written)


@pytest.mark.parametrize(
    ("written", "photo", "long_side"),
    [
        ("12 MP", (6000, 4000), 4243),
        ("12 MP", (3000, 4000), 4000),
        ("12 MP", (60, 60), 3464),
        ("0.001 MP", (60, 60), 32),
        ("original", (4032, 3024), 4032),
        ("original", (96, 64), 96),
        ("a4 @ 300 dpi", (3000, 2000), 3508),  # the long side of the sheet is full
        ("a4 @ 300 dpi", (400, 300), 3307),  # the short one
        ("a4 @ 300 dpi", (300, 400), 3307),
        ("a4 @ 300 dpi", (50, 50), 2480),
        ("30x40 cm @ 300 dpi", (4000, 3000), 4724),
        ("10x10 in @ 10 dpi", (1, 1000), 100),
    ],
)
def test_the_long_side_follows_from_the_photo(written: str, photo: tuple[int, int], long_side: int) -> None:
    assert SizeRule.parse(written).long_side(*photo) == long_side


def test_pictures_have_the_megapixels_and_stay_on_the_sheet() -> None:
    for width in range(300, 700):
        long = SizeRule.parse("2 MP").long_side(width, 450)
        short = round(long * min(width, 450) / max(width, 450))
        assert abs(long * short - 2e6) < 2500
        long = SizeRule.parse("a5 @ 100 dpi").long_side(width, 450)
        short = round(long * min(width, 450) / max(width, 450))
        assert long <= 827
        assert short <= 583
        assert long == 827 or short == 583


def test_only_the_photos_own_size_never_enlarges() -> None:
    assert [SizeRule.parse(each).enlarges for each in ("original", "12 MP", "a4 @ 300 dpi")] == [False, True, True]


def test_a_quarter_of_the_pixels_is_a_rule_of_the_same_kind() -> None:
    assert str(SizeRule.parse("12 MP").quarter()) == "3 MP"
    assert str(SizeRule.parse("30x40 cm @ 301 dpi").quarter()) == "30x40 cm @ 150 dpi"
    assert SizeRule.parse("original").quarter() is None
    assert SizeRule.parse("1x1 in @ 20 dpi").quarter() is None


def test_the_network_works_at_few_sizes_and_close_to_the_pictures() -> None:
    for size in range(200, 20_000):
        assert abs(network_size(size) - size) <= max(8, size / 64 + 1)
    assert len({network_size(size) for size in range(1024, 16_384)}) < 140
    assert [network_size(size) for size in (10, 31, 32, 39, 1000, 4243)] == [10, 31, 32, 32, 992, 4224]


def test_halved_sizes_are_as_before_unless_there_is_a_smallest_one() -> None:
    assert halved_sizes(512, 0) == (128, 256, 512)
    assert halved_sizes(64, 4) == (8, 16, 32, 64)
    assert halved_sizes(64, 9, smallest=16) == (16, 32, 64)
    assert halved_sizes(10, 3, smallest=16) == (10,)


def test_sizes_that_a_picture_has_no_room_for_are_left_out_with_their_iterations() -> None:
    assert sizes_for(2000, 3, (9, 8, 7)) == ((496, 992, 1984), (9, 8, 7))
    assert sizes_for(40, 3, (9, 8, 7)) == ((16, 32), (8, 7)) == sizes_for(32, 3, (9, 8, 7))
    assert sizes_for(2000, (100, 500, 1984), (9, 8, 7, 6)) == ((100, 500, 1984), (9, 8, 6))
    assert sizes_for(300, (100, 500), (9, 8, 7)) == ((100, 304), (9, 7))
    assert sizes_for(300, (100, 500), 5) == ((100, 304), 5)


def test_a_recipe_becomes_that_of_one_photo() -> None:
    rule = SizeRule.parse("original")
    recipe = Recipe(size=typical_size(rule, 3000), size_rule=rule, max_size=3000)
    assert recipe.size == 3000
    concrete = recipe.for_photo(1000, 2000)
    assert (concrete.size, concrete.size_rule, concrete.max_size) == (2000, None, 0)
    assert concrete.sizes() == (248, 496, 992, 1984)
    assert concrete.for_photo(5, 5) is concrete
    assert recipe.for_photo(9000, 10).size == 3000


def test_a_recipe_that_no_photo_was_looked_at_for_has_the_sizes_of_a_typical_one() -> None:
    rule = SizeRule.parse("original")
    recipe = Recipe(size=typical_size(rule, 0), size_rule=rule, scales=(500,), iterations=(20, 10))
    assert recipe.sizes() == recipe.for_typical_photo().sizes() == (500, 3968)
    assert recipe.iterations_by_scale() == (20, 10)
