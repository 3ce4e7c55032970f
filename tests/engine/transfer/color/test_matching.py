"""A matched painting has exactly the photo's mean and covariance of colors, and what has no colors makes no noise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.engine.transfer.color.matching import ColorMatch, Palette, palette_of, without_other_colors
from pipeline.engine.transfer.color.oklab import from_oklab, to_oklab

COLORED = ((1.0, 0.0, 0.0), (-0.3, 0.5, 0.1), (0.4, -0.2, 0.3))
OTHERWISE = ((0.6, 0.2, 0.0), (0.4, 0.3, -0.2), (0.1, 0.1, 0.5))
GRAY = ((1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def picture(
    mixing: tuple[tuple[float, ...], ...], seed: int = 0, spread: float = 0.15, lightness: float = 0.6
) -> Tensor:
    """Return a picture (1, 3, 20, 30) of soft colors, around a gray of this lightness."""
    values = torch.rand(3, 600, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5
    lab = torch.tensor(mixing, dtype=torch.float64) @ values * spread
    return from_oklab(lab + torch.tensor([[lightness], [0.02], [-0.01]])).view(1, 3, 20, 30)


def assert_same(found: Palette, wanted: Palette) -> None:
    torch.testing.assert_close(found.mean, wanted.mean, atol=1e-7, rtol=0)
    torch.testing.assert_close(found.covariance, wanted.covariance, atol=1e-8, rtol=0)


def test_a_palette_is_mean_and_covariance_in_oklab() -> None:
    colors = to_oklab(picture(COLORED)[0].flatten(1))
    found = palette_of(picture(COLORED))
    assert_same(found, Palette(colors.mean(1), torch.cov(colors, correction=0)))


def test_pixels_count_by_their_shares_and_all_alike_if_none_does() -> None:
    photo, shares = picture(COLORED), torch.zeros(1, 1, 20, 30)
    assert_same(palette_of(photo, shares), palette_of(photo))
    shares[..., 10:] = 0.5
    assert_same(palette_of(photo, shares), palette_of(photo[..., 10:]))


def test_a_matched_painting_has_the_photos_mean_and_covariance() -> None:
    wanted = palette_of(picture(OTHERWISE, 1, lightness=0.5))
    assert_same(palette_of(ColorMatch(wanted, 1.0).of(picture(COLORED))), wanted)


def test_in_between_means_lie_in_between_and_the_ends_are_the_ends() -> None:
    painting, wanted = picture(COLORED), palette_of(picture(OTHERWISE, 1, lightness=0.5))
    half = palette_of(ColorMatch(wanted, 0.5).of(painting))
    torch.testing.assert_close(half.mean, (palette_of(painting).mean + wanted.mean) / 2, atol=1e-7, rtol=0)
    torch.testing.assert_close(ColorMatch(wanted, 0.0).of(painting), painting, atol=1e-7, rtol=0)


def test_its_own_palette_changes_nothing() -> None:
    painting = picture(COLORED)
    torch.testing.assert_close(ColorMatch(palette_of(painting), 1.0).of(painting), painting, atol=1e-7, rtol=0)


def test_light_stays_lighter_than_dark() -> None:
    painting = picture(COLORED)
    found = ColorMatch(palette_of(picture(OTHERWISE, 1)), 1.0).of(painting)
    before, after = (to_oklab(each[0].flatten(1))[0] for each in (painting, found))
    assert torch.equal(before.argsort(), after.argsort())


def test_lights_and_darks_beyond_the_range_are_pressed_together_and_not_cut_off() -> None:
    painting, colors = picture(GRAY, spread=0.5), palette_of(picture(GRAY, 1))
    wanted = Palette(colors.mean + torch.tensor([0.1, 0, 0]), torch.diag(torch.tensor([0.2, 0, 0])).double())
    found = ColorMatch(wanted, 1.0).of(painting)
    before, after = (to_oklab(each[0].flatten(1))[0] for each in (painting, found))
    assert (float(after.min()), float(after.max())) == pytest.approx((0, 1), abs=1e-3)
    order = before.argsort()
    assert float(after[order].diff().min()) > 0
    gain = (0.2 / palette_of(painting).covariance[0, 0]).sqrt()
    in_the_middle = (after > 0.25) & (after < 0.75)
    straight = wanted.mean[0] + gain * (before - before.mean())
    torch.testing.assert_close(after[in_the_middle], straight[in_the_middle], atol=1e-6, rtol=0)


def test_for_a_gray_photo_the_painting_is_gray() -> None:
    found = ColorMatch(palette_of(picture(GRAY, 1) * 0 + torch.rand(1, 1, 20, 30)), 1.0).of(picture(COLORED))
    assert float((found.amax(1) - found.amin(1)).max()) < 1e-6


def test_a_gray_painting_takes_its_chroma_from_lightness_alone() -> None:
    photo = picture(OTHERWISE, 1)
    gray = (
        torch.rand(1, 1, 20, 30, generator=torch.Generator().manual_seed(2)).double().expand(1, 3, -1, -1) / 2 + 0.3
    )
    found = palette_of(ColorMatch(palette_of(photo), 1.0).of(gray))
    torch.testing.assert_close(found.mean, palette_of(photo).mean, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.covariance[0], palette_of(photo).covariance[0], atol=1e-6, rtol=0)
    assert float(torch.linalg.eigvalsh(found.covariance)[1]) < 1e-9


def test_faint_noise_in_the_chroma_of_a_gray_painting_stays_faint() -> None:
    photo, noise = picture(OTHERWISE, 1, spread=0.4), picture(COLORED, spread=0.002)
    found = palette_of(ColorMatch(palette_of(photo), 1.0).of(noise)).covariance.diagonal().sqrt()
    assert float(found.max()) <= 4.01 * float(palette_of(noise).covariance.diagonal().sqrt().max())


@pytest.mark.parametrize("photo", ["black", "white", "red", "one pixel", "colors"])
@pytest.mark.parametrize("painting", ["black", "white", "red", "gray", "colors"])
def test_nothing_becomes_no_number_or_leaves_the_range(photo: str, painting: str) -> None:
    red = torch.tensor([0.9, 0.1, 0.1]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    pictures = {
        "black": torch.zeros(1, 3, 8, 8),
        "white": torch.ones(1, 3, 8, 8),
        "red": red,
        "one pixel": torch.full((1, 3, 1, 1), 0.3),
        "gray": torch.rand(1, 1, 8, 8).expand(1, 3, 8, 8),
        "colors": torch.rand(1, 3, 8, 8),
    }
    wanted = palette_of(pictures[photo])
    found = ColorMatch(wanted, 1.0).of(pictures[painting])
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    if photo not in ("one pixel", "colors"):
        torch.testing.assert_close(found, pictures[photo].expand_as(found), atol=2e-3, rtol=0)


def test_a_picture_loses_what_the_photo_has_not_and_keeps_its_lightness() -> None:
    astray, photo = picture(COLORED, spread=0.2), picture(OTHERWISE, 1, spread=0.1, lightness=0.5)
    cleaned = palette_of(without_other_colors(astray, photo))
    before, wanted = palette_of(astray), palette_of(photo)
    torch.testing.assert_close(cleaned.mean, torch.stack([before.mean[0], *wanted.mean[1:]]), atol=1e-6, rtol=0)
    slopes = [each.covariance[1:, 0] / each.covariance[0, 0] for each in (cleaned, wanted)]
    torch.testing.assert_close(*slopes, atol=1e-6, rtol=0)
    rest, wanted_rest = (
        each.covariance[1:, 1:] - torch.outer(slope, each.covariance[1:, 0])
        for each, slope in zip((cleaned, wanted), slopes, strict=True)
    )
    assert float(torch.linalg.eigvalsh(wanted_rest - rest).min()) > -1e-8


def test_no_color_is_made_stronger() -> None:
    faint, photo = picture(COLORED, spread=0.01), picture(OTHERWISE, 1, spread=0.3)
    chroma = [each.covariance[1:, 1:].diagonal().sum() for each in map(palette_of, (faint, photo))]
    cleaned = palette_of(without_other_colors(faint, photo))
    slope = palette_of(photo).covariance[1:, 0] / palette_of(photo).covariance[0, 0]
    by_lightness = slope.square().sum() * palette_of(faint).covariance[0, 0]
    assert float(cleaned.covariance[1:, 1:].diagonal().sum()) <= float(chroma[0] + by_lightness) < float(chroma[1])


def test_pixels_that_do_not_count_change_nothing_of_the_others() -> None:
    astray, photo, shares = picture(COLORED), picture(OTHERWISE, 1), torch.zeros(1, 1, 20, 30)
    shares[..., :10] = 1
    part = without_other_colors(astray[..., :10], photo[..., :10])
    torch.testing.assert_close(without_other_colors(astray, photo, shares)[..., :10], part, atol=1e-9, rtol=0)
