"""Paintings are brought to their size once, and memory holds no more of them than it may."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from pipeline.engine.transfer.paintings import Paintings
from pipeline.model import Painting


class Loader:
    """Loads paintings of one gray value each, and tells which were asked for."""

    def __init__(self, height: int, width: int) -> None:
        self.shape = height, width, 3
        self.asked: list[str] = []
        self.sizes: list[int] = []

    def __call__(self, painting: Painting, long_side: int) -> npt.NDArray[np.uint8]:
        self.asked.append(painting.sha256)
        self.sizes.append(long_side)
        return np.full(self.shape, ord(painting.sha256), np.uint8)


def painting(name: str) -> Painting:
    return Painting(Path(f"{name}.jpg"), name)


def test_a_remembered_painting_is_the_one_that_is_not() -> None:
    load = Loader(40, 80)
    paintings = Paintings(load)
    found = [paintings.remembered_at(painting("a"), 64) for _ in range(2)]
    assert load.asked == ["a"]
    assert found[0].shape == (1, 3, 32, 64)
    assert torch.equal(found[0], found[1])
    assert torch.equal(paintings.at(painting("a"), 64), found[0])
    assert load.asked == ["a", "a"]


def test_each_size_is_another_one() -> None:
    load = Loader(40, 80)
    paintings = Paintings(load)
    assert [paintings.remembered_at(painting("a"), size).shape[3] for size in (64, 70, 64)] == [64, 70, 64]
    assert load.asked == ["a", "a"]
    assert load.sizes == [64, 70]


def test_memory_is_bounded_by_pixels_and_forgets_the_least_recently_used() -> None:
    load = Loader(40, 40)
    paintings = Paintings(load, most_pixels=2 * 40 * 40)
    for name in "abacb":
        paintings.remembered_at(painting(name), 40)
    assert load.asked == ["a", "b", "c", "b"]
    large = Loader(60, 60)
    paintings = Paintings(large, most_pixels=2 * 40 * 40)
    for _ in range(2):
        paintings.remembered_at(painting("d"), 60)
    assert large.asked == ["d", "d"]
