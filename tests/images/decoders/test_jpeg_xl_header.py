from collections.abc import Iterable
from typing import Any

import imagecodecs
import numpy as np
import pytest

from pipeline.images.decoders.jpeg_xl_header import CODESTREAM_START, Header, read_header

#: (value, bits): a picture of 64 × 48 (in eighths, 6 of them, ratio 4:3), and one of 700 × 300 in full.
SIZE = [(1, 1), (5, 5), (3, 3)]
LARGE = [(0, 1), (0, 2), (299, 9), (0, 3), (0, 2), (699 - 512, 9)]
DEFAULT, NO_EXTRA_FIELDS, EIGHT_BITS, NARROW = (1, 1), (0, 1), [(0, 1), (0, 2)], (1, 1)


def codestream(*fields: tuple[int, int]) -> bytes:
    value, used = 0, 0
    for number, bits in fields:
        value |= number << used
        used += bits
    return CODESTREAM_START + value.to_bytes(used // 8 + 1, "little")


def header(*fields: Any) -> Header:
    flat: list[tuple[int, int]] = []
    for field in fields:
        flat += field if isinstance(field, list) else [field]
    return read_header(codestream(*flat))


def test_a_size_is_a_height_and_a_ratio_or_two_sides() -> None:
    assert header(SIZE, DEFAULT) == Header((64, 48))
    two_sides = [(0, 1), (0, 2), (299, 9), (0, 3), (1, 2), (699, 13)]
    assert header(two_sides, DEFAULT).size == (700, 300)
    largest = [(0, 1), (3, 2), ((1 << 30) - 1, 30), (1, 3)]
    assert header(largest, DEFAULT).size == (1 << 30, 1 << 30)


def test_orientation_and_animation_are_told() -> None:
    found = header(
        *(SIZE, (0, 1), (1, 1), (5, 3)),  # orientation 6
        *([(1, 1), *SIZE], [(1, 1), (1, 1), (1, 2), (1, 3)]),  # shown at another size; a preview of 32 × 32
        *((1, 1), (0, 2), (0, 2), (0, 2), (0, 1)),  # an animation
        *(EIGHT_BITS, NARROW, (0, 2)),
    )
    assert found == Header((64, 48), orientation=6, is_animated=True)


@pytest.mark.parametrize(
    ("depth", "bits", "is_float"),
    [
        ([(0, 1), (2, 2)], 12, False),
        ([(0, 1), (3, 2), (13, 6)], 14, False),
        ([(1, 1), (1, 2), (4, 4)], 16, True),
        ([(1, 1), (0, 2), (7, 4)], 32, True),
    ],
)
def test_depth_is_told(depth: Iterable[tuple[int, int]], bits: int, is_float: bool) -> None:
    found = header(SIZE, (0, 1), NO_EXTRA_FIELDS, depth, NARROW, (0, 2))
    assert (found.bits, found.is_float) == (bits, is_float)


def test_alpha_by_which_colors_are_multiplied_is_told() -> None:
    start = [*SIZE, (0, 1), NO_EXTRA_FIELDS, *EIGHT_BITS, NARROW, (1, 2)]
    named = [(0, 1), (0, 2), *EIGHT_BITS, (0, 2), (1, 2), (1, 4), (ord("a"), 8)]
    assert header(start, named, (1, 1)).is_multiplied
    assert not header(start, named, (0, 1)).is_multiplied
    assert not header(start, (1, 1)).is_multiplied


@pytest.mark.parametrize("shape", [(48, 64, 3), (33, 1000), (2000, 7, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_header_is_read_as_libjxl_writes_it(shape: tuple[int, ...], dtype: Any) -> None:
    found = read_header(imagecodecs.jpegxl_encode(np.zeros(shape, dtype), usecontainer=False))
    assert found.size == (shape[1], shape[0])
    assert found.bits == 8 * np.dtype(dtype).itemsize
    assert found.is_float == (dtype is np.float32)


def test_the_codestream_is_found_in_boxes_whole_or_in_parts() -> None:
    start = b"\0\0\0\x0cJXL \r\n\x87\n"
    whole = codestream(*SIZE, DEFAULT)
    assert read_header(start + (8 + len(whole)).to_bytes(4, "big") + b"jxlc" + whole).size == (64, 48)
    parts = b"\0\0\0\x0fjxlp\0\0\0\0" + whole[:3] + bytes(4) + b"jxlp\x80\0\0\1" + whole[3:]
    assert read_header(start + parts).size == (64, 48)


@pytest.mark.parametrize(
    "data", [b"", CODESTREAM_START, b"\0\0\0\x0cJXL \r\n\x87\n", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\1Exif\0\0"]
)
def test_a_header_that_is_cut_short_is_called_that(data: bytes) -> None:
    with pytest.raises(EOFError):
        read_header(data)
