"""What files of each kind look like after decoding; the right value is that of the same colors in sRGB."""

import io
from typing import Any

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.images.color.containers import description_in, description_of
from pipeline.images.color.description import SRGB, Calibration, CodePoints, Profile
from pipeline.images.decode import DecodedPhoto, decode_image
from tests.images.color.files import (
    P3,
    P3_POINTS,
    PQ_2020,
    SRGB_POINTS,
    avif,
    bmp,
    chromaticities,
    chunk,
    gamma,
    iso_file,
    nclx,
    png,
    profile_chunk,
)
from tests.images.pictures import assert_color, decoded, file_of, flat
from tests.images.profiles import swapped_rgb

ORANGE = (200, 100, 50)


def pixels(color: Any, dtype: Any = np.uint8) -> NDArray[Any]:
    return np.full((8, 8, 3), color, dtype)


def color_of(photo: DecodedPhoto) -> NDArray[Any]:
    color = photo.pixels[4, 4]
    return color * 255 if color.dtype == np.float32 else color


# --- PNG ----------------------------------------------------------------------------------------------------


def test_a_p3_png() -> None:
    photo = decoded(png(pixels((189, 105, 62)), chunk(b"cICP", P3)))
    assert_color(color_of(photo), ORANGE, 2)
    assert photo.notes == ()


def test_a_pq_png_of_16_bits() -> None:
    # ORANGE at 203 nits in BT.2020: light (0.4057, 0.1575, 0.0492), and its PQ values.
    photo = decoded(png(pixels((32029, 26124, 19640), np.uint16), chunk(b"cICP", PQ_2020)))
    assert photo.pixels.dtype == np.float32
    assert np.allclose(color_of(photo), ORANGE, atol=0.5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_linear_png(dtype: Any) -> None:
    white = np.iinfo(dtype).max
    light = np.rint(np.array([0.57758, 0.12744, 0.03190]) * white)
    assert np.allclose(color_of(decoded(png(pixels(light, dtype), gamma(1.0)))), ORANGE, atol=1.6)


def test_a_gamma_of_srgb_changes_nothing() -> None:
    for chunks in ((gamma(0.45455), chromaticities(SRGB_POINTS)), (gamma(0.45),), (chunk(b"sRGB", b"\0"), gamma(1))):
        assert_color(color_of(decoded(png(pixels(ORANGE), *chunks))), ORANGE)


def test_chromaticities_are_used() -> None:
    photo = decoded(png(pixels((189, 105, 62)), gamma(0.45455), chromaticities(P3_POINTS)))
    assert_color(color_of(photo), ORANGE, 4)


def test_gamma_holds_for_gray_palettes_and_alpha_stays() -> None:
    def with_gamma(image: Image.Image) -> DecodedPhoto:
        data = file_of(image, "PNG")
        return decoded(data[:33] + gamma(1.0) + data[33:])

    assert_color(color_of(with_gamma(flat("L", 55))), (128, 128, 128), 1)
    assert_color(color_of(with_gamma(flat("RGB", (55, 55, 0)).quantize(2))), (128, 128, 0), 1)
    photo = with_gamma(flat("LA", (55, 51)))
    assert photo.alpha is not None
    assert_color(photo.alpha, 51)
    assert_color(color_of(photo), round(128 * 0.2 + 255 * 0.8), 1)


def test_nonsense_is_noted_and_read_as_srgb() -> None:
    photo = decoded(png(pixels(ORANGE), chunk(b"cICP", bytes([77, 13, 0, 1]))))
    assert_color(color_of(photo), ORANGE)
    assert photo.notes == ("its color primaries (code point 77) are unknown: colors read as sRGB",)


def test_nonsensical_chromaticities_leave_the_gamma() -> None:
    photo = decoded(png(pixels((147, 32, 8)), gamma(1.0), chromaticities((0.3, 99, *SRGB_POINTS[2:]))))
    assert_color(color_of(photo), ORANGE, 2)
    assert photo.notes == ("its chromaticities are not those of a picture: colors read by its gamma",)


def test_a_png_of_16_bits_by_its_profile() -> None:
    photo = decoded(png(pixels(ORANGE, np.uint16) * 257, profile_chunk(swapped_rgb())))
    assert photo.pixels.dtype == np.float32
    assert np.allclose(color_of(photo), (100, 200, 50), atol=4)


# --- AVIF, HEIC ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "color"),
    [((1, 13), ORANGE), ((12, 13), (189, 105, 62)), ((9, 16), (125, 102, 76)), ((1, 8), (147, 32, 8))],
)
def test_an_avif_by_its_code_points(points: tuple[int, int], color: Any) -> None:
    photo = decoded(avif(pixels(color), *points))
    assert_color(color_of(photo), ORANGE, 8)
    assert photo.notes == ()


