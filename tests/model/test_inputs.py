from __future__ import annotations

import pytest

from pipeline.model import Recipe, Region, Style


@pytest.mark.parametrize(
    ("recipe", "sizes"),
    [
        (Recipe(size=512), (128, 256, 512)),
        (Recipe(size=200), (200,)),
        (Recipe(size=500, scales=3), (125, 250, 500)),
        (Recipe(size=3, scales=4), (1, 1, 2, 3)),
        (Recipe(size=300, scales=(100, 300)), (100, 300)),
    ],
)
def test_sizes_grow_to_the_recipes_size(recipe: Recipe, sizes: tuple[int, ...]) -> None:
    assert recipe.sizes() == sizes


def test_iterations_are_one_number_for_all_scales_or_one_each() -> None:
    assert Recipe(size=512, iterations=7).iterations_by_scale() == (7, 7, 7)
    assert Recipe(size=512, iterations=(3, 2, 1)).iterations_by_scale() == (3, 2, 1)


def test_a_style_with_regions_gives_each_of_them_the_scale_of_its_style() -> None:
    night, wave = Style("night", (), 1.0), Style("wave", (), 3.0)
    both = Style("both", (), 1.0, (Region("#ffffff", night), Region("#000000", wave), Region("#ff0000", None)))
    scaled = both.with_scales({"night": 0.5, "wave": 2.0})
    assert [style.scale for style in scaled.painted()] == [0.5, 2.0]
    assert (scaled.scale, scaled.regions[2]) == (0.5, both.regions[2])
    assert night.with_scales({"night": 2.0}) == Style("night", (), 2.0)
