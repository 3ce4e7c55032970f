"""Computes polar factors of matrices by Newton-Schulz iterations, which are matrix products and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

# The last iteration squares what is missing of 1 before it: so the result is as exact as its numbers.
_NEARLY_ONE: Final = {torch.float32: 1 - 1e-4, torch.float64: 1 - 1e-8}


def polar_factor(matrices: Tensor, least: float) -> Tensor:
    """Return the orthogonal matrices (B, C, C) that are nearest to ``matrices`` (B, C, C): K (K' K)^(-1/2).

    ``least``: no singular value is a smaller part of its matrix's Frobenius norm.
    """
    norms = matrices.square().sum((1, 2), keepdim=True).sqrt()
    found = matrices / norms
    for factor in _factors(least, _NEARLY_ONE[matrices.dtype]):
        squares = found.transpose(1, 2) @ found
        found = torch.baddbmm(found, found, squares, beta=1.5 * factor, alpha=-0.5 * factor**3)
    return found


def _factors(least: float, enough: float) -> Iterator[float]:
    """Return the scale of each iteration that brings singular values from ``least`` ... 1 to nearly 1.

    Of all cubic polynomials, Newton and Schulz's (3 x - x^3) / 2 of x times the scale leads nearest to 1: Chen and
    Chow, "A stable scaling of Newton-Schulz for improving the sign function computation of a Hermitian matrix", 2014.
    """
    while least < enough:
        factor = math.sqrt(3 / (1 + least + least**2))
        yield factor
        scaled = factor * least
        least = scaled * (3 - scaled**2) / 2
    yield 1.0
