"""A canvas knows where it stands: its first pixels, its best pixels, and when a scale is finished."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.engine.events import Places, Request
from pipeline.engine.transfer.canvas import Canvas, blank_canvas
from pipeline.engine.transfer.color.matching import without_other_colors
from pipeline.engine.transfer.color.photo_colors import with_chroma_of
from pipeline.engine.transfer.geometry import network_geometry, resample, to_pixels, to_tensor
from pipeline.engine.transfer.plateau import PLATEAU_WINDOW
from pipeline.model import InitKind, Losses, Recipe, Region, Style

CPU = torch.device("cpu")


def canvas(recipe: Recipe, height: int = 48, width: int = 64, token: str = "t") -> Canvas:
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return blank_canvas(Request(token, photo, Style("s", ()), recipe), CPU)


def losses(total: float) -> Losses:
    return Losses(0.0, total, total)


def test_a_canvas_starts_at_the_coarsest_scale_from_the_photo() -> None:
    blank = canvas(Recipe(size=64, scales=(32, 64)))
    assert blank.size == 32
    assert blank.geometry.outer == (32, 32)
    assert torch.equal(blank.state.pixels, blank.photo())


def test_noise_depends_on_the_seed_alone() -> None:
    def noise(seed: int, token: str) -> torch.Tensor:
        return canvas(Recipe(size=64, init="noise", seed=seed), token=token).state.pixels

    assert torch.equal(noise(1, "a"), noise(1, "b"))
    assert not torch.equal(noise(1, "a"), noise(2, "a"))


def test_a_blend_is_half_photo_half_noise() -> None:
    def pixels(init: InitKind) -> torch.Tensor:
        return canvas(Recipe(size=64, init=init)).state.pixels

    torch.testing.assert_close(pixels("blend"), (pixels("content") + pixels("noise")) / 2)


@pytest.mark.parametrize("init", ["content", "noise", "blend"])
def test_first_pixels_are_colors(init: InitKind) -> None:
    pixels = canvas(Recipe(size=64, init=init)).state.pixels
    assert 0 <= float(pixels.min()) <= float(pixels.max()) <= 1


def test_the_last_scale_is_known() -> None:
    assert canvas(Recipe(size=64, scales=1)).is_last_scale
    assert not canvas(Recipe(size=64, scales=2)).is_last_scale


def test_a_scale_ends_with_its_evaluations() -> None:
    blank = canvas(Recipe(size=64, scales=1, iterations=2))
    blank.record(losses(5))
    assert not blank.scale_is_finished
    blank.record(losses(4))
    assert blank.scale_is_finished


def test_a_scale_ends_when_it_gains_too_little() -> None:
    blank = canvas(Recipe(size=64, scales=1, iterations=1000, tolerance=0.1))
    for total in (100.0, *[50.0] * PLATEAU_WINDOW):
        assert not blank.scale_is_finished
        blank.record(losses(total))
    assert not blank.scale_is_finished
    blank.record(losses(46))
    assert blank.scale_is_finished


def test_coarse_scales_end_at_twice_the_tolerance() -> None:
    blank = canvas(Recipe(size=64, scales=(32, 64), iterations=1000, tolerance=0.1))
    for total in (100.0, *[85.0] * PLATEAU_WINDOW):
        assert not blank.scale_is_finished
        blank.record(losses(total))
    assert blank.scale_is_finished
    blank.start_next_scale()
    for total in (100.0, *[85.0] * PLATEAU_WINDOW):
        blank.record(losses(total))
    assert not blank.scale_is_finished


def test_without_a_tolerance_even_a_plateau_is_worked_on() -> None:
    blank = canvas(Recipe(size=64, scales=1, iterations=1000, tolerance=0.0))
    for _ in range(3 * PLATEAU_WINDOW):
        blank.record(losses(1))
    assert not blank.scale_is_finished


def test_the_best_pixels_are_kept_not_the_last() -> None:
    blank = canvas(Recipe(size=64, scales=1))
    for value, total in ((0.1, 3.0), (0.2, 1.0), (0.3, 2.0)):
        blank.state.pixels = torch.full_like(blank.state.pixels, value)
        blank.record(losses(total))
    assert float(blank.state.best[0, 0, 0, 0]) == pytest.approx(0.2)
    assert blank.state.losses == losses(1.0)
    assert blank.state.first == losses(3.0)


def test_an_average_weighs_evaluated_pixels_alone_and_has_the_losses_of_the_last() -> None:
    blank = canvas(Recipe(size=64, scales=1, ema_decay=0.75))
    for value, total in ((0.2, 3.0), (0.4, 1.0), (0.8, 2.0)):
        blank.state.pixels = torch.full_like(blank.state.pixels, value)
        blank.record(losses(total))
    weights = [0.75**2, 0.75, 1.0]
    expected = (weights[0] * 0.2 + weights[1] * 0.4 + weights[2] * 0.8) / sum(weights)
    torch.testing.assert_close(blank.result, torch.full_like(blank.result, expected))
    assert blank.state.losses == losses(2.0)
    assert blank.state.plateau == [3.0, 1.0, 1.0]


def test_the_first_average_of_a_scale_is_what_was_evaluated() -> None:
    blank = canvas(Recipe(size=64, scales=1, ema_decay=0.999))
    blank.record(losses(1))
    torch.testing.assert_close(blank.result, blank.state.pixels)


def test_a_finer_scale_starts_from_the_average_of_the_coarser_and_a_new_one() -> None:
    coarse = canvas(Recipe(size=64, scales=(32, 64), ema_decay=0.5))
    for value in (0.25, 1.0):
        coarse.state.pixels = torch.full_like(coarse.state.pixels, value)
        coarse.record(losses(value))
    coarse.start_next_scale()
    torch.testing.assert_close(coarse.state.pixels, torch.full((1, 3, 48, 64), (0.5 * 0.25 + 1.0) / 1.5))
    assert coarse.state.average is None
    assert torch.equal(coarse.result, coarse.state.pixels)


def test_total_variation_is_what_terms_leave_of_the_total() -> None:
    blank = canvas(Recipe(size=64, scales=1, tv_weight=0.1))
    blank.record(Losses(2.0, 1.0, 3.5), (1.5, 0.5, 1.0))
    assert blank.history[0].tv == pytest.approx(0.5)


def test_what_is_evaluated_next_is_confined_to_what_a_file_can_hold() -> None:
    blank = canvas(Recipe(size=64, scales=1))
    blank.move_to(torch.tensor([-0.5, 0.5, 1.5]).view(1, 3, 1, 1))
    assert blank.state.pixels.flatten().tolist() == [0, 0.5, 1]


def test_a_finer_scale_starts_from_the_best_pixels_of_the_coarser() -> None:
    coarse = canvas(Recipe(size=64, scales=(32, 64), iterations=(2, 3)))
    coarse.state.pixels = torch.full_like(coarse.state.pixels, 0.25)
    coarse.record(losses(1))
    coarse.state.pixels = torch.full_like(coarse.state.pixels, 0.75)
    coarse.record(losses(2))
    coarse.start_next_scale()
    assert coarse.state.pixels.shape == (1, 3, 48, 64)
    assert float(coarse.state.pixels.min()) == pytest.approx(0.25)
    assert float(coarse.state.pixels.max()) == pytest.approx(0.25)
    assert coarse.state.iterations == (2,)
    assert coarse.state.iteration == 0
    assert coarse.evaluations == 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 64), (64, 1), (20, 64), (43, 64), (64, 64)])
def test_a_picture_has_its_photos_shape(shape: tuple[int, int]) -> None:
    blank = canvas(Recipe(size=max(shape), scales=1), *shape)
    picture = blank.picture(blank.state.pixels)
    assert picture.shape == (*shape, 3)
    assert picture.dtype == np.float32
    assert 0 <= picture.min() <= picture.max() <= 1


@pytest.mark.parametrize("shape", [None, (12, 16)])
def test_with_the_photos_colors_pictures_of_any_size_have_the_photos_chroma(shape: tuple[int, int] | None) -> None:
    plain, colored = (
        canvas(Recipe(size=64, scales=1)),
        canvas(Recipe(size=64, scales=1, color="photo", color_mix=0.7)),
    )
    pixels = torch.rand(plain.state.pixels.shape, generator=torch.Generator().manual_seed(0))
    photo = to_tensor(plain.request.photo)
    photo = photo if shape is None else resample(photo, shape).clamp(0, 1)
    wanted = to_pixels(with_chroma_of(to_tensor(plain.picture(pixels, shape)), photo, 0.7))
    for _ in range(2):
        assert np.array_equal(colored.picture(pixels, shape), wanted)


def test_a_mix_without_any_of_the_photos_colors_changes_no_bit() -> None:
    plain, colored = canvas(Recipe(size=64, scales=1)), canvas(Recipe(size=64, scales=1, color="photo", color_mix=0))
    pixels = torch.rand(plain.state.pixels.shape, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(colored.picture(pixels), plain.picture(pixels))


def test_matched_to_a_gray_photo_a_picture_is_gray_however_it_went_astray() -> None:
    gray = np.random.default_rng(0).integers(0, 256, (48, 64, 1), dtype=np.uint8).repeat(3, 2)
    recipe = Recipe(size=64, scales=1, color="match")
    whole, half = (
        blank_canvas(Request("t", gray, Style("s", ()), each), CPU)
        for each in (recipe, replace(recipe, color_mix=0.5))
    )
    pixels = torch.rand(whole.state.pixels.shape, generator=torch.Generator().manual_seed(0))
    for shape in (None, (24, 32)):
        picture = whole.picture(pixels, shape)
        assert float(np.ptp(picture, axis=2).max()) < 1e-5
        assert float(np.ptp(half.picture(pixels, shape), axis=2).max()) > 0.1


@pytest.mark.parametrize("hidden", ["clear", "kept"])
def test_where_a_photo_is_kept_or_not_seen_its_colors_do_not_count(hidden: str) -> None:
    photo = np.random.default_rng(0).integers(100, 120, (48, 64, 3), dtype=np.uint8)
    photo[:, :32], alpha = 255, np.full((48, 64), 255, np.uint8)
    alpha[:, :32] = 0
    there = (alpha / 255).astype(np.float32)
    regions = Region("white", Style("s", ())), Region("black", None)
    request = (
        Request("t", photo, Style("s", ()), Recipe(size=64, color="match"), alpha=alpha)
        if hidden == "clear"
        else Request(
            "t",
            photo,
            Style("s", (), regions=regions),
            Recipe(size=64, color="match"),
            places=Places((there, 1 - there)),
        )
    )
    pixels = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.4
    wanted = without_other_colors(pixels[..., 32:], to_tensor(photo[:, 32:]))
    canvas = replace(blank_canvas(request, CPU), geometry=network_geometry(48, 64))
    np.testing.assert_allclose(canvas.picture(pixels)[:, 32:], to_pixels(wanted), atol=1e-6)
