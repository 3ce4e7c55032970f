"""How far colors and frequencies of a picture have to move. Owns the bands; refuses to know what is minimized.

A loss of VGG features bends far more along brightness than along color, and not alike along coarse structure and
along grain. A step that treats all alike is as short as the stiffest of them asks for. So a picture is seen as three
opponent colors (brightness, red - green, yellow - blue), each as bands of spatial frequency, and every band has its
own gain, learned from what was seen of it: from steps s and the changes y of the gradient along them. The gain
sqrt(sum |s|² / sum |y|²) is the geometric mean of the two step lengths of Barzilai and Borwein (1988), band by band.

Everything here runs on one thread, so that it comes out in the same bits for any number of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.threads import on_threads

_BANDS: Final = 24
_BANDS_PER_OCTAVE: Final = 3
_OPPONENTS: Final = ((1.0, 1.0, 1.0), (1.0, -1.0, 0.0), (1.0, 1.0, -2.0))
# A band of a smaller share hardly moved: nothing can be learned of it.
_LEAST_SHARE: Final = 1e-8


def band_powers(x: Tensor) -> Tensor:
    """Return |x|² of a picture (3, H, W) by opponent color and band, (3, bands)."""
    with on_threads(1):
        powers: Tensor = _spectrum(x).abs().square_().mul_(_twins(x.shape[2], x))
        sums = powers.new_zeros(len(powers), _BANDS)
        return sums.index_add_(1, _bands_at(x).flatten(), powers.flatten(1))


def scale_bands(x: Tensor, gains: Tensor) -> Tensor:
    """Return a picture (3, H, W) with each color's bands times their ``gains`` (3, bands)."""
    with on_threads(1):
        spectrum = _spectrum(x) * gains[:, _bands_at(x)]
        return _mixed(_opponents(x).T, torch.fft.irfft2(spectrum, s=x.shape[1:], norm="ortho"))


def learned_gains(pairs: Sequence[Tensor]) -> Tensor:
    """Return gains (3, bands), in no particular unit, from :func:`band_powers` of pairs s and y, (2, 3, bands)."""
    steps, changes = torch.stack([pair / pair[1].sum() for pair in pairs]).sum(0)
    squares: Tensor = (steps / steps.sum() + _LEAST_SHARE) / (changes / changes.sum() + _LEAST_SHARE)
    return squares.sqrt()


def gains_for_the_next_scale(pairs: Sequence[Tensor]) -> Tensor:
    """Return :func:`learned_gains` for a larger picture, whose coarsest waves fall into bands that were empty so far.

    Bands are counted down from the finest waves a picture can hold, as VGG's features look at so many pixels.
    """
    gains = learned_gains(pairs)
    seen = (pairs[-1][1].sum(0) > 0).tolist()
    for band in reversed(range(_BANDS - 1)):
        if not seen[band]:
            gains[:, band] = gains[:, band + 1]
    return gains


def usual_gains(x: Tensor) -> Tensor:
    """Return the gains (3, bands) for a picture (3, H, W) of which nothing is known yet: 1 / frequency."""
    octaves = torch.arange(_BANDS, device=x.device, dtype=x.dtype) / _BANDS_PER_OCTAVE
    return torch.exp2(-octaves).expand(3, -1)


def _spectrum(x: Tensor) -> Tensor:
    spectrum: Tensor = torch.fft.rfft2(_mixed(_opponents(x), x), norm="ortho")
    return spectrum


def _mixed(matrix: Tensor, x: Tensor) -> Tensor:
    return (matrix @ x.flatten(1)).view(x.shape)


def _opponents(x: Tensor) -> Tensor:
    axes = x.new_tensor(_OPPONENTS)
    return axes / axes.square().sum(1, keepdim=True).sqrt()


def _twins(width: int, x: Tensor) -> Tensor:
    """Return how often each column of a real picture's half spectrum occurs in the whole: the inner ones twice."""
    columns = torch.full((width // 2 + 1,), 2, device=x.device, dtype=x.dtype)
    columns[0] = 1
    if width % 2 == 0:
        columns[-1] = 1
    return columns


def _bands_at(x: Tensor) -> Tensor:
    return _bands(x.shape[1], x.shape[2]).to(x.device)


@lru_cache(maxsize=16)
def _bands(height: int, width: int) -> Tensor:
    """Return the band (H, W // 2 + 1) of each frequency; the highest frequencies are in the last band."""
    rows, columns = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    frequencies = (rows[:, None].square() + columns.square()).sqrt().clamp_min(1 / max(height, width))
    octaves_down = (math.sqrt(0.5) / frequencies).log2()
    bands: Tensor = _BANDS - 1 - (octaves_down * _BANDS_PER_OCTAVE).long()
    return bands.clamp(0, _BANDS - 1)
