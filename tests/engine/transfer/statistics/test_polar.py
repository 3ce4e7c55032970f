"""Polar factors are orthogonal, the nearest ones, and as exact as their numbers."""

from __future__ import annotations

import pytest
import torch

from pipeline.engine.transfer.statistics.polar import polar_factor


@pytest.mark.parametrize(("dtype", "allowed"), [(torch.float32, 2e-4), (torch.float64, 1e-9)])
def test_it_is_the_polar_factor_of_an_ill_conditioned_matrix(dtype: torch.dtype, allowed: float) -> None:
    generator = torch.Generator().manual_seed(0)
    left, right = (
        torch.linalg.qr(torch.randn(2, 24, 24, dtype=torch.float64, generator=generator)).Q for _ in range(2)
    )
    values = torch.logspace(0, -4, 24, dtype=torch.float64)
    found = polar_factor((left * values @ right).to(dtype), 1e-5)
    torch.testing.assert_close(found.double(), left @ right, rtol=0, atol=allowed)


def test_matrices_of_all_sizes_have_the_same_one() -> None:
    matrix = torch.randn(1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(polar_factor(matrix * 1e6, 1e-4), polar_factor(matrix, 1e-4))
