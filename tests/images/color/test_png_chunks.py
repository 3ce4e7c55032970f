import zlib

import numpy as np
import pytest

from pipeline.images.color.description import SRGB, Calibration, CodePoints, NotUnderstood, Profile, Statement
from pipeline.images.color.png_chunks import description_of_png
from tests.images.color.files import P3, P3_POINTS, chromaticities, chunk, gamma, png, profile_chunk

PIXELS = np.zeros((2, 2, 3), np.uint8)
ALL = (gamma(0.5), chromaticities(P3_POINTS), chunk(b"sRGB", b"\0"), profile_chunk(b"icc"), chunk(b"cICP", P3))


def said(*chunks: bytes) -> tuple[Statement, ...]:
    return description_of_png(png(PIXELS, *chunks)).statements


def test_a_png_without_chunks_about_color_says_nothing() -> None:
    assert said() == ()


def test_cicp_comes_before_the_profile_then_srgb_then_measured_numbers() -> None:
    first, second, third, fourth, fifth = said(*ALL)
    assert first == CodePoints(12, 13)
    assert second == Profile(b"icc")
    assert third == SRGB
    assert isinstance(fourth, Calibration)
    assert fourth.exponents == (2, 2, 2)
    assert fourth.chromaticities is not None
    assert fourth.chromaticities.red == (0.68, 0.32)
    assert fourth.chromaticities.white == (0.3127, 0.329)
    assert fifth == Calibration((2, 2, 2))


def test_a_narrow_range_is_told() -> None:
    assert said(chunk(b"cICP", bytes([9, 16, 0, 0]))) == (CodePoints(9, 16, full_range=False),)


def test_a_matrix_in_cicp_is_not_understood() -> None:
    assert said(chunk(b"cICP", bytes([9, 16, 9, 1]))) == (
        NotUnderstood("its cICP chunk names the matrix 9, though a PNG holds RGB"),
    )


def test_a_gamma_of_0_is_not_understood() -> None:
    assert said(gamma(0)) == (NotUnderstood("its gamma is 0, which can't be"),)


@pytest.mark.parametrize("name", [b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"])
def test_a_chunk_of_a_wrong_size_says_nothing(name: bytes) -> None:
    assert said(chunk(name, b"\1" * 5)) == ()


def test_a_chunk_with_a_wrong_checksum_says_nothing() -> None:
    assert said(gamma(0.5)[:-1] + b"\0") == ()


def test_a_chunk_behind_the_pixels_says_nothing() -> None:
    data = png(PIXELS)
    assert description_of_png(data[:-12] + gamma(0.5) + data[-12:]).statements == ()


def test_a_profile_that_does_not_unpack_is_damaged() -> None:
    assert said(chunk(b"iCCP", b"name\0\0 no zlib stream")) == (Profile(None),)


def test_a_profile_of_some_megabytes_is_read_and_a_bomb_is_not() -> None:
    large = bytes(3_000_000)
    assert said(profile_chunk(large)) == (Profile(large),)
    assert said(profile_chunk(bytes(40_000_000))) == (Profile(None),)


def test_a_profile_without_its_checksum_is_read() -> None:
    assert said(chunk(b"iCCP", b"name\0\0" + zlib.compress(b"profile")[:-4])) == (Profile(b"profile"),)


def test_a_file_cut_anywhere_says_no_more_than_the_whole_one() -> None:
    data = png(PIXELS, *ALL)
    whole = description_of_png(data).statements
    for length in range(len(data)):
        assert set(description_of_png(data[:length]).statements) <= set(whole)
