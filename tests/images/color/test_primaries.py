import numpy as np
import pytest

from pipeline.images.color.description import Chromaticities
from pipeline.images.color.primaries import (
    CHROMATICITIES,
    SRGB_CHROMATICITIES,
    are_srgb,
    to_srgb_primaries,
    to_xyz,
)


def test_srgb_to_xyz_is_the_standards_matrix() -> None:
    standard = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    assert np.allclose(to_xyz(SRGB_CHROMATICITIES), standard, atol=1e-4)


def test_bt2020_to_bt709_is_the_matrix_of_bt2087() -> None:
    report = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    assert np.allclose(to_srgb_primaries(CHROMATICITIES[9]), report, atol=1e-4)


@pytest.mark.parametrize("number", CHROMATICITIES)
def test_white_stays_white(number: int) -> None:
    assert np.allclose(to_srgb_primaries(CHROMATICITIES[number]) @ np.ones(3), 1)


def test_another_white_is_adapted_after_bradford() -> None:
    # Adobe's RGB with the white D50: Lindbloom's matrices, http://www.brucelindbloom.com, give its red in XYZ of D65.
    matrix = to_srgb_primaries(Chromaticities((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3457, 0.3585)))
    bradford = np.array([[0.9555766, -0.0230393, 0.0631636], [-0.0282895, 1.0099416, 0.0210077],
                         [0.0122982, -0.0204830, 1.3299098]])  # fmt: skip
    in_d50 = to_xyz(Chromaticities((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3457, 0.3585)))
    assert np.allclose(matrix, np.linalg.solve(to_xyz(SRGB_CHROMATICITIES), bradford @ in_d50), atol=2e-3)


def test_rounded_numbers_are_srgb_and_other_primaries_are_not() -> None:
    assert are_srgb(Chromaticities((0.63999, 0.33001), (0.3, 0.6), (0.15, 0.05999), (0.31269, 0.32899)))
    assert not are_srgb(CHROMATICITIES[12])
    assert not are_srgb(CHROMATICITIES[5])


@pytest.mark.parametrize(
    "points",
    [
        Chromaticities((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3127, 103.2)),
        Chromaticities((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3127, 0.0)),
        Chromaticities((0.64, 0.33), (0.64, 0.33), (0.15, 0.06), (0.3127, 0.329)),
        Chromaticities((0.64, 0.33), (0.3, 0.6), (0.4, 0.5), (0.3127, 0.329)),
        Chromaticities((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_points_that_can_not_be_primaries_are_refused(points: Chromaticities) -> None:
    with pytest.raises(ValueError, match=r"point|primaries|white"):
        to_srgb_primaries(points)
