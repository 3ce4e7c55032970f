from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.engine.speed import (
    FORWARD,
    GUESS,
    Measurement,
    Speed,
    multiplications,
    network_pixels,
    read_speed,
    store_speed,
)
from pipeline.engine.transfer.geometry import network_geometry, scaled
from pipeline.model import DEFAULT_STYLE_LAYERS, EngineSettings, Recipe, StyleLossKind

GRAM = Recipe(style_loss=(("gram", 1.0),))
SPEED = Speed(
    device="cpu",
    pictures_at_once=3,
    startup_seconds=5.0,
    shallow_share=0.25,
    measurements=(
        Measurement(1000, 0.1, 0.2, 0.3),
        Measurement(4000, 0.2, 0.4, 0.6),
        Measurement(16000, 0.8, 1.6, 2.4),
    ),
)


def test_what_was_measured_is_predicted() -> None:
    for known in SPEED.measurements:
        assert SPEED.evaluation(known.pixels) == pytest.approx(known.alone)
        assert SPEED.evaluation(known.pixels, 3) == pytest.approx(known.together)
        assert SPEED.painting(Recipe(), known.pixels) == pytest.approx(known.painting)


def test_between_two_measurements_time_follows_a_power_of_the_pixels() -> None:
    # Four times the pixels take twice as long, so twice the pixels take the root of that.
    assert SPEED.evaluation(2000) == pytest.approx(0.1 * 2**0.5)
    assert SPEED.evaluation(500) == pytest.approx(0.1 / 2**0.5)
    assert SPEED.evaluation(8000) == pytest.approx(0.4)


def test_above_the_largest_measurement_time_is_proportional_to_pixels() -> None:
    assert SPEED.evaluation(160_000) == pytest.approx(8.0)
    alone = replace(SPEED, measurements=SPEED.measurements[:1])
    assert alone.evaluation(100) == pytest.approx(0.01)


def test_some_pictures_at_once_lie_between_one_and_all() -> None:
    assert SPEED.evaluation(1000, 2) == pytest.approx(0.15)
    assert replace(SPEED, pictures_at_once=1).evaluation(1000, 1) == pytest.approx(0.1)


def test_a_picture_takes_its_scales_evaluations_and_a_look_at_the_photo_at_each() -> None:
    seconds = SPEED.picture(GRAM, (1000, 4000), (10, 5), 1)
    assert seconds == pytest.approx(0.1 * (10 + FORWARD) + 0.2 * (5 + FORWARD))


def test_matched_colors_take_a_look_at_the_painting_for_each_picture() -> None:
    matched = replace(GRAM, color="match")
    assert SPEED.picture(matched, (1000,), (10,), 1) == pytest.approx(0.1 * (10 + 2 * FORWARD))
    unmixed = SPEED.picture(replace(matched, color_mix=0), (1000,), (10,), 1)
    assert unmixed == SPEED.picture(GRAM, (1000,), (10,), 1)


def test_style_losses_that_take_longer_make_evaluations_longer() -> None:
    def seconds(*losses: StyleLossKind) -> float:
        recipe = Recipe(style_loss=tuple((loss, 1.0) for loss in losses))
        return SPEED.picture(recipe, [4000], [100], 1)

    assert seconds("gram") == seconds("mean_std") == seconds("gram", "mean_std")
    assert seconds("gram") < seconds("sliced_wasserstein") < 2 * seconds("gram")
    assert seconds("gram") < seconds("wasserstein") < seconds("wasserstein", "sliced_wasserstein")


def test_wasserstein_takes_as_much_longer_at_any_size_nearly() -> None:
    by_wasserstein = replace(GRAM, style_loss=(("wasserstein", 1.0),))

    def added(pixels: float) -> float:
        return SPEED.picture(by_wasserstein, [pixels], [1], 1) - SPEED.picture(GRAM, [pixels], [1], 1)

    least = SPEED.evaluation(128 * 96)
    assert added(128 * 96) == pytest.approx(least)
    assert added(100 * 128 * 96) == pytest.approx(0.9 * least + 0.1 * SPEED.evaluation(100 * 128 * 96))


