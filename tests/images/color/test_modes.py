import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.images.color.modes import to_eight_bits
from pipeline.images.decode import decode_image, eight_bits
from tests.images.pictures import assert_color, decoded, file_of, flat
from tests.images.profiles import black_cyan_cmyk

RAMP = np.array([[0, 64, 128, 255]], dtype=np.uint8).repeat(2, axis=0)


def gray(picture: Any) -> list[int]:
    """The first row of a decoded gray picture of the ramp's shape; one that a caller has opened gives the same."""
    with Image.open(io.BytesIO(picture)) as image:
        photos = decoded(picture, 4), decode_image(image, long_side=4)
    rows = [eight_bits(photo.pixels)[0] for photo in photos]
    assert all((row == row[:, :1]).all() for row in rows)
    assert (rows[0] == rows[1]).all()
    return [int(value) for value in rows[0][:, 0]]


def tiff_of(values: Any, kind: int, bits: int, photometric: int = 1, order: str = "<") -> bytes:
    """A single-strip TIFF of numbers Pillow would not write; ``kind``: 1 unsigned, 2 signed, 3 float."""
    height, width = values.shape
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, height)]
    tags += [(279, values.nbytes), *([(339, kind)] if kind != 1 else [])]  # unsigned is what no tag means
    pixels = values.tobytes()
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8 + len(pixels))
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags)
    return head + pixels + struct.pack(order + "H", len(tags)) + entries + bytes(4)


def test_gray_stays_gray() -> None:
    assert gray(file_of(Image.fromarray(RAMP), "PNG")) == [0, 64, 128, 255]


def test_one_bit_is_black_and_white() -> None:
    assert gray(file_of(Image.fromarray(RAMP).point(lambda v: v > 100, "1"), "PNG")) == [0, 0, 255, 255]


def test_one_bit_with_a_transparent_color() -> None:
    photo = decoded(file_of(Image.fromarray(RAMP).point(lambda v: v > 100, "1"), "PNG", transparency=0), 4)
    assert photo.alpha is not None
    assert photo.alpha[0].tolist() == [0, 0, 255, 255]


def test_palette() -> None:
    assert_color(decoded(file_of(flat("RGB", (10, 200, 30)).quantize(4), "PNG")).pixels, (10, 200, 30))


@pytest.mark.parametrize("transparency", [1, bytes([255, 0]), bytes([255, 128])])
def test_palette_with_transparency(transparency: int | bytes) -> None:
    image = Image.new("P", (4, 2), 0)
    image.putpalette([10, 20, 30, 200, 100, 0])
    image.paste(1, (2, 0, 4, 2))
    photo = decoded(file_of(image, "PNG", transparency=transparency), 4)
    opacity = transparency[1] if isinstance(transparency, bytes) else 0
    assert photo.alpha is not None
    assert photo.alpha[0, 0] == 255
    assert abs(int(photo.alpha[0, 3]) - opacity) <= 1
    assert_color(photo.pixels[0, 0], (10, 20, 30), 1)
    assert_color(photo.pixels[0, 3], 255 - (255 - np.array((200, 100, 0))) * opacity / 255, 2)


def test_transparent_gif() -> None:
    image = Image.new("P", (4, 2), 0)
    image.putpalette([10, 20, 30, 200, 100, 0])
    photo = decoded(file_of(image, "GIF", transparency=0), 4)
    assert photo.alpha is not None
    assert_color(photo.alpha, 0)
    assert_color(photo.pixels, 255)


@pytest.mark.parametrize(("mode", "color"), [("L", 80), ("RGB", (80, 90, 100))])
def test_a_single_transparent_color(mode: str, color: Any) -> None:
    photo = decoded(file_of(flat(mode, color), "PNG", transparency=color))
    assert photo.alpha is not None
    assert_color(photo.alpha, 0)


def test_gray_with_alpha() -> None:
    photo = decoded(file_of(flat("LA", (100, 128)), "PNG"))
    assert photo.alpha is not None
    assert_color(photo.alpha, 128)
    assert_color(photo.pixels, 177, 1)


@pytest.mark.parametrize(("mode", "multiplied"), [("LA", "La"), ("RGBA", "RGBa")])
def test_multiplied_alpha_is_divided_out(mode: str, multiplied: str) -> None:
    color = (100, 128) if mode == "LA" else (100, 50, 0, 128)
    image = to_eight_bits(flat(mode, color).convert(multiplied))
    assert image.mode == mode
    assert_color(np.asarray(image), color, 1)


def test_palette_with_alpha_channel() -> None:
    image = flat("P", 0)
    image.putpalette([200, 100, 0])
    image = image.convert("PA")
    image.putalpha(128)
    photo = decoded(file_of(image, "TIFF"))
    assert photo.alpha is not None
    assert_color(photo.alpha, 128)
    assert_color(photo.pixels, (227, 177, 127), 1)


@pytest.mark.parametrize("picture_format", ["PNG", "TIFF"])
def test_16_bit_gray_is_scaled(picture_format: str) -> None:
    assert gray(file_of(Image.fromarray(RAMP.astype(np.uint16) * 257), picture_format)) == [0, 64, 128, 255]


def test_16_bit_gray_with_a_transparent_value() -> None:
    file = file_of(Image.fromarray(RAMP.astype(np.uint16) * 257), "PNG", transparency=64 * 257)
    photo = decoded(file, 4)
    assert photo.alpha is not None
    assert photo.alpha[0].tolist() == [1, 0, 1, 1]
    assert eight_bits(photo.pixels)[0, :, 0].tolist() == [0, 255, 128, 255]
    with Image.open(io.BytesIO(file)) as image:
        opened_by_caller = decode_image(image, long_side=4)
    assert opened_by_caller.alpha is not None
    assert opened_by_caller.alpha[0].tolist() == [255, 0, 255, 255]
    assert opened_by_caller.pixels[0, :, 0].tolist() == [0, 255, 128, 255]


