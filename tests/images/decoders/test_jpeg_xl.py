import io
import sys
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import CodecError, PhotoError
from pipeline.images.decode import read_size
from pipeline.images.decoders.opened import opened
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.raster import DeepPixels, Raster
from tests.images.decoders.test_jpeg_xl_header import codestream
from tests.images.pictures import (
    CORNERS,
    as_stored,
    assert_color,
    corners_of,
    decoded,
    file_of,
    flat,
    four_corners,
    orientation_block,
)
from tests.images.profiles import swapped_rgb


def jxl_of(pixels: NDArray[Any], **options: Any) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(pixels, lossless=True, **options))


def loaded(data: bytes) -> Raster:
    return opened(PhotoFile.of(data)).load(lambda size: size)


def ramp(channels: int, dtype: Any = np.uint16) -> NDArray[Any]:
    values = np.linspace(0, 1 if dtype == np.float32 else 65535, 64).astype(dtype)
    return np.ascontiguousarray(np.broadcast_to(values[None, :, None], (48, 64, channels)))


@pytest.mark.parametrize("in_boxes", [True, False])
def test_eight_bits_are_read_as_they_are(in_boxes: bool) -> None:
    photo = decoded(jxl_of(four_corners(), usecontainer=in_boxes), 64)
    assert photo.pixels.dtype == np.uint8
    assert (photo.pixels == four_corners()).all()
    assert photo.alpha is None
    assert photo.notes == ()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_sixteen_bits_are_kept(channels: int, mode: str) -> None:
    pixels = loaded(jxl_of(ramp(channels))).pixels
    assert isinstance(pixels, DeepPixels)
    assert pixels.mode == mode
    assert pixels.white == 65535
    assert (pixels.values == ramp(channels)).all()


def test_floats_are_kept() -> None:
    pixels = loaded(jxl_of(ramp(3, np.float32))).pixels
    assert isinstance(pixels, DeepPixels)
    assert pixels.white == 1
    assert np.abs(pixels.values - ramp(3, np.float32)).max() < 1e-6


def test_transparency_is_kept() -> None:
    pixels = np.dstack([four_corners(), np.full((32, 64), 100, np.uint8)])
    alpha = decoded(jxl_of(pixels), 64).alpha
    assert alpha is not None
    assert (alpha == 100).all()


def test_a_jpeg_that_was_packed_is_given_as_that_jpeg_upright() -> None:
    stored = Image.fromarray(np.ascontiguousarray(as_stored(four_corners(), 6)))
    block = b"Exif\0\0" + orientation_block(6)
    jpeg = file_of(stored, "JPEG", quality=95, exif=block, icc_profile=swapped_rgb())
    packed = bytes(imagecodecs.jpegxl_encode_jpeg(jpeg))
    found, expected = decoded(packed, 64), decoded(jpeg, 64)
    assert (found.pixels == expected.pixels).all()
    assert found.metadata == expected.metadata


def test_an_animation_gives_its_first_frame_and_says_so() -> None:
    frames = np.stack([four_corners(), 255 - four_corners()])
    photo = decoded(bytes(imagecodecs.jpegxl_encode(frames, lossless=True, photometric="rgb")), 64)
    assert_color(corners_of(photo.pixels), CORNERS)
    assert photo.pixels.dtype == np.uint8
    assert photo.notes == ("the file is an animation: its first frame is used",)


def test_exif_and_profile_are_those_of_the_file() -> None:
    file = io.BytesIO()
    flat("RGB", (200, 30, 30), (32, 32)).save(file, "JXL", lossless=True, exif=orientation_block(1))
    assert decoded(file.getvalue()).metadata.exif == orientation_block(1)
    assert loaded(file.getvalue()).profile


def test_a_size_that_is_too_large_is_refused_before_anything_is_decoded() -> None:
    bomb = codestream((0, 1), (3, 2), ((1 << 30) - 1, 30), (1, 3), (1, 1))
    with pytest.raises(PhotoError, match="more than the allowed"):
        decoded(bomb)


@pytest.mark.parametrize("size", [2, 60, 300])
def test_what_is_cut_short_is_called_damaged(size: int) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    with pytest.raises(PhotoError, match="damaged or cut short"):
        decoded(jxl_of(noise, usecontainer=False)[:size])


def test_a_library_that_can_not_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "pillow_jxl", missing)
    with pytest.raises(CodecError, match="JPEG XL: pillow-jxl-plugin, which reads it, can't be loaded"):
        decoded(jxl_of(four_corners()))


def test_the_size_of_a_large_file_is_read_from_its_beginning() -> None:
    class FirstBytes(io.BytesIO):
        """A file of which no more than its beginning is read."""

        def read(self, count: int | None = -1, /) -> bytes:
            assert count is not None
            assert 0 <= count <= 4096
            return super().read(count)

    assert read_size(FirstBytes(jxl_of(ramp(3)) + bytes(10_000))) == (64, 48)
