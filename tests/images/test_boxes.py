import pytest

from pipeline.images.boxes import boxes_of, is_iso_media
from tests.images.color.files import box
from tests.images.pictures import file_of, flat

SMALL, LARGE = box(b"free", b"ab"), b"\0\0\0\1mdat" + (18).to_bytes(8, "big") + b"cd"


def contents(data: bytes, *, cut_short: bool = False) -> list[tuple[bytes, bytes]]:
    return [(name, bytes(content)) for name, content in boxes_of(memoryview(data), cut_short=cut_short)]


def test_sizes_of_32_and_64_bits_and_to_the_end() -> None:
    assert contents(SMALL + LARGE + b"\0\0\0\0last" + b"ef") == [(b"free", b"ab"), (b"mdat", b"cd"), (b"last", b"ef")]


def test_a_box_without_its_end_is_left_out_or_cut() -> None:
    assert contents(SMALL + LARGE[:-1]) == [(b"free", b"ab")]
    assert contents(SMALL + LARGE[:-1], cut_short=True) == [(b"free", b"ab"), (b"mdat", b"c")]


@pytest.mark.parametrize(
    "end", [b"\0\0\0\7fake", b"\0\0\0\1mdat\0\0\0", b"\0\0\0\1mdat" + bytes(7) + b"\x0f\0", b"\0\0\0"]
)
@pytest.mark.parametrize("cut_short", [True, False])
def test_what_can_not_be_a_box_is_the_end(end: bytes, cut_short: bool) -> None:
    assert contents(SMALL + end, cut_short=cut_short) == [(b"free", b"ab")]


def test_iso_media_is_known_by_its_first_box() -> None:
    assert is_iso_media(file_of(flat("RGB", 0), "AVIF"))
    assert not is_iso_media(file_of(flat("RGB", 0), "PNG"))
