"""A sum has the same bits for any number of threads and in any batch."""

from __future__ import annotations

import pytest
import torch

from pipeline.engine.cpu.deterministic_sum import total, totals
from pipeline.engine.cpu.threads import on_threads

LENGTHS = (0, 1, 1023, 1024, 1025, 40_000, 3_000_001)


@pytest.mark.parametrize("length", LENGTHS)
def test_nothing_is_left_out_and_nothing_counts_twice(length: int) -> None:
    numbers = torch.arange(length, dtype=torch.float64)
    assert float(total(numbers)) == length * (length - 1) / 2


@pytest.mark.parametrize("length", LENGTHS)
def test_no_bit_depends_on_the_threads(length: int) -> None:
    numbers = torch.rand(length, generator=torch.Generator().manual_seed(length))
    sums = set()
    for count in (1, 2, 3, 8):
        with on_threads(count):
            sums.add(float(total(numbers)))
    assert len(sums) == 1


def test_every_image_has_the_sum_it_has_alone() -> None:
    images = torch.rand(3, 3, 50, 41, generator=torch.Generator().manual_seed(1))
    together = totals(images)
    assert together.shape == (3,)
    assert together.tolist() == [float(totals(image[None])) for image in images]
