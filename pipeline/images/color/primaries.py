"""Matrices between the linear RGB of different primaries: to sRGB's, with white adapted to D65 after Bradford."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.images.color.description import D65, Chromaticities, Point

Matrix = NDArray[np.float64]

_C: Final[Point] = (0.310, 0.316)
_EQUAL_ENERGY: Final[Point] = (1 / 3, 1 / 3)
_DCI: Final[Point] = (0.314, 0.351)

SRGB_CHROMATICITIES: Final = Chromaticities((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65)
_NTSC: Final = Chromaticities((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65)
_BT2020: Final = Chromaticities((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65)

#: ITU-T H.273, table 2. 2 is "unspecified".
CHROMATICITIES: Final = {
    1: SRGB_CHROMATICITIES,
    2: SRGB_CHROMATICITIES,
    4: Chromaticities((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: Chromaticities((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    6: _NTSC,
    7: _NTSC,
    8: Chromaticities((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: _BT2020,
    10: Chromaticities((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), _EQUAL_ENERGY),
    11: Chromaticities((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),
    12: Chromaticities((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    22: Chromaticities((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}

_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
#: Writers round chromaticities to three digits, or to two.
_TOLERANCE: Final = 0.0015


def are_srgb(chromaticities: Chromaticities) -> bool:
    """Whether chromaticities are sRGB's, but for rounding."""
    return np.allclose(_points(chromaticities), _points(SRGB_CHROMATICITIES), rtol=0, atol=_TOLERANCE)


def to_srgb_primaries(chromaticities: Chromaticities) -> Matrix:
    """Return the (3, 3) matrix from linear RGB of these primaries to linear sRGB; white stays white.

    Raises ValueError for points that can't be primaries of a picture.
    """
    from_source, from_srgb = to_xyz(chromaticities), to_xyz(SRGB_CHROMATICITIES)
    adapted = _adaptation(chromaticities.white) @ from_source
    matrix = np.linalg.solve(from_srgb, adapted)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))  # what rounding adds would tint white


def to_xyz(chromaticities: Chromaticities) -> Matrix:
    """Return the (3, 3) matrix from linear RGB to CIE XYZ with Y = 1 for white. Raises ValueError as above."""
    points = _points(chromaticities)
    if points.min() < 0 or points.sum(axis=1).max() > 1.0001 or chromaticities.white[1] < 0.01:
        raise ValueError("points outside the diagram")
    colors = np.column_stack([_xyz(point) for point in points[:3]])
    white = _xyz(points[3]) / points[3][1]
    if abs(np.linalg.det(colors)) < 1e-4:
        raise ValueError("primaries on one line")
    amounts = np.linalg.solve(colors, white)
    if amounts.min() <= 0:
        raise ValueError("white outside the triangle")
    return np.asarray(colors * amounts)


def _points(chromaticities: Chromaticities) -> Matrix:
    return np.array([chromaticities.red, chromaticities.green, chromaticities.blue, chromaticities.white])


def _xyz(point: Matrix) -> Matrix:
    return np.array([point[0], point[1], 1 - point[0] - point[1]])


def _adaptation(white: Point) -> Matrix:
    """Return the matrix that takes XYZ seen under a white to XYZ seen under D65."""
    source, target = (_BRADFORD @ (_xyz(np.array(point)) / point[1]) for point in (white, D65))
    return np.asarray(np.linalg.solve(_BRADFORD, (target / source)[:, None] * _BRADFORD))
