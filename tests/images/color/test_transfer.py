import numpy as np
import pytest

from pipeline.images.color.description import HLG, PQ
from pipeline.images.color.transfer import hlg_display_light, is_known, is_srgb, linear_to_srgb, to_linear

RAMP = np.linspace(0, 1, 1001, dtype=np.float32)
BT2020_LUMINANCE = np.array([0.2627, 0.678, 0.0593], np.float32)


def light(value: float, transfer: int) -> float:
    return float(to_linear(np.array([value], np.float32), transfer)[0])


def test_srgb_there_and_back() -> None:
    assert light(0.5, 13) == pytest.approx(0.21404, abs=1e-5)
    assert np.allclose(linear_to_srgb(to_linear(RAMP, 13)), RAMP, atol=1e-6)


@pytest.mark.parametrize("transfer", [1, 2, 6, 11, 12, 14, 15])
def test_cameras_curves_are_read_as_srgb(transfer: int) -> None:
    assert is_srgb(transfer)
    assert light(0.5, transfer) == light(0.5, 13)


@pytest.mark.parametrize(
    ("transfer", "value", "expected"),
    [
        (4, 0.5, 0.5**2.2),
        (5, 0.5, 0.5**2.8),
        (7, 0.5, ((0.5 + 0.1115) / 1.1115) ** (1 / 0.45)),
        (7, 0.04, 0.01),
        (8, 0.5, 0.5),
        (9, 0.5, 0.1),
        (9, 0.0, 0.0),
        (10, 0.6, 0.1),
        (17, 0.5, 0.5**2.6 * 52.37 / 48),
    ],
)
def test_other_curves(transfer: int, value: float, expected: float) -> None:
    assert not is_srgb(transfer)
    assert light(value, transfer) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("value", "nits"), [(0.0, 0), (0.50808, 100), (0.58069, 203), (0.75183, 1000), (1.0, 10_000)]
)
def test_pq_after_bt2408(value: float, nits: float) -> None:
    assert light(value, PQ) * 203 == pytest.approx(nits, rel=2e-4, abs=1e-6)


def test_hlg_has_white_at_three_quarters_and_a_thousand_nits_at_its_end() -> None:
    gray = np.array([[0.75] * 3, [1.0] * 3, [0.0] * 3], np.float32)
    shown = hlg_display_light(to_linear(gray, HLG), BT2020_LUMINANCE) * 203
    assert np.allclose(shown[0], 203, atol=0.5)
    assert np.allclose(shown[1], 1000, atol=0.5)
    assert np.allclose(shown[2], 0)


def test_hlgs_display_brightens_by_luminance_not_by_channel() -> None:
    scene = np.array([[0.2, 0.1, 0.05]], np.float32)
    shown = hlg_display_light(scene, BT2020_LUMINANCE)
    assert np.allclose(shown / scene, (shown / scene)[0, 0])


@pytest.mark.parametrize("transfer", [0, 3, 19, 255])
def test_reserved_numbers_are_unknown(transfer: int) -> None:
    assert not is_known(transfer)


def test_values_outside_are_clipped_and_colors_outside_srgb_too() -> None:
    assert light(1.2, PQ) == light(1.0, PQ)
    assert light(-0.1, 4) == 0
    assert linear_to_srgb(np.array([-0.2, 1.7], np.float32)).tolist() == pytest.approx([0, 1])
