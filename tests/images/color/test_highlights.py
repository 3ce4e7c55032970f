import numpy as np

from pipeline.images.color.highlights import KNEE, peak_of, rolled_off

GRAYS = np.linspace(0, 5, 2001, dtype=np.float32)[:, None].repeat(3, axis=1)


def test_nothing_above_white_changes_nothing() -> None:
    light = np.random.default_rng(1).random((40, 40, 3), dtype=np.float32)
    assert peak_of(light) == 1
    assert rolled_off(light, peak_of(light)) is light


def test_light_up_to_the_knee_stays_and_the_peak_becomes_white() -> None:
    bent = rolled_off(GRAYS, 5.0)
    dark = GRAYS[:, 0] <= KNEE
    assert np.array_equal(bent[dark], GRAYS[dark])
    assert np.allclose(bent[-1], 1, atol=1e-5)


def test_the_curve_rises_everywhere_and_has_no_edge() -> None:
    steps = np.diff(rolled_off(GRAYS, 5.0)[:, 0])
    assert (steps > 0).all()
    assert np.abs(np.diff(steps)).max() < 1e-4


def test_the_nearer_the_peak_to_white_the_less_is_changed() -> None:
    light = GRAYS[GRAYS[:, 0] <= 1.01]
    assert np.abs(rolled_off(light, 1.01) - light).max() < 0.011


def test_the_ratio_of_the_channels_stays() -> None:
    bent = rolled_off(np.array([[4.0, 2.0, 1.0]], np.float32), 5.0)
    assert np.allclose(bent / bent[0, 2], [4, 2, 1])


def test_one_glint_does_not_darken_a_picture() -> None:
    light = np.full((100, 100, 3), 0.5, np.float32)
    light[0, 0] = 40
    assert peak_of(light) == 1
