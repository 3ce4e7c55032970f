"""Oklab has the published values, comes back to the same sRGB, and colors out of gamut only lose chroma."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.transfer.color.oklab import by_pixels, from_oklab, to_oklab


def some_colors(count: int = 2000) -> Tensor:
    return torch.rand(3, count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_primaries_have_their_published_values() -> None:
    published = [[0.628, 0.2249, 0.1258], [0.8664, -0.2339, 0.1795], [0.452, -0.0325, -0.3115]]
    torch.testing.assert_close(
        to_oklab(torch.eye(3)), torch.tensor(published, dtype=torch.float64).T, atol=1e-4, rtol=0
    )


def test_colors_come_back_unchanged() -> None:
    colors = torch.cat([some_colors(), torch.eye(3, dtype=torch.float64), torch.zeros(3, 1, dtype=torch.float64)], 1)
    torch.testing.assert_close(from_oklab(to_oklab(colors)), colors, atol=1e-9, rtol=0)


def test_grays_have_no_chroma() -> None:
    grays = torch.linspace(0, 1, 256, dtype=torch.float64).expand(3, -1)
    assert float(to_oklab(grays)[1:].abs().max()) < 1e-12


def test_what_srgb_lacks_keeps_lightness_and_hue_and_has_less_chroma() -> None:
    wanted = some_colors() * torch.tensor([[0.98], [0.8], [0.8]]) + torch.tensor([[0.01], [-0.4], [-0.4]])
    colors = from_oklab(wanted)
    found = to_oklab(colors)
    assert 0 <= float(colors.min()) <= float(colors.max()) <= 1
    torch.testing.assert_close(found[0], wanted[0], atol=2e-4, rtol=0)
    share = found[1:].norm(dim=0) / wanted[1:].norm(dim=0)
    torch.testing.assert_close(found[1:], wanted[1:] * share, atol=2e-4, rtol=0)
    assert float(share.max()) < 1 + 1e-4
    # No more is taken than has to be: a color that lost chroma lies on the edge of the gamut.
    edge = torch.minimum(colors.min(0).values, 1 - colors.max(0).values)
    assert float(edge[share < 0.99].max()) < 1e-3


def test_lightness_beyond_black_and_white_is_black_and_white() -> None:
    beyond = torch.tensor([[-0.2, 1.3], [0.1, -0.1], [0.0, 0.1]], dtype=torch.float64)
    torch.testing.assert_close(from_oklab(beyond), torch.tensor([[0.0, 1.0]] * 3, dtype=torch.float64))


def test_pictures_have_the_same_bits_in_parts_and_on_any_number_of_threads() -> None:
    picture = torch.rand(1, 3, 540, 501, generator=torch.Generator().manual_seed(1))
    with on_threads(1):
        alone = by_pixels(lambda colors: from_oklab(to_oklab(colors)), picture)
    with on_threads(2):
        assert torch.equal(by_pixels(lambda colors: from_oklab(to_oklab(colors)), picture), alone)
    whole = from_oklab(to_oklab(picture[0].flatten(1))).view_as(picture)
    torch.testing.assert_close(alone.double(), whole, atol=1e-6, rtol=0)