def test_big_endian_16_bit_gray() -> None:
    values = (RAMP.astype(np.uint16) * 257).astype(">u2")
    assert gray(tiff_of(values, kind=1, bits=16, order=">")) == [0, 64, 128, 255]


def test_16_bit_gray_whose_zero_is_white() -> None:
    values = RAMP.astype(np.uint16) * 257
    assert gray(tiff_of(values, kind=1, bits=16, photometric=0)) == [255, 191, 127, 0]


def test_signed_16_bit_gray_reaches_from_zero_up() -> None:
    values = np.array([[-9, 0, 16384, 32767]] * 2, dtype=np.int16)
    assert gray(tiff_of(values, kind=2, bits=16)) == [0, 0, 128, 255]


@pytest.mark.parametrize("factor", [257, 1 << 24])
def test_32_bit_gray_is_scaled_to_16_bits_or_to_its_largest_value(factor: int) -> None:
    values = RAMP.astype(np.uint32) * np.uint32(factor)
    assert gray(tiff_of(values, kind=1, bits=32)) == [0, 64, 128, 255]


def test_float_gray_is_black_at_0_and_white_at_1() -> None:
    values = (RAMP / 255).astype(np.float32)
    assert gray(file_of(Image.fromarray(values), "TIFF")) == [0, 64, 128, 255]


def test_float_gray_above_1_is_scaled_down_and_not_a_number_is_black() -> None:
    values = np.array([[np.nan, -5, 100, 200]] * 2, dtype=np.float32)
    assert gray(file_of(Image.fromarray(values), "TIFF")) == [0, 0, 128, 255]


def test_16_bit_rgb_keeps_all_of_its_bits() -> None:
    row = np.array([[200 * 256, 100 * 256, 50 * 256]], dtype="<u2").tobytes()
    tags = [(256, 4, 1), (257, 4, 1), (258, 3, 3), (259, 3, 1), (262, 3, 2), (273, 4, 8), (277, 3, 3), (278, 4, 1)]
    tags.append((279, 4, 6))
    pixels = row + struct.pack("<HHH", 16, 16, 16)
    entries = b"".join(
        struct.pack("<HHII", tag, kind, 3 if tag == 258 else 1, 14 if tag == 258 else value)
        for tag, kind, value in tags
    )
    data = b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)
    assert np.allclose(decoded(data).pixels[0, 0] * 65535, (200 * 256, 100 * 256, 50 * 256), atol=0.01)


def test_ycbcr_tiff() -> None:
    assert_color(
        decoded(file_of(flat("RGB", (200, 100, 50)).convert("YCbCr"), "TIFF", compression="tiff_lzw")).pixels,
        (200, 100, 50),
        2,
    )


def test_lab_tiff() -> None:
    lab = ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(
        flat("RGB", (200, 100, 50)), ImageCms.createProfile("sRGB"), lab, outputMode="LAB"
    )
    assert_color(eight_bits(decoded(file_of(image, "TIFF")).pixels), (200, 100, 50), 3)


# --- CMYK: (C, M, Y, K) = (204, 51, 0, 51) is (41, 163, 204) in light ---------------------------------------

INKS, LIGHT = (204, 51, 0, 51), (41, 163, 204)


def adobe_segment(data: bytes) -> int:
    return data.index(b"\xff\xee\x00\x0eAdobe")


def test_cmyk_tiff() -> None:
    assert_color(decoded(file_of(flat("CMYK", INKS), "TIFF")).pixels, LIGHT, 1)


def test_adobe_cmyk_jpeg_holds_inverted_inks() -> None:
    data = file_of(flat("CMYK", INKS), "JPEG", quality=98)
    assert adobe_segment(data) > 0
    assert_color(decoded(data).pixels, LIGHT, 3)


def test_cmyk_jpeg_without_adobes_marker_holds_plain_inks() -> None:
    inverted = file_of(flat("CMYK", tuple(255 - ink for ink in INKS)), "JPEG", quality=98)
    at = adobe_segment(inverted)
    assert_color(decoded(inverted[:at] + inverted[at + 16 :]).pixels, LIGHT, 3)


def test_ycck_jpeg() -> None:
    # YCCK is YCbCr of R = 1 - C and so on. With Adobe's inverted C that R is the ink itself.
    luma = Image.new("RGB", (1, 1), INKS[:3]).convert("YCbCr").getpixel((0, 0))
    assert isinstance(luma, tuple)
    # Pillow stores 255 minus what it is given and writes no YCCK; Adobe's marker tells the two apart.
    data = bytearray(file_of(flat("CMYK", (*(int(255 - value) for value in luma), INKS[3])), "JPEG", quality=98))
    data[adobe_segment(bytes(data)) + 15] = 2
    assert_color(decoded(bytes(data)).pixels, LIGHT, 4)


def test_cmyk_with_a_profile_is_converted_by_it() -> None:
    cyan = decoded(file_of(flat("CMYK", (255, 0, 0, 0)), "TIFF", icc_profile=black_cyan_cmyk()))
    assert_color(cyan.pixels, 0, 2)
    magenta = decoded(file_of(flat("CMYK", (0, 255, 0, 0)), "JPEG", icc_profile=black_cyan_cmyk(), quality=98))
    assert_color(magenta.pixels, 255, 3)
    assert magenta.notes == ()
