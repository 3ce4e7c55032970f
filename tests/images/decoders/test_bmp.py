import struct

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images.decode import eight_bits, read_metadata
from pipeline.images.metadata import Metadata
from tests.images.pictures import CORNERS, assert_color, corners_of, decoded, file_of, four_corners

RGB = four_corners(8)
HEIGHT, WIDTH = RGB.shape[:2]


def bit_fields_bmp(
    bits: int, masks: tuple[int, ...], *, bottom_up: bool = True, compression: int = 3, header_bytes: int = 40
) -> bytes:
    """Return a BMP with the corners' colors in the given bits, opaque."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint64)
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for mask, channel in zip(masks, [*np.moveaxis(RGB, -1, 0), alpha], strict=False):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            level = np.rint(channel / 255 * (mask >> shift)).astype(np.uint64)
            pixels |= level << np.uint64(shift)
    rows = pixels.astype(f"<u{bits // 8}")
    stored = (rows[::-1] if bottom_up else rows).tobytes()
    written = struct.pack(f"<{len(masks)}I", *masks)
    extra = max(0, header_bytes - 40 - len(written))
    at = 54 + len(written) + extra
    header = struct.pack(
        "<IiiHHIIiiII", header_bytes, WIDTH, HEIGHT if bottom_up else -HEIGHT, 1, bits, compression, 0, 0, 0, 0, 0
    )
    return b"BM" + struct.pack("<IHHI", at + len(stored), 0, 0, at) + header + written + bytes(extra) + stored


@pytest.mark.parametrize("bottom_up", [True, False])
@pytest.mark.parametrize(
    ("bits", "masks", "tolerance"),
    [
        (16, (0x0F00, 0x00F0, 0x000F), 9),
        (16, (0x00C0, 0x0038, 0x0007), 43),
        (32, (0x3FF00000, 0x000FFC00, 0x000003FF), 1),
        (32, (0xFF800000, 0x00780000, 0x00078000), 9),
    ],
)
def test_fields_of_any_layout(bits: int, masks: tuple[int, ...], tolerance: int, bottom_up: bool) -> None:
    photo = decoded(bit_fields_bmp(bits, masks, bottom_up=bottom_up), WIDTH)
    assert_color(corners_of(eight_bits(photo.pixels)), CORNERS, tolerance)
    assert photo.alpha is None


def test_ten_bits_are_read_at_full_depth() -> None:
    assert decoded(bit_fields_bmp(32, (0x3FF00000, 0x000FFC00, 0x000003FF)), WIDTH).pixels.dtype == np.float32


@pytest.mark.parametrize(("compression", "header_bytes"), [(3, 56), (3, 108), (6, 40)])
def test_a_field_of_alpha(compression: int, header_bytes: int) -> None:
    masks = (0x0F00, 0x00F0, 0x000F, 0xF000)
    data = bytearray(bit_fields_bmp(16, masks, compression=compression, header_bytes=header_bytes))
    data[-WIDTH * 2 + 1] &= 0x0F  # the upper left pixel, whose row is stored last
    photo = decoded(bytes(data), WIDTH)
    assert photo.alpha is not None
    assert photo.alpha[0, :2].tolist() == [0, 255]


@pytest.mark.parametrize("bits", [(0x7C00, 0x03E0, 0x001F, 0x8000), (0xFF0000, 0xFF00, 0xFF, 0xFF000000)])
@pytest.mark.parametrize("header_bytes", [56, 108, 124])
def test_alpha_beside_the_fields_that_pillow_knows(bits: tuple[int, ...], header_bytes: int) -> None:
    size = 2 if bits[3] == 0x8000 else 4
    data = bytearray(bit_fields_bmp(8 * size, bits, header_bytes=header_bytes))
    data[-WIDTH * size + size - 1] &= bits[0] >> 8 * size - 8  # the upper left pixel, without its alpha
    photo = decoded(bytes(data), WIDTH)
    assert photo.alpha is not None
    assert photo.alpha[0, :2].tolist() == [0, 255]


def test_an_alpha_field_that_is_never_filled_in_hides_nothing() -> None:
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = bytearray(bit_fields_bmp(32, masks, header_bytes=108))
    data[-HEIGHT * WIDTH * 4 + 3 :: 4] = bytes(HEIGHT * WIDTH)
    photo = decoded(bytes(data), WIDTH)
    assert photo.alpha is None
    assert_color(corners_of(photo.pixels), CORNERS)


@pytest.mark.parametrize(("picture_format", "compression"), [("JPEG", 4), ("PNG", 5)])
def test_an_embedded_file(picture_format: str, compression: int) -> None:
    inside = file_of(Image.fromarray(four_corners()), picture_format)
    header = struct.pack("<IiiHHIIiiII", 40, 64, 32, 1, 0, compression, len(inside), 0, 0, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 54 + len(inside), 0, 0, 54) + header + inside
    assert_color(corners_of(decoded(data, 64).pixels), CORNERS, 12)


def test_a_bmp_that_claims_to_hold_itself_is_refused_in_true_words() -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 0, 5, 0, 0, 0, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 100, 0, 0, 0) + header + bytes(60)
    with pytest.raises(PhotoError, match="a BMP of a kind that can't be read, or damaged"):
        decoded(data)


def test_bit_fields_that_are_cut_short_are_refused() -> None:
    with pytest.raises(PhotoError, match="cut short"):
        decoded(bit_fields_bmp(16, (0x0F00, 0x00F0, 0x000F))[:-1])


def test_what_neither_pillow_nor_this_reads_is_refused() -> None:
    data = bytearray(file_of(Image.fromarray(RGB), "BMP"))
    data[30] = 99
    with pytest.raises(
        PhotoError, match=r"a BMP of a kind that can't be read, or damaged .* \(99\)\): save it as PNG"
    ):
        decoded(bytes(data))


@pytest.mark.parametrize(
    ("header_bytes", "bits", "compression", "kind"),
    [(40, 2, 0, "2 bits a pixel"), (64, 24, 4, "OS/2 with RLE24"), (64, 1, 3, "OS/2 with Huffman")],
)
def test_rare_kinds_are_named(header_bytes: int, bits: int, compression: int, kind: str) -> None:
    header = struct.pack("<IiiHHIIiiII", header_bytes, 8, 8, 1, bits, compression, 64, 0, 0, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 500, 0, 0, 100) + header + bytes(400)
    with pytest.raises(PhotoError, match=f"the file is a BMP of {kind}.*, which can't be read: save it as PNG"):
        decoded(data)


def test_a_bmp_has_no_metadata_but_how_many_pixels_make_an_inch() -> None:
    data = bytearray(bit_fields_bmp(16, (0x0F00, 0x00F0, 0x000F)))
    assert read_metadata(bytes(data)) == Metadata()
    data[38:46] = struct.pack("<ii", 11811, 5906)
    assert read_metadata(bytes(data)) == Metadata(density=(300, 150))
