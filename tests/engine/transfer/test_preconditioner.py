"""What coarsens a picture divides each frequency by itself, and nothing else."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.transfer.preconditioner import precondition

SHAPES = [(3, 4, 5), (3, 32, 48), (1, 33, 47), (3, 48, 32)]


def some_picture(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("cycles", [1, 2, 8, 32])
def test_a_wave_is_divided_by_its_frequency(cycles: int) -> None:
    row = torch.cos(torch.arange(64, dtype=torch.float64) * (2 * math.pi * cycles / 64))
    wave = row.expand(3, 32, 64)
    torch.testing.assert_close(precondition(wave), wave / cycles)
    upright = wave.transpose(1, 2)
    torch.testing.assert_close(precondition(upright), upright / cycles)


@pytest.mark.parametrize(("cycles", "divisor"), [(1, 8), (4, 8), (8, 8), (16, 16), (32, 32)])
def test_what_is_coarser_than_a_number_of_cycles_a_pixel_is_treated_alike(cycles: int, divisor: int) -> None:
    row = torch.cos(torch.arange(64, dtype=torch.float64) * (2 * math.pi * cycles / 64))
    for wave in (row.expand(3, 32, 64), row.expand(3, 32, 64).transpose(1, 2)):
        torch.testing.assert_close(precondition(wave, alike_below=1 / 8), wave / divisor)


def test_a_flat_picture_stays_as_it_is() -> None:
    flat = torch.full((3, 32, 48), 0.5)
    torch.testing.assert_close(precondition(flat), flat)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_symmetric_and_positive(shape: tuple[int, ...]) -> None:
    x, z = some_picture(shape), some_picture(shape, 1)
    torch.testing.assert_close((z * precondition(x)).sum(), (precondition(z) * x).sum())
    assert float((x * precondition(x)).sum()) > 0


def test_the_picture_itself_is_left_alone() -> None:
    x = some_picture((3, 32, 48))
    before = x.clone()
    precondition(x)
    assert torch.equal(x, before)


def test_threads_change_no_bit() -> None:
    x = torch.randn(3, 192, 256, generator=torch.Generator().manual_seed(0))
    found = []
    for threads in (1, 2, 5):
        with on_threads(threads):
            found.append(precondition(x))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
