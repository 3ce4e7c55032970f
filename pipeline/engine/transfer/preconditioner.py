"""Preconditions L-BFGS: how far coarse and fine structure of a picture move, not what is minimized.

A loss of VGG features curves far more along fine structure than along coarse. A step that treats both alike is as
short as the finest structure needs, and fills the picture with grain; one that is shortened in proportion to the
frequency reaches the same loss in four fifths of the evaluations, with less grain. It is L-BFGS on the picture's
Fourier coefficients, each times the root of its frequency. Factors learned for each band and color need still fewer
evaluations, but leave colored grain that the loss does not see, most of all at the borders.

A size that begins with a smaller one's result has its coarse structure already, and what it lacks is fine. There only
the finest is shortened: 512 pixels after 256 take four fifths of the evaluations that they would take otherwise, 2048
after 1024 half of them, and the specks that steps along coarse structure leave are gone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads

#: In cycles a pixel, what is coarse enough to be left as a smaller size made it: waves of eight pixels and more. With
#: four there is more grain, with sixteen it takes one evaluation of sixteen more.
COARSE_BELOW: Final = 1 / 8


def precondition(x: Tensor, alike_below: float = 0.0) -> Tensor:
    """Return ``x`` (C, H, W) with each frequency's share divided by the frequency, same bits on any threads.

    Frequencies count in cycles along the long side; those below one cycle, or below ``alike_below`` cycles a pixel,
    are all divided by that.
    """
    with on_threads(1):
        spectrum = torch.fft.rfft2(x)
        spectrum /= _frequencies(x.shape[1], x.shape[2], alike_below, x.dtype, x.device)
        coarse: Tensor = torch.fft.irfft2(spectrum, s=x.shape[1:])
    return coarse


@lru_cache(maxsize=16)
def _frequencies(height: int, width: int, alike_below: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the frequencies (H, W // 2 + 1) of a real picture's half spectrum, 1 at least."""
    longest = max(height, width)
    rows, columns = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    frequencies: Tensor = (rows[:, None].square() + columns.square()).sqrt() * longest
    return frequencies.clamp_min(max(1.0, alike_below * longest)).to(device, dtype)
