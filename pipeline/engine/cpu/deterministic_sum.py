"""Sums that come out in the same bits for any number of threads and in any batch. Refuses to know of what.

torch splits a long sum among its threads, so that the order of the additions, and with it the last bits, depend on
how many there are; it never splits a row. A GPU adds at once and in its own order: there every call costs as much as
thousands of additions.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

# Far below the 32,768 elements from which on torch splits a sum.
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
