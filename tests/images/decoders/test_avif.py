import io
import struct
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pipeline.errors import PhotoError
from pipeline.images.decode import decode, read_size
from pipeline.images.decoders.avif import AvifFile
from pipeline.images.decoders.opened import opened
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.raster import DeepPixels, Raster
from tests.images.color.files import box
from tests.images.pictures import assert_color, decoded, file_of, flat

RAMP = np.arange(16 * 32, dtype=np.uint16).reshape(16, 32)


def deep(bits: int, *, alpha: bool = False) -> bytes:
    """An AVIF whose red counts up in steps of one from half of white, without loss."""
    red = RAMP + (1 << bits - 1)
    channels = [red, np.zeros_like(RAMP), np.full_like(RAMP, (1 << bits) - 1)]
    if alpha:
        channels.append(np.full_like(RAMP, 1 << bits - 1))
    return bytes(imagecodecs.avif_encode(np.dstack(channels), level=100, bitspersample=bits, pixelformat="444"))


def loaded(data: bytes) -> Raster:
    return opened(PhotoFile.of(data)).load(lambda size: size)


def with_clean_aperture(data: bytes, *numbers: int) -> bytes:
    """Give the first item another property, the last one. ``numbers``: as in the box, numerators and denominators."""
    property_box = box(b"clap", struct.pack(">IIIIiIiI", *numbers))
    container = data.index(b"ipco") - 4
    container_bytes = int.from_bytes(data[container : container + 4], "big")
    count = number_of_boxes(data[container + 8 : container + container_bytes])
    table = data.index(b"ipma") - 4
    owned_at = table + 18  # behind the head, the number of items and the first one's number
    owned = data[owned_at] + 1
    association_end = owned_at + data[owned_at] + 1
    changed = (
        data[: container + container_bytes]
        + property_box
        + data[container + container_bytes : owned_at]
        + bytes([owned])
        + data[owned_at + 1 : association_end]
        + bytes([0x80 | (count + 1)])
        + data[association_end:]
    )
    grown = {b"ipco": len(property_box), b"ipma": 1, b"iprp": len(property_box) + 1, b"meta": len(property_box) + 1}
    for name, by in grown.items():
        changed = enlarged(changed, name, by)
    return moved(changed, len(property_box) + 1)


def number_of_boxes(content: bytes) -> int:
    count = at = 0
    while at < len(content):
        at += int.from_bytes(content[at : at + 4], "big")
        count += 1
    return count


def enlarged(data: bytes, name: bytes, by: int) -> bytes:
    at = data.index(name) - 4
    return data[:at] + struct.pack(">I", int.from_bytes(data[at : at + 4], "big") + by) + data[at + 4 :]


def moved(data: bytes, by: int) -> bytes:
    """Tell where the first item's bytes are now: it has one extent, and places of 4 bytes."""
    at = data.index(b"iloc") + 4 + 4 + 2 + 2 + 2 + 2 + 2
    return data[:at] + struct.pack(">I", int.from_bytes(data[at : at + 4], "big") + by) + data[at + 4 :]


def quarters() -> NDArray[Any]:
    colors = np.array([[(200, 30, 30), (30, 180, 30)], [(30, 30, 200), (200, 200, 40)]], dtype=np.uint8)
    return colors.repeat(16, axis=0).repeat(32, axis=1)


def plain() -> bytes:
    return file_of(Image.fromarray(quarters()), "AVIF", quality=100, subsampling="4:4:4")


@pytest.mark.parametrize("bits", [10, 12])
def test_more_than_8_bits_are_read_in_full(bits: int) -> None:
    pixels = loaded(deep(bits)).pixels
    assert isinstance(pixels, DeepPixels)
    assert pixels.white == (1 << bits) - 1
    assert np.abs(pixels.values[..., 0].astype(int) - (RAMP + (1 << bits - 1))).max() <= 2
    photo = decode(deep(bits), long_side=32, max_pixels=1000)
    assert photo.pixels.dtype == np.float32
    assert len(np.unique(photo.pixels[..., 0])) > 200


def test_alpha_of_10_bits() -> None:
    photo = decoded(deep(10, alpha=True))
    assert photo.alpha is not None
    assert np.allclose(photo.alpha, 0.5, atol=0.01)


def test_8_bits_are_read_with_pillow() -> None:
    assert isinstance(loaded(plain()).pixels, Image.Image)


def test_the_clean_aperture_is_what_is_shown() -> None:
    data = with_clean_aperture(plain(), 20, 1, 10, 1, 10, 1, -5, 1)  # from (32, 6) on, of 64 × 32
    assert read_size(io.BytesIO(data)) == (20, 10)
    photo = decode(data, long_side=20, max_pixels=10_000)
    assert photo.pixels.shape == (10, 20, 3)
    assert_color(photo.pixels, (30, 180, 30), 4)