def test_recipes_that_look_less_deep_take_less() -> None:
    def share(content: str, style: str) -> float:
        recipe = Recipe(content_layers=((content, 1.0),), style_layers=((style, 1.0),))
        return SPEED.painting(recipe, 1000) / SPEED.painting(Recipe(), 1000)

    assert share("relu1_1", "relu1_1") == share("relu2_1", "relu1_1") == pytest.approx(0.25)
    assert 0.3 < share("relu1_1", "relu3_1") < share("relu4_1", "relu1_1") < 0.8
    assert share("relu4_2", "relu5_1") == pytest.approx(1.0)
    assert 1.0 < share("block5_conv4", "relu5_1") < 1.1


def test_the_network_takes_the_known_number_of_multiplications() -> None:
    # Forward and backward, a multiplication and an addition each.
    assert 4 * multiplications(DEFAULT_STYLE_LAYERS) == pytest.approx(1.44e6, rel=0.01)
    assert multiplications(()) == multiplications((("conv1_1", 1.0),)) == 27 * 64


@pytest.mark.parametrize("size", [16, 31, 32, 96, 130, 512, 645, 1024])
@pytest.mark.parametrize("proportion", [1.0, 0.75, 0.66, 0.333, 0.01])
def test_pixels_are_nearly_those_of_the_engines_geometry(size: int, proportion: float) -> None:
    height, width = network_geometry(*scaled((round(10_000 * proportion), 10_000), size)).outer
    assert network_pixels(size, proportion) == pytest.approx(height * width, rel=0.05)


def test_a_speed_is_kept_for_its_settings_alone(tmp_path: Path) -> None:
    settings = EngineSettings(machine_folder=tmp_path)
    assert read_speed(settings) is None
    store_speed(settings, SPEED)
    assert read_speed(settings) == SPEED
    for other in ({"threads": 1}, {"batch_size": 2}, {"device": "cpu"}, {"precision": "bfloat16"}):
        assert read_speed(replace(settings, **other)) is None  # type: ignore[arg-type]


def test_the_file_has_the_fields_that_earlier_versions_wrote(tmp_path: Path) -> None:
    store_speed(EngineSettings(machine_folder=tmp_path), SPEED)
    (path,) = tmp_path.iterdir()
    document = json.loads(path.read_text())
    assert set(document) == {"machine", "speed"}
    assert set(document["speed"]) == {"device", "at_once", "start", "shallow", "looks"}
    assert set(document["speed"]["looks"][0]) == {"pixels", "alone", "together", "painting"}


def test_without_a_folder_nothing_is_kept_and_a_folder_that_refuses_is_no_error(tmp_path: Path) -> None:
    store_speed(EngineSettings(), SPEED)
    assert read_speed(EngineSettings()) is None
    (tmp_path / "file").write_text("")
    store_speed(EngineSettings(machine_folder=tmp_path / "file"), SPEED)
    assert read_speed(EngineSettings(machine_folder=tmp_path / "file")) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"looks": []},
        {"looks": [{"pixels": 1}]},
        {"start": 0},
        {"at_once": -1},
        {"unknown": 1},
        {"looks": [{"pixels": 5, "alone": 1, "together": 1, "painting": 1}] * 2},
    ],
)
def test_a_damaged_speed_is_none(tmp_path: Path, damage: dict[str, object]) -> None:
    settings = EngineSettings(machine_folder=tmp_path)
    store_speed(settings, SPEED)
    (path,) = tmp_path.iterdir()
    document = json.loads(path.read_text())
    document["speed"] |= damage
    path.write_text(json.dumps(document))
    assert read_speed(settings) is None
    path.write_text("[]")
    assert read_speed(settings) is None


def test_the_guess_is_sound() -> None:
    assert GUESS.evaluation(49152) < GUESS.evaluation(49152, GUESS.pictures_at_once) < 2 * GUESS.evaluation(49152)
