"""Every photo fits the network, and comes back in its own shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.engine.transfer.geometry import (
    averaged,
    averaged_to_network,
    from_network,
    network_geometry,
    resample,
    scaled,
    to_network,
    to_pixels,
    to_tensor,
)
from pipeline.model import Recipe, SizeRule


@pytest.mark.parametrize(
    ("shape", "inner", "outer"),
    [
        ((192, 256), (192, 256), (192, 256)),
        ((171, 256), (176, 256), (176, 256)),
        ((135, 256), (128, 256), (128, 256)),
        ((341, 512), (336, 512), (336, 512)),
        ((512, 441), (512, 448), (512, 448)),
        ((1000, 1000), (992, 992), (992, 992)),
        ((24, 400), (24, 400), (32, 400)),
        ((512, 1), (512, 1), (512, 32)),
        ((1, 1), (1, 1), (32, 32)),
        ((20, 31), (20, 31), (32, 32)),
        ((32, 39), (32, 32), (32, 32)),
        ((33, 41), (32, 48), (32, 48)),
    ],
)
def test_shapes_are_the_nearest_multiples_of_sixteen(
    shape: tuple[int, int], inner: tuple[int, int], outer: tuple[int, int]
) -> None:
    geometry = network_geometry(*shape)
    assert (geometry.inner, geometry.outer) == (inner, outer)


def anisotropy(shape: tuple[int, int]) -> float:
    outer = network_geometry(*shape).outer
    return abs((outer[0] / shape[0]) / (outer[1] / shape[1]) - 1)


@pytest.mark.parametrize("long", [256, 512, 1000, 1024, 3000])
def test_from_two_hundred_pixels_on_no_side_changes_by_more_than_four_percent(long: int) -> None:
    shapes = [(side, long) for side in range(200, long + 1)]
    assert max(map(anisotropy, shapes)) < 0.0418
    assert max(map(anisotropy, [(width, height) for height, width in shapes])) < 0.0418
    assert anisotropy((long, long)) == 0


@pytest.mark.parametrize(("long", "most"), [(256, 5), (512, 14), (1024, 14), (2048, 14)])
def test_photos_of_any_proportions_fall_into_few_shapes(long: int, most: int) -> None:
    assert len({network_geometry(side, long).outer for side in range(long // 2, long + 1) if side >= 200}) <= most


@pytest.mark.parametrize(("size", "most"), [("12 MP", 50), ("a3 @ 300 dpi", 50), ("original", 250)])
def test_photos_that_decide_their_picture_s_size_fall_into_few_shapes_and_sizes(size: str, most: int) -> None:
    recipe = Recipe(size_rule=SizeRule.parse(size))
    shapes, sizes = set(), set()
    for width in range(4000, 6000, 10):
        for height in range(3000, 4000, 50):
            concrete = recipe.for_photo(width, height)
            sizes.update(concrete.sizes())
            shapes.add(network_geometry(*scaled((height, width), concrete.sizes()[-1])).outer)
    assert len(shapes) <= most
    assert len(sizes) <= 110


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (10, 20), (31, 32), (33, 95)])
def test_a_flat_picture_survives_the_way_to_the_network_and_back(shape: tuple[int, int]) -> None:
    picture = torch.full((1, 3, *shape), 0.3)
    geometry = network_geometry(*shape)
    there = to_network(picture, geometry)
    assert there.shape == (1, 3, *geometry.outer)
    back = from_network(there, geometry, shape)
    torch.testing.assert_close(back, picture)


def test_a_small_picture_is_mirrored_and_comes_back_unchanged() -> None:
    picture = torch.rand(1, 3, 20, 25, generator=torch.Generator().manual_seed(0))
    geometry = network_geometry(20, 25)
    there = to_network(picture, geometry)
    assert torch.equal(there[0, :, 5, 3], picture[0, :, 1, 0])
    assert torch.equal(from_network(there, geometry, (20, 25)), picture)


def test_smooth_pictures_survive_resampling() -> None:
    wave = torch.sin(torch.linspace(0, 6, 171)).view(1, 1, 171, 1).expand(1, 3, 171, 40) / 2 + 0.5
    back = resample(resample(wave, (176, 48)), (171, 40))
    assert float((back - wave).abs().max()) < 0.01


def test_shrinking_averages_and_does_not_pick() -> None:
    stripes = torch.tensor([0.0, 1.0]).repeat(64).view(1, 1, 1, 128).expand(1, 3, 16, 128)
    shrunk = resample(stripes, (16, 20))
    assert float((shrunk[..., 3:-3] - 0.5).abs().max()) < 0.02


def test_maps_are_averaged_over_the_area_of_each_value() -> None:
    assert averaged(torch.tensor([1.0, 0, 0, 1, 1, 1]).view(1, 1, 1, 6), (1, 4)).flatten().tolist() == pytest.approx(
        [2 / 3, 0, 1, 1]
    )
    assert averaged(torch.tensor([1.0, 0]).view(1, 1, 1, 2), (1, 3)).flatten().tolist() == pytest.approx([1, 0.5, 0])


@pytest.mark.parametrize("shape", [(5, 48), (40, 48), (300, 171)])
def test_maps_that_make_up_a_whole_still_do_at_the_network(shape: tuple[int, int]) -> None:
    share = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(0))
    geometry = network_geometry(*shape)
    there = averaged_to_network(torch.cat([share, 1 - share], 1), geometry)
    assert there.shape == (1, 2, *geometry.outer)
    torch.testing.assert_close(there.sum(1), torch.ones(1, *geometry.outer))


@pytest.mark.parametrize(
    ("shape", "long_side", "expected"),
    [((300, 400), 200, (150, 200)), ((512, 1), 128, (128, 1)), ((1, 1), 64, (64, 64))],
)
def test_scaling_keeps_proportions_and_at_least_one_pixel(
    shape: tuple[int, int], long_side: int, expected: tuple[int, int]
) -> None:
    assert scaled(shape, long_side) == expected


def test_pixels_become_a_tensor_and_come_back() -> None:
    pixels = np.array([[[0, 51, 255], [102, 153, 204]]], dtype=np.uint8)
    picture = to_tensor(pixels)
    assert picture.shape == (1, 3, 1, 2)
    assert picture[0, :, 0, 0].tolist() == pytest.approx([0, 0.2, 1])
    assert np.array_equal(np.rint(to_pixels(picture) * 255).astype(np.uint8), pixels)


def test_pictures_are_confined_to_what_a_file_can_hold() -> None:
    pixels = to_pixels(torch.tensor([-0.5, 0.5, 1.5]).view(1, 3, 1, 1))
    assert pixels.dtype == np.float32
    assert pixels.tolist() == [[[0, 0.5, 1]]]