def test_an_avif_with_unknown_code_points_is_noted() -> None:
    photo = decoded(avif(pixels(ORANGE), 1, 200))
    assert_color(color_of(photo), ORANGE, 3)
    assert photo.notes == ("its transfer function (code point 200) is unknown: colors read as sRGB",)


def heic(values: NDArray[Any], mode: str, primaries: int, transfer: int) -> bytes:
    image = pillow_heif.from_bytes(mode, values.shape[1::-1], values.tobytes())
    buffer = io.BytesIO()
    codes = {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": 1}
    image.save(buffer, quality=100, chroma=444, save_nclx_profile=True, full_range_flag=1, **codes)
    return buffer.getvalue()


def test_a_p3_heic() -> None:
    photo = decoded(heic(pixels((189, 105, 62)).repeat(8, axis=0).repeat(8, axis=1), "RGB", 12, 13))
    assert_color(color_of(photo), ORANGE, 5)
    assert photo.notes == ()


def test_a_pq_heic_of_10_bits() -> None:
    values = pixels((32029, 26124, 19640), np.uint16).repeat(8, axis=0).repeat(8, axis=1)
    photo = decoded(heic(values, "RGB;16", 9, 16))
    assert photo.pixels.dtype == np.float32
    assert np.allclose(color_of(photo), ORANGE, atol=4)


def test_a_heic_is_read_by_its_boxes() -> None:
    assert description_in(iso_file([nclx(12, 13)], {1: [1]})).statements == (CodePoints(12, 13),)


# --- BMP ----------------------------------------------------------------------------------------------------


def test_a_bmp_by_the_profile_inside() -> None:
    assert_color(color_of(decoded(bmp(pixels(ORANGE), b"DEBM", tail=swapped_rgb()))), (100, 200, 50), 4)


def test_a_bmp_with_a_profile_elsewhere_is_noted() -> None:
    photo = decoded(bmp(pixels(ORANGE), b"KNIL", tail=b"C:\\mine.icc\0"))
    assert_color(color_of(photo), ORANGE)
    assert photo.notes == ("its color profile is in another file (C:\\mine.icc): colors read as sRGB",)


@pytest.mark.parametrize("header_bytes", [108, 124])
def test_a_bmp_by_its_endpoints_and_gammas(header_bytes: int) -> None:
    p3 = (0.68, 0.32, 0.0, 0.265, 0.69, 0.045, 0.15, 0.06, 0.79)
    data = bmp(pixels((189, 105, 62)), bytes(4), endpoints=p3, gammas=(2.2,) * 3, header_bytes=header_bytes)
    assert_color(color_of(decoded(data)), ORANGE, 4)
    assert_color(color_of(decoded(bmp(pixels((147, 32, 8)), bytes(4), gammas=(1.0,) * 3))), ORANGE, 2)


# --- what decoders and callers bring ------------------------------------------------------------------------


def test_a_decoders_profile_counts_where_none_is_found_in_the_file() -> None:
    assert description_in(b"\xff\xd8\xff", b"icc").statements == (Profile(b"icc"),)
    assert description_in(b"\xff\xd8\xff", None).statements == (Profile(None),)
    assert description_in(b"\xff\xd8\xff").statements == ()
    assert description_in(png(pixels(0), gamma(0.5)), b"icc").statements[-1] == Profile(b"icc")
    assert description_in(png(pixels(0), profile_chunk(b"own")), b"icc").statements == (Profile(b"own"),)


def test_an_opened_png_keeps_its_gamma_and_chromaticities() -> None:
    opened = Image.open(io.BytesIO(png(pixels((147, 32, 8)), gamma(1.0), chromaticities(SRGB_POINTS))))
    first, second = description_of(opened).statements
    assert isinstance(first, Calibration)
    assert first.chromaticities is not None
    assert first.chromaticities.green == (0.3, 0.6)
    assert second == Calibration((1.0, 1.0, 1.0))
    assert_color(color_of(decode_image(opened, long_side=8)), ORANGE, 2)


def test_an_opened_image_with_a_profile_or_srgb_is_read_by_it() -> None:
    chunks = (profile_chunk(swapped_rgb()), gamma(1.0))
    opened = Image.open(io.BytesIO(png(pixels(ORANGE), *chunks)))
    assert_color(color_of(decode_image(opened, long_side=8)), (100, 200, 50), 4)
    assert description_of(Image.open(io.BytesIO(png(pixels(0), chunk(b"sRGB", b"\0"), gamma(1))))).statements == (
        SRGB,
    )


def test_an_opened_heic_keeps_its_code_points() -> None:
    image = flat("RGB", (189, 105, 62))
    image.info["nclx_profile"] = {"color_primaries": 12, "transfer_characteristics": 13, "full_range_flag": 1}
    assert_color(color_of(decode_image(image, long_side=8)), ORANGE, 2)