def test_a_clean_aperture_of_half_pixels_lies_in_the_middle() -> None:
    data = with_clean_aperture(plain(), 31, 1, 15, 1, -33, 2, -17, 2)  # 31 × 15 from (0, 0) on
    assert_color(decode(data, long_side=31, max_pixels=10_000).pixels, (200, 30, 30), 4)


def test_a_clean_aperture_of_deep_pixels() -> None:
    data = with_clean_aperture(deep(10), 4, 1, 2, 1, -14, 1, -7, 1)
    pixels = loaded(data).pixels
    assert isinstance(pixels, DeepPixels)
    assert pixels.values.shape == (2, 4, 3)
    assert np.abs(pixels.values[0, :, 0].astype(int) - (512 + np.arange(4))).max() <= 2


@pytest.mark.parametrize(
    "numbers",
    [
        (20, 1, 10, 1, 40, 1, 0, 1),
        (20, 1, 10, 1, -40, 1, 0, 1),
        (80, 1, 10, 1, 0, 1, 0, 1),
        (20, 0, 10, 1, 0, 1, 0, 1),
        (0, 1, 10, 1, 0, 1, 0, 1),
        (64, 1, 32, 1, 0, 1, 0, 1),
    ],
)
def test_a_clean_aperture_that_makes_no_sense_is_left_alone(numbers: tuple[int, ...]) -> None:
    data = with_clean_aperture(plain(), *numbers)
    assert read_size(io.BytesIO(data)) == (64, 32)
    assert np.abs(decode(data, long_side=64, max_pixels=10_000).pixels.astype(int) - quarters()).mean() < 3


def test_a_sequence_gives_its_first_frame_and_says_so() -> None:
    frames = [flat("RGB", color, (16, 16)) for color in ((200, 0, 0), (0, 200, 0))]
    photo = decoded(file_of(frames[0], "AVIF", save_all=True, append_images=frames[1:], quality=95))
    assert_color(photo.pixels, (200, 0, 0), 6)
    assert "animation" in photo.notes[0]


def test_a_sequence_of_10_bits_is_read_with_pillow() -> None:
    frame = np.zeros((16, 16, 3), np.uint16)
    frames = np.stack([frame + np.array((800, 0, 0), np.uint16), frame])
    data = bytes(imagecodecs.avif_encode(frames, level=95, bitspersample=10, pixelformat="444"))
    assert Image.open(io.BytesIO(data)).is_animated
    photo = decoded(data)
    assert_color(photo.pixels, (200, 0, 0), 6)
    assert photo.pixels.dtype == np.uint8


def test_an_avif_whose_main_brand_is_another_is_read_as_one() -> None:
    data = plain()
    assert isinstance(opened(PhotoFile.of(data[:8] + b"mif1" + data[12:])), AvifFile)


def with_a_table_for_each_image(data: bytes) -> bytes:
    """Write the properties of the color and those of its alpha in tables of their own, as older encoders did."""
    start = data.index(b"ipma") - 4
    end = start + int.from_bytes(data[start : start + 4], "big")
    head, second = data[start + 8 : start + 12], start + 16 + 3 + data[start + 18]
    tables = [
        box(b"ipma", head + struct.pack(">I", 1) + row) for row in (data[start + 16 : second], data[second:end])
    ]
    changed = bytearray(data[:start] + b"".join(tables) + data[end:])
    added = len(changed) - len(data)
    for name in (b"meta", b"iprp"):
        at = data.index(name) - 4
        changed[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + added).to_bytes(4, "big")
    return all_moved(bytes(changed), added)


def all_moved(data: bytes, by: int) -> bytes:
    """Count the places of all items from further on: in iloc of version 0, with offsets of 4 bytes and one extent."""
    changed, at = bytearray(data), data.index(b"iloc") + 12
    for _ in range(int.from_bytes(data[at - 2 : at], "big")):
        offset = int.from_bytes(data[at + 6 : at + 10], "big") + by
        changed[at + 6 : at + 10] = offset.to_bytes(4, "big")
        at += 14
    return bytes(changed)


def test_a_table_of_properties_for_each_image_is_read_as_one() -> None:
    data = file_of(flat("RGBA", (255, 0, 0, 128), (64, 48)), "AVIF", quality=100)
    changed = with_a_table_for_each_image(data)
    with pytest.raises(UnidentifiedImageError):
        AvifFile(PhotoFile.of(changed))
    found, expected = decoded(changed), decoded(data)
    assert (found.pixels == expected.pixels).all()
    assert (found.alpha == expected.alpha).all()


def test_what_libavif_does_not_accept_is_called_that() -> None:
    data = file_of(flat("RGB", "red", (64, 48)), "AVIF")
    with pytest.raises(PhotoError, match="AVIF that libavif does not accept, or it is damaged"):
        decoded(data.replace(b"ipco", b"free"))
