"""A picture in the photo's colors has the photo's chroma, where there is such a color, under its own lightness."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.engine.transfer.color.oklab import from_oklab, to_oklab
from pipeline.engine.transfer.color.photo_colors import with_chroma_of


def pastel(seed: int) -> Tensor:
    """Return a picture (1, 3, 20, 30) whose chroma any other one of these can have at its lightness."""
    values = torch.rand(3, 600, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5
    lab = values * torch.tensor([[0.3], [0.08], [0.08]]) + torch.tensor([[0.6], [0.0], [0.0]])
    return from_oklab(lab).view(1, 3, 20, 30)


def lab_of(picture: Tensor) -> Tensor:
    return to_oklab(picture[0].flatten(1))


@pytest.mark.parametrize("mix", [0.25, 1.0])
def test_chroma_goes_to_the_photos_and_lightness_stays(mix: float) -> None:
    picture, photo = pastel(0), pastel(1)
    found = lab_of(with_chroma_of(picture, photo, mix))
    torch.testing.assert_close(found[0], lab_of(picture)[0], atol=1e-6, rtol=0)
    wanted = (1 - mix) * lab_of(picture)[1:] + mix * lab_of(photo)[1:]
    torch.testing.assert_close(found[1:], wanted, atol=1e-6, rtol=0)


def test_strong_colors_lose_chroma_but_neither_lightness_nor_hue() -> None:
    picture, photo = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0)).double(), pastel(1)
    photo[:, 2] = 0
    found, wanted = lab_of(with_chroma_of(picture, photo, 1.0)), lab_of(photo)[1:]
    torch.testing.assert_close(found[0], lab_of(picture)[0], atol=2e-4, rtol=0)
    share = found[1:].norm(dim=0) / wanted.norm(dim=0)
    assert float(share.min()) < 0.9
    torch.testing.assert_close(found[1:], wanted * share, atol=2e-4, rtol=0)


def test_a_gray_photo_makes_a_gray_picture() -> None:
    photo = torch.rand(1, 1, 20, 30, generator=torch.Generator().manual_seed(2)).expand(1, 3, -1, -1)
    found = with_chroma_of(pastel(0).float(), photo, 1.0)
    assert float((found.amax(1) - found.amin(1)).max()) < 1 / 65535 / 2
