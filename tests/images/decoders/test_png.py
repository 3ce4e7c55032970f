import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from pipeline.errors import PhotoError
from pipeline.images.png_file import SIGNATURE
from tests.images.pictures import CORNERS, assert_color, corners_of, decoded, file_of, flat, four_corners

RGB = file_of(Image.fromarray(four_corners()), "PNG")
FINE = (np.arange(64 * 32 * 3, dtype=np.uint16).reshape(32, 64, 3) * 7) + 1000


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(png: bytes, added: bytes) -> bytes:
    """Return the file with a chunk right before its pixels."""
    at = png.index(b"IDAT") - 4
    return png[:at] + added + png[at:]


def gray_png(values: Any, depth: int, key: int) -> bytes:
    """Return a gray PNG of less than 8 bits with a transparent value, which Pillow does not write."""
    values = np.asarray(values, np.uint8)
    rows = [b"\0" + imagecodecs.packints_encode(row, depth) for row in values]
    height, width = values.shape
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"tRNS", struct.pack(">H", key)), (b"IDAT", zlib.compress(b"".join(rows)))]
    return SIGNATURE + b"".join(chunk(kind, content) for kind, content in [*parts, (b"IEND", b"")])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_are_read_at_full_depth(channels: int) -> None:
    values = np.dstack([FINE, np.full(FINE.shape[:2], 65535, np.uint16)])
    if channels < 3:
        values = values[..., [0, 3]]
    stored = values[..., :channels]
    photo = decoded(imagecodecs.png_encode(np.ascontiguousarray(stored[..., 0] if channels == 1 else stored)), 64)
    assert photo.pixels.dtype == np.float32
    assert photo.alpha is None
    assert np.abs(photo.pixels * 65535 - values[..., : 3 if channels > 2 else 1]).max() < 0.05


def test_16_bit_alpha_is_as_deep() -> None:
    values = np.dstack([FINE, np.full(FINE.shape[:2], 32769, np.uint16)])
    photo = decoded(imagecodecs.png_encode(values), 64)
    assert photo.alpha is not None
    assert np.abs(photo.alpha * 65535 - 32769).max() < 0.05


def test_the_transparent_color_of_16_bit_rgb() -> None:
    values = np.full((8, 8, 3), 40000, np.uint16)
    values[:, :4] = (1000, 2000, 3000)
    photo = decoded(with_chunk(imagecodecs.png_encode(values), chunk(b"tRNS", struct.pack(">HHH", 1000, 2000, 3000))))
    assert photo.alpha is not None
    assert photo.alpha[0, [0, 7]].tolist() == [0, 1]
    assert photo.pixels[0, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_the_transparent_value_of_gray_with_few_bits(depth: int) -> None:
    photo = decoded(gray_png([[1] * 4 + [0] * 4] * 8, depth, key=1))
    assert photo.alpha is not None
    assert photo.alpha[0, [0, 7]].tolist() == [0, 255]
    assert photo.pixels[0, [0, 7], 0].tolist() == [255, 0]


def test_interlaced_16_bits_are_read_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    # Pillow writes no interlaced files: these are the widths and heights of Adam7's passes over 8 × 8 pixels.
    passes = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
    color = struct.pack(">HHH", 65535, 32768, 0)
    pixels = zlib.compress(b"".join((b"\0" + color * width) * height for width, height in passes))
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 1)
    data = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    photo = decoded(data)
    assert np.allclose(photo.pixels, (1, 32768 / 65535, 0))
    assert photo.notes == ()
    assert caplog.messages == []  # without a handler they would become notes


LARGE = b"x\0\0" + zlib.compress(bytes(3_000_000))


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", LARGE),
        chunk(b"iTXt", b"x\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"iTXt", b"x\0\0\0\0\0" + b"a" * 3_000_000),
        chunk(b"iCCP", LARGE),
        chunk(b"zTXt", b"x\0\0no deflated text"),
        chunk(b"zTXt", b"x\0\x07" + zlib.compress(b"text")),
        chunk(b"pHYs", b"\0"),
        chunk(b"tEXt", b"x\0text")[:-1] + b"?",
        chunk(b"gAMA", b"")[:-1] + b"?",
    ],
    ids=["zTXt", "packed iTXt", "iTXt", "iCCP", "no deflate", "unknown method", "short pHYs", "checksum", "gAMA"],
)
@pytest.mark.parametrize("behind", [False, True])
def test_damage_beside_the_pixels_costs_no_picture(extra: bytes, behind: bool) -> None:
    data = RGB[:-12] + extra + RGB[-12:] if behind else with_chunk(RGB, extra)
    assert_color(corners_of(decoded(data, 64).pixels), CORNERS)


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"PLTE"])
def test_damage_in_what_the_pixels_need_is_refused(kind: bytes) -> None:
    data = file_of(flat("P", 0), "PNG") if kind == b"PLTE" else RGB
    at = data.index(kind) + 4
    with pytest.raises(PhotoError):
        decoded(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_zeros_where_a_part_of_the_pixels_was_never_written_are_refused() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 4), np.uint8)
    data = bytearray(file_of(Image.fromarray(noise), "PNG"))
    data[4000:9000] = bytes(5000)
    with pytest.raises(PhotoError, match="checksum of its pixels is wrong"):
        decoded(bytes(data), 64)


def test_a_wrong_checksum_of_whole_pixels_costs_nothing() -> None:
    data = bytearray(RGB)
    data[data.index(b"IEND") - 8] ^= 1
    assert_color(corners_of(decoded(bytes(data), 64).pixels), CORNERS)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_16_bits_that_are_cut_short_are_refused(share: float) -> None:
    data = imagecodecs.png_encode(np.random.default_rng(1).integers(0, 65535, (32, 32, 3), np.uint16))
    with pytest.raises(PhotoError):
        decoded(data[: int(len(data) * share)])


@pytest.mark.parametrize("at", [40, 60, 100])
def test_a_file_that_is_cut_short_is_said_to_be(at: int) -> None:
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decoded(RGB[:at])
