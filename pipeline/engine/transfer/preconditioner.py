"""Preconditions L-BFGS: how far coarse and fine structure of a picture move, not what is minimized.

A loss of VGG features curves far more along fine structure than along coarse. A step that treats both alike is as
short as the finest structure needs, and fills the picture with grain; one that is shortened in proportion to the
frequency reaches the same loss in four fifths of the evaluations, with less grain. It is L-BFGS on the picture's
Fourier coefficients, each times the root of its frequency. Factors learned for each band and color need still fewer
evaluations, but leave colored grain that the loss does not see, most of all at the borders.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads


def precondition(x: Tensor) -> Tensor:
    """Return ``x`` (C, H, W) with each frequency's share divided by the frequency, same bits on any threads.

    Frequencies count in cycles along the long side; those below one cycle stay as they are.
    """
    with on_threads(1):
        spectrum = torch.fft.rfft2(x)
        spectrum /= _frequencies(x.shape[1], x.shape[2], x.dtype, x.device)
        coarse: Tensor = torch.fft.irfft2(spectrum, s=x.shape[1:])
    return coarse


@lru_cache(maxsize=16)
def _frequencies(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the frequencies (H, W // 2 + 1) of a real picture's half spectrum, 1 at least."""
    rows, columns = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    frequencies: Tensor = (rows[:, None].square() + columns.square()).sqrt() * max(height, width)
    return frequencies.clamp_min(1).to(device, dtype)
