"""Whatever recipes can keep of a photo is met by the photo itself."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from pipeline.engine.transfer.content import CONTENT_LOSSES
from pipeline.model import ContentLossKind


def test_every_content_loss_has_the_name_that_recipes_give_it() -> None:
    assert list(CONTENT_LOSSES) == list(get_args(ContentLossKind))


@pytest.mark.parametrize("name", CONTENT_LOSSES)
def test_a_photo_keeps_its_own_content(name: str) -> None:
    photo, other = torch.rand(2, 1, 4, 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    content = CONTENT_LOSSES[name]
    target = content.target(photo)
    assert content.loss(photo, target, "relative") < 1e-9
    assert content.loss(other, target, "relative") > 1e-3
