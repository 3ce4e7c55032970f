import struct
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import CodecError, PhotoError
from pipeline.images.decode import decode
from pipeline.images.decoders.opened import opened
from pipeline.images.decoders.photo_file import PhotoFile
from pipeline.images.decoders.raster import DeepPixels, OpenedFile
from pipeline.images.decoders.raw import RawFile
from pipeline.images.decoders.tiff import TiffFile
from tests.images.pictures import CORNERS, corners_of, decoded, file_of, flat, four_corners, orientation_block
from tests.images.raws import dng, linear, mosaic

FUJIFILM = b"FUJIFILMCCD-RAW 0201FF389501" + bytes(100)


def file(data: bytes) -> OpenedFile:
    return opened(PhotoFile.of(data))


def preview(size: tuple[int, int] = (640, 480), **options: Any) -> bytes:
    return file_of(flat("RGB", "red", size), "JPEG", **options)


def light_of_corners(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    return linear(corners_of(pixels) * 255.0)


def test_a_raw_is_developed_with_the_cameras_white_balance_at_full_depth() -> None:
    photo = decoded(dng(), 256)
    assert photo.pixels.shape == (128, 256, 3)
    assert photo.pixels.dtype == np.float32
    expected = linear(CORNERS.astype(float))
    light = light_of_corners(photo.pixels)
    gain = light[0, 1, 1] / expected[0, 1, 1]  # LibRaw brightens a picture until a hundredth of it is white
    assert np.abs(light - np.minimum(1, expected * gain)).max() < 0.01
    assert photo.notes == ()
    assert b"Acme" in photo.metadata.exif


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_raw_is_turned_upright_once(orientation: int) -> None:
    photo = decoded(dng(orientation), 128)
    upright = decoded(dng(), 128)
    quarter_turns = {3: 2, 6: 3, 8: 1}[orientation]
    assert np.abs(photo.pixels - np.rot90(upright.pixels, quarter_turns)).max() < 1e-6


@pytest.mark.parametrize(("long_side", "size"), [(128, (128, 64)), (129, (256, 128))])
def test_half_the_size_is_developed_where_that_is_enough(long_side: int, size: tuple[int, int]) -> None:
    raster = file(dng()).load(lambda _: (long_side, long_side // 2))
    assert isinstance(raster.pixels, DeepPixels)
    assert raster.pixels.size == size


@pytest.mark.parametrize("long_side", [20, 256])
def test_what_the_camera_does_not_show_is_cut_away(long_side: int) -> None:
    values = mosaic()
    values[:, :8] = 0
    crop = [(50719, "I", 2, (8, 4), True), (50720, "I", 2, (240, 120), True)]
    data = dng(values=values, more=crop)
    assert file(data).size == (240, 120)
    photo = decode(data, long_side=long_side, max_pixels=10**6)
    assert photo.pixels.shape[1] == long_side
    assert photo.pixels[:, 0].max() > 0.5


def test_an_ordinary_tiff_with_the_name_of_a_camera_stays_one() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS R6"
    data = file_of(Image.fromarray(four_corners()), "TIFF", exif=exif)
    assert isinstance(file(data), TiffFile)
    assert (corners_of(decoded(data, 64).pixels) == CORNERS).all()


def test_a_tiff_is_known_as_raw_by_what_it_holds() -> None:
    assert TiffFile(PhotoFile.of(dng(version=False))).is_camera_raw
    assert isinstance(file(dng()), RawFile)


@pytest.mark.parametrize("head", [FUJIFILM, b"II*\0\x10\0\0\0CR\2\0" + bytes(100), b"\0MRM" + bytes(100)])
def test_what_can_not_be_developed_gives_its_largest_preview_and_says_so(head: bytes) -> None:
    photo = decoded(head + preview((320, 240)) + preview() + bytes(50), 64)
    assert photo.pixels.shape == (48, 64, 3)
    assert photo.notes[0].endswith("its preview of 640 × 480 pixels is used")
    assert "can't be developed (" in photo.notes[0]


def test_a_preview_is_turned_by_what_it_says_itself() -> None:
    data = FUJIFILM + preview(exif=b"Exif\0\0" + orientation_block(6))
    assert decoded(data, 64).pixels.shape == (64, 48, 3)


def test_a_raw_that_is_cut_short_gives_its_preview_turned_as_the_raw_says() -> None:
    values = np.zeros((480, 640), np.uint16)
    photo = decoded(dng(6, values)[:400_000] + preview(), 64)
    assert "its data is damaged or cut short" not in photo.notes
    assert "preview of 640 × 480" in photo.notes[0]
    assert photo.pixels.shape == (64, 48, 3)


@pytest.mark.parametrize("data", [FUJIFILM + preview((160, 120)), dng()[:30_000], dng()[:1000], FUJIFILM])
def test_a_raw_without_a_preview_worth_the_name_is_refused(data: bytes) -> None:
    with pytest.raises(PhotoError, match=r"camera raw can't be developed .*no preview of 320 pixels"):
        decoded(data)


def test_a_size_that_is_too_large_is_refused_before_anything_is_developed() -> None:
    data = dng()
    width, height = struct.pack("<HHII", 256, 4, 1, 256), struct.pack("<HHII", 257, 4, 1, 128)
    assert width in data
    bomb = data.replace(width, width[:8] + struct.pack("<I", 60000)).replace(
        height, height[:8] + struct.pack("<I", 60000)
    )
    with pytest.raises(PhotoError, match="60000 × 60000 pixels, more than the allowed"):
        decoded(bomb)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "rawpy", missing)
    for data in (FUJIFILM, dng()):
        with pytest.raises(CodecError, match=r"camera raw: install stylewatch\[raw\] to read it"):
            decoded(data)
