import numpy as np
import pytest

from pipeline.images.color.bmp_header import description_of_bmp
from pipeline.images.color.description import SRGB, Calibration, NotUnderstood, Profile, Statement
from tests.images.color.files import bmp

PIXELS = np.zeros((2, 3, 3), np.uint8)
#: sRGB's primaries as (x, y, z), and as (X, Y, Z), which add up to white.
DIRECTIONS = (0.64, 0.33, 0.03, 0.3, 0.6, 0.1, 0.15, 0.06, 0.79)
AMOUNTS = (0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505)


def said(data: bytes) -> tuple[Statement, ...]:
    return description_of_bmp(data).statements


def test_an_embedded_profile() -> None:
    assert said(bmp(PIXELS, b"DEBM", tail=b"profile")) == (Profile(b"profile"),)


def test_a_profile_that_is_cut_off_is_damaged() -> None:
    assert said(bmp(PIXELS, b"DEBM", tail=b"profile")[:-1]) == (Profile(None),)


def test_a_profile_in_another_file_is_named() -> None:
    (statement,) = said(bmp(PIXELS, b"KNIL", tail="C:\\Fäb.icc".encode("cp1252") + b"\0"))
    assert statement == NotUnderstood("its color profile is in another file (C:\\Fäb.icc)")


@pytest.mark.parametrize("name", [b"a\x1b[31m\0", b"\0", b""])
def test_a_name_that_can_not_be_shown_is_left_out(name: bytes) -> None:
    assert said(bmp(PIXELS, b"KNIL", tail=name)) == (NotUnderstood("its color profile is in another file"),)


def test_srgb_and_windows_default() -> None:
    assert said(bmp(PIXELS, b"BGRs")) == (SRGB,)
    assert said(bmp(PIXELS, b" niW")) == ()


@pytest.mark.parametrize("header_bytes", [108, 124])
@pytest.mark.parametrize("gamma", [2.0, 0.5])
@pytest.mark.parametrize("endpoints", [DIRECTIONS, AMOUNTS])
def test_endpoints_and_gamma(header_bytes: int, gamma: float, endpoints: tuple[float, ...]) -> None:
    data = bmp(PIXELS, bytes(4), endpoints=endpoints, gammas=(gamma,) * 3, header_bytes=header_bytes)
    (statement,) = said(data)
    assert isinstance(statement, Calibration)
    assert statement.exponents == (2, 2, 2)
    points = statement.chromaticities
    assert points is not None
    found = np.array([points.red, points.green, points.blue, points.white])
    assert np.allclose(found, [(0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3127, 0.329)], atol=5e-4)


def test_fields_of_zeros_say_nothing() -> None:
    assert said(bmp(PIXELS, bytes(4))) == ()
    assert said(bmp(PIXELS, bytes(4), endpoints=(*DIRECTIONS[:6], 0, 0, 0))) == ()


def test_a_gamma_without_endpoints_is_used() -> None:
    assert said(bmp(PIXELS, bytes(4), gammas=(2.0, 2.0, 4.0))) == (Calibration((2.0, 2.0, 4.0)),)


def test_an_old_header_says_nothing() -> None:
    data = bytearray(bmp(PIXELS, b"BGRs"))
    data[14] = 40
    assert said(bytes(data)) == ()


def test_a_file_cut_anywhere_raises_nothing() -> None:
    data = bmp(PIXELS, b"DEBM", tail=b"profile")
    for length in range(len(data)):
        assert said(data[:length]) in {(), (Profile(None),)}
