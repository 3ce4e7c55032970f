"""What is measured at the borders of blocks is there and nowhere else."""

from __future__ import annotations

import pytest
import torch

from tests.benchmarks.large_pictures import border_energy


def test_a_seam_shows_and_what_is_elsewhere_does_not() -> None:
    gradients = torch.ones(1, 3, 1024, 64)
    assert border_energy(gradients, (1024, 64)) == 1.0
    gradients[:, :, 511:513] *= 2
    assert border_energy(gradients, (1024, 64)) == pytest.approx(4.0)
    gradients[:, :, 100] *= 5
    assert border_energy(gradients, (1024, 64)) < 4.0


def test_a_picture_of_one_block_has_no_borders() -> None:
    assert border_energy(torch.ones(1, 3, 512, 512), (512, 512)) == 1.0
