"""The squared distance has its three published forms, one value for each image, in float32 at least."""

from __future__ import annotations

import pytest
import torch

from pipeline.engine.transfer.distance import exact, squared_distance
from pipeline.model import LossKind


# The differences are (1, 2, 2) and (0, 0, 3), with the sum 9; the targets' squares add up to 3 and to 12.
@pytest.mark.parametrize(
    ("kind", "expected"), [("relative", [3.0, 0.75]), ("gatys", [1.8, 1.8]), ("tensorflow", [3.0, 3.0])]
)
def test_the_distance_has_three_forms(kind: LossKind, expected: list[float]) -> None:
    found = torch.tensor([[2.0, 3.0, 3.0], [2.0, 2.0, 5.0]])
    target = torch.tensor([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
    distances = squared_distance(found, target, kind, gatys_divisor=5)
    torch.testing.assert_close(distances, torch.tensor(expected))


def test_an_unknown_form_is_an_error() -> None:
    with pytest.raises(AssertionError, match="huber"):
        squared_distance(torch.ones(1, 4), torch.ones(1, 4), "huber", gatys_divisor=1)  # type: ignore[arg-type]


def test_a_target_of_zeros_is_at_a_finite_relative_distance() -> None:
    assert torch.isfinite(squared_distance(torch.ones(1, 4), torch.zeros(1, 4), "relative", gatys_divisor=1)).all()


def test_reduced_precision_becomes_float32_and_double_stays() -> None:
    assert exact(torch.ones(1, dtype=torch.bfloat16)).dtype == torch.float32
    assert exact(torch.ones(1, dtype=torch.float64)).dtype == torch.float64
