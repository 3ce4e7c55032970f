from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import PhotoError
from pipeline.images.decoders.jpeg import open_jpeg
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.raster import DeepPixels
from tests.images.pictures import decoded, file_of, flat, orientation_block


def lossless(values: NDArray[Any], bits: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, lossless=True, bitspersample=bits))


def deep(data: bytes) -> DeepPixels:
    pixels = open_jpeg(PhotoFile.of(data)).load(lambda size: size).pixels
    assert isinstance(pixels, DeepPixels)
    return pixels


def ramp(bits: int, channels: int) -> NDArray[np.uint16]:
    values = np.arange((1 << bits) - 64, 1 << bits, dtype=np.uint16)
    return np.ascontiguousarray(np.broadcast_to(values[None, :, None], (16, 64, channels)))


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_lossless_jpeg_keeps_all_of_its_bits(bits: int, channels: int, mode: str) -> None:
    pixels = deep(lossless(ramp(bits, channels), bits))
    assert pixels.mode == mode
    assert pixels.white == (1 << bits) - 1
    assert (pixels.values == ramp(bits, channels)).all()


def test_twelve_bits_with_loss_are_read() -> None:
    values = np.full((32, 48, 3), (4000, 1000, 200), np.uint16)
    data = bytes(imagecodecs.jpeg8_encode(values, 98, bitspersample=12))
    photo = decoded(data, 48)
    assert photo.pixels.shape == (32, 48, 3)
    assert np.abs(photo.pixels - values / 4095).max() < 0.01


def test_a_deep_jpeg_is_turned_upright_and_keeps_its_metadata() -> None:
    block = b"Exif\0\0" + orientation_block(6)
    data = lossless(ramp(12, 1), 12)
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    photo = decoded(data[:2] + segment + data[2:], 64)
    assert photo.pixels.shape == (64, 16, 3)
    assert photo.metadata.exif == orientation_block(6)


def test_a_size_that_is_too_large_is_refused_before_anything_is_decoded() -> None:
    data = lossless(ramp(12, 1), 12)
    at = data.index(b"\xff\xc3") + 5
    with pytest.raises(PhotoError, match="more than the allowed"):
        decoded(data[:at] + b"\xff\xdc\xff\xdc" + data[at + 4 :])


def test_a_deep_jpeg_that_is_cut_short_is_damaged() -> None:
    noise = np.random.default_rng(0).integers(0, 4096, (64, 64), np.uint16)
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decoded(lossless(noise, 12)[:2000])


def test_eight_bits_stay_with_pillow() -> None:
    assert decoded(file_of(flat("RGB", "red"), "JPEG")).pixels.dtype == np.uint8


def test_a_baseline_jpeg_that_claims_twelve_bits_is_damaged() -> None:
    data = file_of(flat("RGB", "red"), "JPEG")
    at = data.index(b"\xff\xc0") + 4
    with pytest.raises(PhotoError):
        decoded(data[:at] + b"\x0c" + data[at + 1 :])
