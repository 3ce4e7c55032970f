"""Quantiles are means of equal parts of the sorted values, along directions that never change."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from pipeline.engine.transfer.statistics.quantiles import (
    directions,
    ranked,
    spread,
    weighted_quantiles,
    with_levels,
)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_quantiles_are_means_of_equal_parts_of_the_sorted_values() -> None:
    assert ranked(torch.tensor([[3.0, 1.0, 6.0, 2.0]])).quantiles.tolist() == [[1.5, 4.5]]
    assert ranked(torch.tensor([[3.0]])).quantiles.tolist() == [[3.0]]


@pytest.mark.parametrize("count", [1024, 1025, 5000])
def test_each_value_is_in_one_of_at_most_512_levels_of_one_size(count: int) -> None:
    values = random(3, count)
    found = ranked(values)
    levels = found.quantiles.shape[1]
    assert levels == 512
    sizes = torch.stack([torch.bincount(row.long(), minlength=levels) for row in found.level])
    assert sizes.max() - sizes.min() <= 1
    assert (found.quantiles.diff(dim=1) > 0).all()
    means = torch.stack([row[level == 7].mean() for row, level in zip(values, found.level, strict=True)])
    torch.testing.assert_close(found.quantiles[:, 7], means)


@pytest.mark.parametrize("count", [5, 64, 1030])
def test_a_gradient_of_quantiles_is_spread_over_their_values(count: int) -> None:
    values, slopes = random(2, count), random(2, 512, seed=1)
    found = ranked(values)
    slopes = slopes[:, : found.quantiles.shape[1]]
    change = 1e-7 * random(2, count, seed=2)
    expected = ((ranked(values + change).quantiles - found.quantiles) * slopes).sum()
    torch.testing.assert_close((spread(slopes, found.level) * change).sum(), expected, rtol=1e-5, atol=0)


def test_equal_shares_are_none() -> None:
    values = random(3, 256)
    torch.testing.assert_close(weighted_quantiles(values, torch.ones(256)), ranked(values).quantiles)


def test_a_value_that_counts_twice_is_there_twice() -> None:
    values, shares = random(2, 64), torch.tensor([2.0, 0.0, 1.0, 1.0]).repeat(16)
    twice = values.repeat_interleave(shares.long(), dim=1)
    torch.testing.assert_close(weighted_quantiles(values, shares), ranked(twice).quantiles)


def test_other_levels_are_means_of_what_they_cover() -> None:
    quantiles = torch.tensor([[1.0, 2.0, 6.0, 8.0]])
    assert with_levels(quantiles, 2).tolist() == [[1.5, 7.0]]
    assert with_levels(quantiles, 8).tolist() == [[1.0, 1.0, 2.0, 2.0, 6.0, 6.0, 8.0, 8.0]]


def test_directions_are_orthogonal_and_never_change() -> None:
    found = directions(64, torch.float64, torch.device("cpu"))
    torch.testing.assert_close(found @ found.T, torch.eye(64, dtype=torch.float64))
    # Style caches hold quantiles along these.
    rounded = np.round(found.numpy(), 6) + 0.0
    assert hashlib.sha256(rounded.tobytes()).hexdigest()[:16] == "bc98890838b90d9a"
