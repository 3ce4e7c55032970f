"""When a size is finished: as the loss falls, which size it is, and how large."""

from __future__ import annotations

import pytest

from pipeline.engine.transfer.plateau import PLATEAU_WINDOW, is_plateau, leniency_at, tolerance_at
from pipeline.model import Recipe


def test_the_gain_of_a_window_is_compared_with_the_tolerance() -> None:
    totals = [100.0, *[95.0] * PLATEAU_WINDOW]
    assert is_plateau(totals, 0.051)
    assert not is_plateau(totals, 0.049)
    assert not is_plateau([0.0] * (PLATEAU_WINDOW + 1), 0.0)


def test_with_fewer_evaluations_nothing_is_known_yet() -> None:
    assert not is_plateau([100.0] * PLATEAU_WINDOW, 0.5)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((512,), [0.1]),
        ((128, 512, 1024), [0.2, 0.2, 0.1]),
        ((512, 1024, 2048), [0.2, 0.8, 0.4]),
        ((64, 2048), [0.2, 0.4]),
    ],
)
def test_coarse_sizes_and_large_ones_end_sooner(sizes: tuple[int, ...], expected: list[float]) -> None:
    recipe = Recipe(size=sizes[-1], scales=sizes, tolerance=0.1)
    assert [tolerance_at(recipe, index) for index in range(len(sizes))] == pytest.approx(expected)


def test_without_a_tolerance_no_size_ends_sooner() -> None:
    assert tolerance_at(Recipe(size=4096, tolerance=0.0), 0) == 0
    assert [leniency_at(Recipe(size=size, scales=1), 0) for size in (100, 1024, 4096)] == [1, 1, 16]
