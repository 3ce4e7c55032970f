"""Describes in a few numbers how a photo looks (colors, brightness, edges), only to tell photos apart, cheaply."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import JobError
from pipeline.images.decode import decode_reduced, eight_bits

_SIDE: Final = 32
_GRID: Final = 4
_LEVELS: Final = 4
_DIRECTIONS: Final = 8

Look = NDArray[np.float32]


def describe(path: Path, max_pixels: int) -> Look | None:
    """Return how the photo at ``path`` looks; None if it can't be read. Two looks differ by their distance."""
    try:
        pixels = decode_reduced(path.read_bytes(), long_side=_SIDE, max_pixels=max_pixels).pixels
    except (JobError, OSError, MemoryError):
        return None
    return look_of(eight_bits(pixels))


def look_of(pixels: NDArray[np.uint8]) -> Look:
    """Return how (H, W, 3) pixels look: each part has a length of about 1, so that all count alike."""
    brightness = pixels.astype(np.float32).mean(axis=2) / 255
    parts = [_colors(pixels), _places(brightness), _edges(brightness)]
    return np.concatenate(parts).astype(np.float32)


def _colors(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    level = pixels.reshape(-1, 3).astype(np.int64) * _LEVELS // 256
    bins = (level[:, 0] * _LEVELS + level[:, 1]) * _LEVELS + level[:, 2]
    counts = np.bincount(bins, minlength=_LEVELS**3)
    shares: NDArray[np.float64] = np.sqrt(counts / counts.sum())
    return shares


def _places(brightness: NDArray[np.float32]) -> NDArray[np.float64]:
    means = [
        part.mean()
        for rows in np.array_split(brightness, _GRID)
        for part in np.array_split(rows, _GRID, axis=1)
        if part.size
    ]
    padded = np.zeros(_GRID * _GRID)
    padded[: len(means)] = means
    return padded / _GRID


def _edges(brightness: NDArray[np.float32]) -> NDArray[np.float64]:
    if min(brightness.shape) < 2:
        return np.zeros(_DIRECTIONS)
    down, right = np.gradient(brightness)
    strength = np.hypot(down, right)
    direction = ((np.arctan2(down, right) % np.pi) / np.pi * _DIRECTIONS).astype(np.int64) % _DIRECTIONS
    sums = np.bincount(direction.ravel(), weights=strength.ravel(), minlength=_DIRECTIONS)
    strengths: NDArray[np.float64] = np.sqrt(sums / brightness.size)
    return strengths


def farthest_points(looks: NDArray[np.float32], count: int, apart: NDArray[np.float32]) -> list[int]:
    """Return ``count`` rows that differ, beginning with the most usual one; the next is far from all chosen ones.

    ``apart``: (N, N), what is added to the distance of two rows.
    """
    distances = np.linalg.norm(looks[:, None] - looks[None], axis=2) + apart
    chosen = [int(distances.sum(axis=1).argmin())]
    while len(chosen) < min(count, len(looks)):
        nearest = distances[:, chosen].min(axis=1)
        nearest[chosen] = -1
        chosen.append(int(nearest.argmax()))
    return chosen
