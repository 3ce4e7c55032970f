"""The content loss of features weighs places as it is asked to."""

from __future__ import annotations

import pytest
import torch

from pipeline.engine.transfer.content.features import Features
from pipeline.model import LossKind


@pytest.mark.parametrize("kind", ["relative", "gatys", "tensorflow"])
def test_factors_weigh_places_and_change_nothing_at_one(kind: LossKind) -> None:
    found, photo = torch.rand(2, 2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    content, target = Features(), Features().target(photo)
    plain = content.loss(found, target, kind)
    assert torch.equal(content.loss(found, target, kind, torch.ones(2, 1, 4, 5)), plain)
    left = torch.tensor([1.0, 1, 0, 0, 0], dtype=torch.float64).expand(2, 1, 4, 5)
    parts = [content.loss(found, target, kind, factors) for factors in (left, 1 - left)]
    torch.testing.assert_close(parts[0] + parts[1], plain)
    torch.testing.assert_close(content.loss(found, target, kind, 3 * left), 3 * parts[0])
