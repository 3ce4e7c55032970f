from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images.masks import decode_mask, region_shares

WHITE, BLACK, GRAY = "#ffffff", "#000000", "#808080"
RED, BLUE = "#ff0000", "#0000ff"


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def shares(image: Image.Image, colors: list[str], size: tuple[int, int] | None = None, kind: str = "PNG") -> list:
    """Return how much each color has of each place of a mask that went through a file."""
    mask = decode_mask(saved(image, kind), max_pixels=10**6)
    return [share.tolist() for share in region_shares(mask, colors, size or mask.size)]


def gray_row(*values: int) -> Image.Image:
    return Image.fromarray(np.array([values], np.uint8))


def color_row(*colors: tuple[int, int, int]) -> Image.Image:
    return Image.fromarray(np.array([colors], np.uint8))


def indexed(rows: list[list[int]]) -> Image.Image:
    image = Image.fromarray(np.array(rows, np.uint8)).convert("P")
    image.putdata([index for row in rows for index in row])
    image.putpalette([255, 0, 0, 0, 0, 255, 9, 9, 9])
    return image


def test_gray_between_white_and_black_is_divided_in_proportion() -> None:
    white, black = shares(gray_row(0, 51, 128, 255), [WHITE, BLACK])
    assert white == [pytest.approx([0, 0.2, 128 / 255, 1])]
    assert black == [pytest.approx([1, 0.8, 127 / 255, 0])]


def test_on_a_gray_axis_with_three_regions_neighbors_are_mixed() -> None:
    white, black, gray = shares(gray_row(64, 128, 192), [WHITE, BLACK, GRAY])
    assert gray == [pytest.approx([0.5, 1, 63 / 127])]
    assert black == [pytest.approx([0.5, 0, 0])]
    assert white == [pytest.approx([0, 0, 64 / 127])]


def test_a_soft_edge_between_two_colors_touches_no_third_one() -> None:
    # Mid-gray is nearer to red than to black, but lies between white and black.
    white, black, red = shares(color_row((128, 128, 128), (127, 0, 0), (255, 127, 127)), [WHITE, BLACK, RED])
    assert red == [pytest.approx([0, 127 / 255, 128 / 255])]
    assert white == [pytest.approx([128 / 255, 0, 127 / 255])]
    assert np.add(white, black)[0] + np.array(red[0]) == pytest.approx([1, 1, 1])


def test_a_color_that_no_region_has_counts_to_the_nearest() -> None:
    red, blue = shares(color_row((250, 10, 0), (0, 40, 240)), [RED, BLUE])
    assert red == [pytest.approx([1, 0], abs=0.03)]
    assert blue == [pytest.approx([0, 1], abs=0.06)]


def test_indices_are_exact_whatever_their_colors_and_others_are_in_no_region() -> None:
    first, third = shares(indexed([[0, 1, 2, 2]]), ["0", "2"])
    assert (first, third) == ([[1, 0, 0, 0]], [[0, 0, 1, 1]])


def test_indices_are_averaged_as_areas_and_never_mixed() -> None:
    # Between 0 and 2 lies 1, which is nowhere.
    zero, one, two = shares(indexed([[0, 2], [2, 2]]), ["0", "1", "2"], (1, 1))
    assert (zero, one, two) == ([[0.25]], [[0]], [[0.75]])


def test_the_indices_of_a_gray_mask_are_its_values() -> None:
    assert shares(gray_row(0, 1, 255), ["1"]) == [[[0, 1, 0]]]


def test_an_indexed_mask_can_have_its_colors_named() -> None:
    red, blue = shares(indexed([[0, 1]]), [RED, BLUE])
    assert (red, blue) == ([[1, 0]], [[0, 1]])


def test_indices_are_refused_where_there_are_none() -> None:
    with pytest.raises(PhotoError, match=r"its colors have no indices.*save it as an indexed PNG"):
        shares(color_row((0, 0, 0)), ["0", "1"])


def test_a_larger_mask_is_averaged_and_a_smaller_one_gets_soft_edges() -> None:
    white, _ = shares(gray_row(255, 255, 0, 255), [WHITE, BLACK], (2, 1))
    assert white == [[1, 0.5]]
    grown = np.array(shares(gray_row(255, 0), [WHITE, BLACK], (8, 4))[0])
    assert (np.diff(grown, axis=1) <= 0).all()
    assert grown.min() == 0
    assert grown.max() == 1
    assert len(np.unique(grown)) > 3


def test_all_shares_of_a_place_are_one_together() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (37, 53, 3), np.uint8))
    together = np.sum(shares(noise, [WHITE, BLACK, RED, BLUE], (20, 14)), axis=0)
    assert together == pytest.approx(np.ones((14, 20)), abs=1e-6)


def test_a_mask_is_upright_and_what_is_transparent_is_black() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode_mask(saved(Image.new("L", (40, 30), 255), "JPEG", exif=exif), max_pixels=10**6)
    assert turned.size == (30, 40)
    painted = Image.new("RGBA", (2, 1), (255, 255, 255, 0))
    painted.putpixel((1, 0), (255, 255, 255, 255))
    assert shares(painted, [WHITE, BLACK])[0] == [[0, 1]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG"])
def test_every_kind_of_file_that_holds_a_mask_is_read(kind: str) -> None:
    halves = Image.new("L", (32, 16), 0)
    halves.paste(255, (16, 0, 32, 16))
    white, _ = shares(halves, [WHITE, BLACK], (2, 1), kind)
    assert white == [pytest.approx([0, 1], abs=0.01)]


def test_deep_and_two_colored_masks_are_read() -> None:
    deep = Image.fromarray(np.array([[0, 32896, 65535]], np.uint16))
    assert shares(deep, [WHITE, BLACK])[0] == [pytest.approx([0, 128 / 255, 1])]
    assert shares(gray_row(0, 255).convert("1"), [WHITE, BLACK])[0] == [[0, 1]]


def test_a_damaged_or_huge_mask_is_refused() -> None:
    data = saved(Image.effect_noise((64, 64), 50))
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decode_mask(data[:-2000], max_pixels=10**6)
    with pytest.raises(PhotoError, match="64 × 64 pixels, more than the allowed 4095"):
        decode_mask(data, max_pixels=4095)
    with pytest.raises(PhotoError):
        decode_mask(b"no picture at all", max_pixels=10**6)
