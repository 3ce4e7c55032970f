"""Moves a painting's colors to a photo's, in Oklab: ``color: match``.

By means and covariances, as Gatys, Bethge, Hertzmann and Shechtman do before the transfer
(https://arxiv.org/abs/1606.05897), but lightness first: a painting's lightness follows from its lightness alone, so
that light strokes stay lighter than dark ones. Of chroma, the part that goes with lightness becomes the photo's (warm
lights, cool shadows), and the rest is moved by the map of least displacement, the linear Monge-Kantorovitch map of
Pitié and Kokaram (https://doi.org/10.1049/cp:20070055). Together these give exactly the photo's mean and covariance,
as long as no color leaves the range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.transfer.color.oklab import PIXELS_AT_ONCE, by_pixels, from_oklab, to_oklab

# More than paintings need for the colors of usual photos; what is nearly gray has only noise to be made stronger.
_MOST_GAIN: Final = 4.0
# Where lightness begins to be pressed together if some of it would be lighter than white.
_KNEE: Final = 0.8
# Below what 8 bits can tell apart: the variance of an even color.
_EVEN: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Palette:
    """The colors of a picture in Oklab: ``mean`` (3,) and ``covariance`` (3, 3), float64.

    ``lightness``: of the darkest and of the lightest pixel.
    """

    mean: Tensor
    covariance: Tensor
    lightness: tuple[float, float] = (0.0, 1.0)


def palette_of(picture: Tensor, shares: Tensor | None = None) -> Palette:
    """Return the palette of a picture (1, 3, H, W), sRGB 0..1.

    ``shares`` (1, 1, H, W): how much each pixel counts, 0 or more; None, or 0 everywhere = all alike.
    """
    colors = picture[0].flatten(1)
    weights = torch.ones(1, colors.shape[1]) if shares is None or not shares.any() else shares[0].flatten(1)
    count = torch.zeros((), dtype=torch.float64)
    darkest, lightest = 1.0, 0.0
    total, products = torch.zeros(3, 1, dtype=torch.float64), torch.zeros(3, 3, dtype=torch.float64)
    with on_threads(1):  # for the same bits with any number of them
        for first in range(0, colors.shape[1], PIXELS_AT_ONCE):
            part = slice(first, first + PIXELS_AT_ONCE)
            lab, weight = to_oklab(colors[:, part]), weights[:, part].double()
            count, total = count + weight.sum(), total + (lab * weight).sum(1, keepdim=True)
            products = products + (lab * weight) @ lab.T
            darkest, lightest = min(darkest, float(lab[0].min())), max(lightest, float(lab[0].max()))
    mean = total / count
    return Palette(mean[:, 0], products / count - mean @ mean.T, (darkest, lightest))


@dataclass(frozen=True, slots=True)
class ColorMatch:
    """Where the colors of paintings are moved to; ``mix``: how much of the way, 0..1."""

    wanted: Palette
    mix: float

    def of(self, painting: Tensor) -> Tensor:
        """Return a painting (1, 3, H, W), sRGB 0..1, in these colors."""
        found = palette_of(painting)
        matrix = torch.lerp(torch.eye(3, dtype=torch.float64), _map_between(found, self.wanted), self.mix)
        mean = torch.lerp(found.mean, self.wanted.mean, self.mix)

        darkest, lightest = (
            float(mean[0] + matrix[0, 0] * (lightness - found.mean[0])) for lightness in found.lightness
        )

        def moved(colors: Tensor) -> Tensor:
            lab = matrix @ (to_oklab(colors) - found.mean[:, None]) + mean[:, None]
            lab[0] = 1 - _below_white(1 - _below_white(lab[0], lightest), 1 - darkest)
            return from_oklab(lab)

        return by_pixels(moved, painting)


def without_other_colors(picture: Tensor, photo: Tensor, shares: Tensor | None = None) -> Tensor:
    """Return a picture without colors that the photo does not have, both (1, 3, H, W), sRGB 0..1.

    The losses hardly see faint tints, so that even from gray paintings and gray photos a picture goes astray. Its
    lightness stays, its mean chroma and how that goes with lightness become the photo's, and no color is made
    stronger. ``shares``: as of :func:`palette_of`.
    """
    found, wanted = palette_of(picture, shares), palette_of(photo, shares)
    matrix = _chroma_map(found, wanted, torch.ones((), dtype=torch.float64), most_gain=1.0)
    mean = torch.cat([found.mean[:1], wanted.mean[1:]])

    def cleaned(colors: Tensor) -> Tensor:
        return from_oklab(matrix @ (to_oklab(colors) - found.mean[:, None]) + mean[:, None])

    return by_pixels(cleaned, picture)


def _below_white(lightness: Tensor, lightest: float) -> Tensor:
    """Return lightness of which the highest is at most 1; nothing changes if it is so already, or below the knee.

    Lights that are only cut off lose their strokes and their color.
    """
    if lightest <= 1:
        return lightness
    range_before, range_after = lightest - _KNEE, 1 - _KNEE
    above = ((lightness - _KNEE) / range_before).clamp(0, 1)
    # From the slope 1 at the knee, so that there is no edge, to 1 at the lightest.
    ratio = range_before / range_after
    pressed = _KNEE + range_after * ratio * above / (1 + (ratio - 1) * above)
    return torch.where(lightness > _KNEE, pressed, lightness)


def _map_between(found: Palette, wanted: Palette) -> Tensor:
    """Return the matrix (3, 3) that gives colors around their mean the wanted covariance."""
    lightness, wanted_lightness = found.covariance[0, 0], wanted.covariance[0, 0]
    gain = (wanted_lightness.clamp(min=0) / lightness.clamp(min=_EVEN)).sqrt().clamp(max=_MOST_GAIN)
    return _chroma_map(found, wanted, gain, _MOST_GAIN)


def _chroma_map(found: Palette, wanted: Palette, gain: Tensor, most_gain: float) -> Tensor:
    """Return the matrix (3, 3) that multiplies lightness by ``gain`` and gives chroma what is wanted of it."""
    (slope, rest), (wanted_slope, wanted_rest) = _chroma_by_lightness(found), _chroma_by_lightness(wanted)
    chroma = _least_displacement(rest, wanted_rest, most_gain)
    matrix = torch.zeros(3, 3, dtype=torch.float64)
    matrix[0, 0] = gain
    matrix[1:, 0] = wanted_slope * gain - chroma @ slope
    matrix[1:, 1:] = chroma
    return matrix


def _chroma_by_lightness(palette: Palette) -> tuple[Tensor, Tensor]:
    """Return how chroma rises with lightness (2,), and the covariance (2, 2) of what lightness does not explain."""
    with_lightness = palette.covariance[1:, 0]
    slope = with_lightness / palette.covariance[0, 0].clamp(min=_EVEN)
    return slope, palette.covariance[1:, 1:] - slope[:, None] * with_lightness


def _least_displacement(found: Tensor, wanted: Tensor, most_gain: float) -> Tensor:
    """Return the symmetric matrix that turns a covariance (2, 2) into another one, as far as the gain allows."""
    root, inverse = _power(found, 0.5), _power(found, -0.5)
    whole = inverse @ _power(root @ wanted @ root, 0.5, least=0.0) @ inverse
    values, axes = torch.linalg.eigh((whole + whole.T) / 2)
    limited: Tensor = axes * values.clamp(0, most_gain) @ axes.T
    return limited


def _power(covariance: Tensor, exponent: float, least: float = _EVEN) -> Tensor:
    values, axes = torch.linalg.eigh((covariance + covariance.T) / 2)
    power: Tensor = axes * values.clamp(min=least) ** exponent @ axes.T
    return power
