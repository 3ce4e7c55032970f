"""Computes sums that have the same bits on any number of threads and in any batch.

torch divides a long sum among its threads, so that the order of the additions, and with it the last bits, depend on
their number; it never divides a row. On a GPU torch's own sum is taken: there every call costs as much as thousands
of additions, and the same bits are not promised.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

# Far below the 32,768 elements from which on torch divides a sum.
_ROW: Final = 1024


def total(x: Tensor) -> Tensor:
    """Return the sum of all elements of ``x``, a tensor of no dimension."""
    if x.device.type != "cpu":
        return x.sum()
    flat = x.reshape(-1)
    while len(flat) > _ROW:
        whole = len(flat) // _ROW * _ROW
        rows = flat[:whole].view(-1, _ROW).sum(1)
        flat = rows if whole == len(flat) else torch.cat([rows, flat[whole:].sum(0, keepdim=True)])
    return flat.sum()


def totals(x: Tensor) -> Tensor:
    """Return the sum of all elements of each of the images ``x`` (B, ...), (B,)."""
    if x.device.type != "cpu":
        return x.sum(tuple(range(1, x.dim())))
    return torch.stack([total(image) for image in x])
