"""Bands see what a picture is made of, and gains follow what was learned of them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pipeline.engine.spectrum import band_powers, gains_for_the_next_scale, learned_gains, scale_bands, usual_gains
from pipeline.engine.threads import on_threads

SHAPES = [(3, 4, 5), (3, 32, 48), (3, 33, 47), (3, 48, 32)]


def some_picture(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def waves(cycles: int, color: tuple[float, float, float]) -> Tensor:
    """A picture (3, 32, 64) of so many waves from left to right."""
    row = torch.cos(torch.arange(64, dtype=torch.float64) * (2 * math.pi * cycles / 64))
    return torch.tensor(color, dtype=torch.float64).view(3, 1, 1) * row.expand(32, 64)


@pytest.mark.parametrize("shape", SHAPES)
def test_powers_add_up_to_the_square_of_the_picture(shape: tuple[int, ...]) -> None:
    x = some_picture(shape)
    torch.testing.assert_close(band_powers(x).sum(), x.square().sum())


@pytest.mark.parametrize(
    ("color", "opponent"), [((1, 1, 1), 0), ((1, -1, 0), 1), ((1, 1, -2), 2)], ids=["bright", "red", "yellow"]
)
def test_each_opponent_color_has_its_own_powers(color: tuple[float, float, float], opponent: int) -> None:
    powers = band_powers(waves(4, color))
    assert float(powers[opponent].sum() / powers.sum()) == pytest.approx(1)


def test_finer_waves_lie_in_higher_bands() -> None:
    bands = [int(band_powers(waves(cycles, (1, 1, 1)))[0].argmax()) for cycles in (0, 2, 4, 8, 16, 32)]
    assert bands == sorted(set(bands))


@pytest.mark.parametrize("shape", SHAPES)
def test_gains_of_one_change_nothing(shape: tuple[int, ...]) -> None:
    x = some_picture(shape)
    torch.testing.assert_close(scale_bands(x, torch.ones_like(usual_gains(x))), x)


@pytest.mark.parametrize("shape", SHAPES)
def test_scaling_bands_is_symmetric_and_has_the_powers_that_gains_promise(shape: tuple[int, ...]) -> None:
    x, z = some_picture(shape), some_picture(shape, 1)
    gains = some_picture(tuple(usual_gains(x).shape), 2).exp()
    scaled = scale_bands(x, gains)
    torch.testing.assert_close((z * scaled).sum(), (scale_bands(z, gains) * x).sum())
    torch.testing.assert_close((x * scaled).sum(), (gains * band_powers(x)).sum())


def test_gains_are_learned_band_by_band() -> None:
    truth = some_picture((3, 24), 3).exp()
    changes = [some_picture((3, 32, 48), seed) for seed in range(4)]
    pairs = [torch.stack([band_powers(scale_bands(y, truth)), band_powers(y)]) for y in changes]
    gains = learned_gains(pairs)
    seen = band_powers(changes[0]) > 0
    ratios = (gains / truth)[seen]
    torch.testing.assert_close(ratios, ratios[0].expand(len(ratios)), rtol=1e-2, atol=0)


def test_gains_are_finite_where_nothing_was_seen() -> None:
    flat = torch.full((3, 32, 48), 0.5)
    gains = learned_gains([torch.stack([band_powers(flat), band_powers(2 * flat)])])
    assert bool(torch.isfinite(gains).all())
    assert float(gains.min()) > 0


def test_the_next_scale_takes_the_gains_of_waves_as_many_pixels_long() -> None:
    truth = usual_gains(some_picture((3, 4, 4)))
    changes = some_picture((3, 32, 48))
    carried = gains_for_the_next_scale(
        [torch.stack([band_powers(scale_bands(changes, truth)), band_powers(changes)])]
    )
    finer = some_picture((3, 64, 96), 1)
    expected, found = band_powers(scale_bands(finer, truth)), band_powers(scale_bands(finer, carried))
    seen = band_powers(changes).sum(0) > 0
    ratios = (found / expected)[:, seen]
    torch.testing.assert_close(ratios, ratios[0, -1].expand_as(ratios), rtol=0.05, atol=0)
    coarsest = int(seen.nonzero()[0])
    torch.testing.assert_close(carried[:, :coarsest], carried[:, coarsest, None].expand(-1, coarsest))


def test_usual_gains_fall_with_frequency() -> None:
    gains = usual_gains(some_picture((3, 32, 48)))
    assert bool((gains.diff(dim=1) < 0).all())
    assert torch.equal(gains[0], gains[1])


def test_threads_change_no_bit() -> None:
    x = torch.randn(3, 192, 256, generator=torch.Generator().manual_seed(0))
    found = []
    for threads in (1, 2, 5):
        with on_threads(threads):
            found.append((band_powers(x), scale_bands(x, usual_gains(x))))
    assert all(torch.equal(a, b) for other in found for a, b in zip(found[0], other, strict=True))
