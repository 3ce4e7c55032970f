import numpy as np
import pytest
from PIL import Image

from pipeline.images.color.profiles import srgb_profile
from tests.images.pictures import assert_color, decoded, file_of, flat, jpeg_with
from tests.images.profiles import black_cyan_cmyk, linear_gray, swapped_rgb


@pytest.mark.parametrize("picture_format", ["PNG", "TIFF", "JPEG", "WEBP", "AVIF"])
def test_an_rgb_profile_is_applied(picture_format: str) -> None:
    photo = decoded(file_of(flat("RGB", (255, 0, 0)), picture_format, icc_profile=swapped_rgb(), quality=95))
    assert_color(photo.pixels, (0, 255, 0), 6)


def test_a_profile_is_applied_to_transparent_and_palette_pictures_too() -> None:
    photo = decoded(file_of(flat("RGBA", (255, 0, 0, 128)), "PNG", icc_profile=swapped_rgb()))
    assert_color(photo.pixels, (127, 255, 127), 2)
    photo = decoded(file_of(flat("RGB", (255, 0, 0)).quantize(2), "PNG", icc_profile=swapped_rgb()))
    assert_color(photo.pixels, (0, 255, 0), 2)


def test_a_gray_profile_is_applied_to_gray() -> None:
    ramp = Image.fromarray(np.array([[0, 64, 128, 255]], dtype=np.uint8))
    pixels = decoded(file_of(ramp, "PNG", icc_profile=linear_gray()), 4).pixels
    assert pixels[0].tolist() == [[level] * 3 for level in (0, 137, 188, 255)]


def test_an_rgb_profile_on_a_gray_picture_is_applied_to_its_gray() -> None:
    photo = decoded(file_of(flat("L", 128), "PNG", icc_profile=srgb_profile()))
    assert_color(photo.pixels, 128, 1)
    assert photo.notes == ()


def test_srgb_changes_nothing() -> None:
    photo = decoded(file_of(flat("RGB", (12, 130, 240)), "PNG", icc_profile=srgb_profile()))
    assert_color(photo.pixels, (12, 130, 240), 1)


@pytest.mark.parametrize(
    "profile",
    [b"no profile at all", swapped_rgb()[:300], black_cyan_cmyk(), swapped_rgb().replace(b"RGB ", b"\xff\xfe  ")],
)
def test_a_useless_profile_gives_a_note_and_plain_colors(profile: bytes) -> None:
    photo = decoded(file_of(flat("RGB", (200, 100, 50)), "PNG", icc_profile=profile))
    assert_color(photo.pixels, (200, 100, 50))
    assert len(photo.notes) == 1
    assert "color profile" in photo.notes[0]


def test_a_profile_with_a_lost_part_gives_a_note() -> None:
    first_of_two = b"ICC_PROFILE\0\x01\x02" + srgb_profile()
    photo = decoded(jpeg_with((0xE2, first_of_two), image=flat("RGB", (200, 100, 50))))
    assert_color(photo.pixels, (200, 100, 50), 3)
    assert photo.notes == ("the embedded color profile is damaged: colors read as sRGB",)


def test_the_written_profile_does_not_tell_the_time() -> None:
    assert srgb_profile()[24:36] == np.array([2000, 1, 1, 0, 0, 0], dtype=">u2").tobytes()
