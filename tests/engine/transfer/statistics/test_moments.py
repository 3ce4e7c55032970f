"""Moments are averages over pixels, and those of a blend are sums of its paintings'."""

from __future__ import annotations

import torch

from pipeline.engine.transfer.statistics.moments import Moments, blended, moments_of


def test_moments_are_averages_over_pixels() -> None:
    moments = moments_of(torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]]))
    assert moments.mean.tolist() == [1.5, 1.0]
    assert moments.second.tolist() == [[2.5, 0.5], [0.5, 5.0]]


def test_moments_are_single_precision_at_least() -> None:
    assert moments_of(torch.ones(1, 2, 2, 2, dtype=torch.bfloat16)).mean.dtype == torch.float32


def test_a_blend_has_its_paintings_shares() -> None:
    one, two = (Moments(torch.full((2,), value), torch.full((2, 2), 10 * value)) for value in (1.0, 5.0))
    both = blended([(one, 0.75), (two, 0.25)])
    assert both.mean.tolist() == [2.0, 2.0]
    assert both.second.tolist() == [[20.0, 20.0], [20.0, 20.0]]


def test_a_blends_quantiles_are_the_barycenter_of_its_paintings() -> None:
    one, two = (
        Moments(torch.zeros(1), torch.zeros(1, 1), torch.tensor([[value, 3 * value]])) for value in (1.0, 5.0)
    )
    found = blended([(one, 0.75), (two, 0.25)]).quantiles
    assert found is not None
    assert found.tolist() == [[2.0, 6.0]]
