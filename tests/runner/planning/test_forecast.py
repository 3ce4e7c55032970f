from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import pytest

from pipeline.config.qualities import QUALITIES
from pipeline.engine.memory.plan import LEAST
from pipeline.engine.memory.requirements import need_of, program_bytes
from pipeline.engine.speed import FORWARD, Measurement, Speed
from pipeline.ledger import Timing
from pipeline.model import EngineSettings, Recipe, SizeRule
from pipeline.model.size_rules import typical_size
from pipeline.runner.planning.forecast import (
    TYPICAL_EVALUATIONS,
    TYPICAL_PROPORTION,
    Forecast,
    TargetCost,
    Task,
    expected_evaluations,
    forecast,
    makespan,
    memory_bytes,
    picture_limit,
    timings_by_recipe,
    work_estimate,
)

#: A microsecond a pixel, whoever else is at work: two pictures at once are made in the time of one.
SPEED = Speed(
    device="cpu",
    pictures_at_once=2,
    startup_seconds=5.0,
    shallow_share=0.2,
    measurements=(Measurement(1_000_000, 1.0, 1.0, 2.0),),
)
GRAM = Recipe(style_loss=(("gram", 1.0),))
RECIPE = replace(GRAM, size=64, scales=1, iterations=10, tolerance=0)
SECONDS = 64 * 64 * 1e-6 * (10 + FORWARD)


@pytest.mark.parametrize(
    ("works", "at_once", "seconds"),
    [
        ([], 2, 0.0),
        ([(3.0, 4.0)], 2, 3.0),
        ([(3.0, 4.0)] * 2, 2, 4.0),
        ([(3.0, 4.0)] * 3, 2, 7.0),
        ([(3.0, 3.0)] * 3, 1, 9.0),
        # Half of the second one is left when the first is done: alone, that takes 2 instead of 4 seconds.
        ([(2.0, 4.0), (4.0, 8.0)], 2, 6.0),
        ([(1.0, 3.0)] * 2, 3, 2.0),
        ([(1.0, 2.0)] * 1000, 2, 1000.0),
    ],
)
def test_pictures_share_the_machine(works: list[tuple[float, float]], at_once: int, seconds: float) -> None:
    assert makespan(works, at_once) == pytest.approx(seconds)


def test_many_pictures_take_as_long_by_the_short_way_as_by_the_long_one() -> None:
    works = [(1.0 + number % 3, 1.5 + number % 3) for number in range(498)]
    assert makespan(works, 2) == pytest.approx(makespan(works * 2, 2) / 2, rel=0.01)


def test_memory_is_that_of_as_many_of_the_largest_pictures_as_are_made_at_once() -> None:
    small, large = Task(RECIPE, 1.0), Task(Recipe(name="large", size=640), 0.75)
    wide = Task(large.recipe, 0.5)
    most = memory_bytes(SPEED, [(small, 1.0), (wide, 1.0), (large, 1.0)])
    assert most == memory_bytes(SPEED, [(large, 1.0)] * 2) > memory_bytes(SPEED, [(wide, 1.0)] * 2)
    need = need_of(large.recipe, 480, 640)
    assert most == program_bytes(large.recipe) + 2 * need
    assert memory_bytes(SPEED, [(large, 4.0)] * 2) > most
    assert memory_bytes(SPEED, []) == 0
    # Where there is room for one of them only, and where there is one only.
    assert memory_bytes(SPEED, [(large, 1.0)] * 2, 1.5 * need) == program_bytes(large.recipe) + need
    assert memory_bytes(SPEED, [(large, 1.0)]) == program_bytes(large.recipe) + need


def test_memory_is_that_of_the_plan_by_which_pictures_are_made() -> None:
    huge = Task(Recipe(size=4000), 1.0)
    least = need_of(huge.recipe, 4000, 4000, plan=LEAST)
    assert memory_bytes(SPEED, [(huge, 1.0)], 8e9) == program_bytes(huge.recipe) + least
    assert memory_bytes(SPEED, [(huge, 1.0)] * 2) > 5 * memory_bytes(SPEED, [(huge, 1.0)] * 2, 8e9)


def test_what_is_evaluated_in_blocks_takes_longer_and_what_is_alone_has_all_threads() -> None:
    huge = Task(Recipe(size=4000, scales=1), 1.0)

    def seconds(limit_bytes: float, count: int = 1) -> float:
        return forecast(SPEED, [huge] * count, [], {}, limit_bytes).seconds - SPEED.startup_seconds

    in_blocks = seconds(8e9)
    assert 1.5 < in_blocks / seconds(1e12) < 1.8
    assert seconds(8e9, 4) == pytest.approx(4 * in_blocks)


def test_what_a_gpu_takes_is_not_planned() -> None:
    settings = EngineSettings(memory_bytes=8 * 10**9)
    assert picture_limit(settings, replace(SPEED, device="cuda (H200)")) == math.inf
    assert picture_limit(settings, replace(SPEED, device="cpu (2 threads)")) < 8e9
    assert picture_limit(settings, None) == math.inf
    assert picture_limit(replace(settings, device="cpu"), None) < 8e9


def test_nothing_to_do_takes_no_time() -> None:
    assert forecast(SPEED, [], [], {}) == Forecast()


def test_a_run_is_the_start_the_paintings_and_the_pictures() -> None:
    found = forecast(SPEED, [Task(RECIPE, 1.0)], [TargetCost(RECIPE, 500_000)], {})
    assert found.start_seconds == 5.0
    assert found.painting_seconds == pytest.approx(1.0)
    assert found.seconds == pytest.approx(6.0 + SECONDS)
    alone = forecast(SPEED, [Task(RECIPE, 1.0)], [], {})
    assert alone.seconds - alone.start_seconds == pytest.approx(SECONDS)


def test_wide_photos_take_less() -> None:
    wide = forecast(SPEED, [Task(RECIPE, 0.5)], [], {})
    assert wide.seconds - wide.start_seconds == pytest.approx(SECONDS / 2)


def test_recipes_are_estimated_separately() -> None:
    other = replace(RECIPE, name="other", size=128)
    found = forecast(SPEED, [Task(RECIPE, 1.0)] * 2 + [Task(other, 1.0)], [], {})
    assert {name: recipe.pictures for name, recipe in found.recipes.items()} == {"default": 2, "other": 1}
    assert found.recipes["other"].seconds == pytest.approx(2 * found.recipes["default"].seconds)
    assert not found.recipes["other"].learned


def test_a_new_recipe_takes_the_usual_evaluations_but_no_more_than_it_allows() -> None:
    recipe = replace(GRAM, size=256, scales=2, iterations=(10_000, 7))
    assert expected_evaluations(recipe, None, 1.0) == (TYPICAL_EVALUATIONS["lbfgs"], 7)
    (large,) = expected_evaluations(replace(GRAM, size=2048, scales=1), None, 1.0)
    assert large == pytest.approx(TYPICAL_EVALUATIONS["lbfgs"] / 4**0.25)
    (huge,) = expected_evaluations(replace(GRAM, size=60_000, scales=1), None, 1.0)
    assert huge == 11
    endless = Recipe(size=256, scales=2, iterations=(10_000, 7), tolerance=0)
    assert expected_evaluations(endless, None, 1.0) == (10_000, 7)


@pytest.mark.parametrize(
    ("settings", "factor"),
    [
        ({"strength": 1.0}, 1 + math.log2(2.5) / 5),
        ({"strength": 0.25}, 1 - 2.5 / 8),
        ({"strength": 0.0}, 0.6),
        ({"tolerance": 0.16}, 0.5),
        ({"tolerance": 0.01, "strength": 1.0}, 2 + math.log2(2.5) / 2.5),
        ({"style_loss": "auto"}, 0.67),
        ({"style_loss": (("wasserstein", 1.0), ("gram", 0.5))}, 1.0),
    ],
)
def test_a_new_recipe_takes_more_the_wilder_and_the_finer_it_is(settings: dict[str, Any], factor: float) -> None:
    recipe = replace(GRAM, size=64, scales=1, iterations=10_000)
    (usual,) = expected_evaluations(recipe, None, 1.0)
    assert expected_evaluations(replace(recipe, **settings), None, 1.0) == (pytest.approx(usual * factor),)


def test_each_quality_takes_longer_than_the_one_before() -> None:
    recipes = [Recipe(name=name, **asdict(quality)) for name, quality in QUALITIES.items()]
    seconds = [forecast(SPEED, [Task(recipe, 0.7)], [], {}).seconds for recipe in recipes]
    assert seconds == sorted(set(seconds))


def test_finished_pictures_tell_how_many_evaluations_a_recipe_takes() -> None:
    recipe = Recipe(size=64, scales=1, iterations=100)
    timing = Timing(2, 1.0, 2 * 30 * 64 * 64)
    assert expected_evaluations(recipe, timing, [Task(recipe, 1.0)]) == (pytest.approx(30),)
    assert expected_evaluations(recipe, Timing(1, 1.0, 1e12), [Task(recipe, 1.0)]) == (100,)


@pytest.mark.parametrize(("pace", "followed"), [(1.5, 1.5), (0.6, 0.6), (20.0, 1.0), (0.05, 1.0)])
def test_finished_pictures_tell_the_pace_unless_another_machine_must_have_made_them(
    pace: float, followed: float
) -> None:
    each = SECONDS / 2  # two at once
    timing = Timing(3, 3 * each * pace, 3 * 10 * 64 * 64)
    found = forecast(SPEED, [Task(RECIPE, 1.0)], [], {"default": timing})
    assert found.seconds - found.start_seconds == pytest.approx(SECONDS * followed)
    assert found.recipes["default"].learned


def test_the_estimate_of_a_recipe_is_its_forecast_for_a_typical_photo() -> None:
    small, large = replace(GRAM, name="small", size=128), replace(GRAM, name="large", size=1024)
    estimate = work_estimate(SPEED, {"small": small, "large": large}, {}, ["small"])
    (alone,) = forecast(SPEED, [Task(large, TYPICAL_PROPORTION)], [], {}).recipes.values()
    assert (estimate.is_known, estimate.start_seconds, estimate.pictures_at_once) == (True, 5.0, 2)
    assert estimate.recipes["large"].together_seconds / 2 == pytest.approx(alone.seconds)
    assert estimate.recipes["large"].evaluations == (TYPICAL_EVALUATIONS["lbfgs"],) * 4
    assert sum(estimate.recipes["large"].shares) == pytest.approx(1)
    assert estimate.recipes["large"].shares[-1] == pytest.approx(0.75, abs=0.03)
    assert estimate.recipes["small"].shares == (1.0,)


def test_without_a_speed_it_is_known_once_pictures_of_all_that_is_needed_were_made() -> None:
    recipes = {"small": replace(GRAM, name="small", size=128), "large": replace(GRAM, name="large", size=256)}
    timings = {"small": Timing(pictures=10, seconds=5000.0, pixel_evaluations=1e7)}
    assert not work_estimate(None, recipes, {}, ["small"]).is_known
    assert not work_estimate(None, recipes, {}, []).is_known, "photos may come during a pass that began with none"
    assert not work_estimate(None, recipes, timings, ["small", "large"]).is_known
    estimate = work_estimate(None, recipes, timings, ["small"])
    assert estimate.is_known
    assert estimate.recipes["small"].together_seconds / estimate.pictures_at_once == pytest.approx(500)
    # The other one is as much slower than guessed as this one, but takes its typical evaluations.
    guess = work_estimate(None, recipes, {}, []).recipes
    slowdown = 500 / (estimate.recipes["small"].evaluations[0] / 48 * guess["small"].together_seconds / 2)
    assert estimate.recipes["large"].together_seconds == pytest.approx(
        slowdown * guess["large"].together_seconds, rel=0.02
    )


def test_a_measured_machine_is_trusted_more_than_pictures_of_another_one() -> None:
    recipes = {"small": Recipe(name="small", size=128)}
    timings = {"small": Timing(pictures=10, seconds=5000.0, pixel_evaluations=1e9)}
    learned = work_estimate(SPEED, recipes, timings, ["small"]).recipes["small"]
    assert learned.alone_seconds < 10


def test_timings_of_a_recipe_are_those_of_all_its_styles_each_counted_once() -> None:
    found = {"s1": Timing(1, 10.0, 100.0), "s2": Timing(2, 30.0, 300.0), "other": Timing(5, 1.0, 1.0)}
    settings = [("default", "s1"), ("default", "s2"), ("default", "s1"), ("fine", "s3")]
    assert timings_by_recipe(settings, found) == {"default": Timing(3, 40.0, 400.0)}


def test_pictures_of_different_sizes_are_expected_to_be_like_those_made_before() -> None:
    rule = SizeRule.parse("original")
    recipe = replace(RECIPE, size=4000, size_rule=rule, scales=1, iterations=20)
    tasks = [Task(recipe.for_photo(side, side), 1.0) for side in (64, 128, 256)]
    work = sum(side**2 for side in (64, 128, 256)) * 10.0
    seconds = sum(SPEED.picture(task.recipe, [task.recipe.size**2], (10.0,), 2) for task in tasks) / 2
    found = forecast(SPEED, tasks, [], {"default": Timing(3, 2 * seconds, work)})
    assert found.recipes["default"].evaluations == (pytest.approx(10),)
    assert found.recipes["default"].seconds == pytest.approx(2 * seconds)


def test_without_a_look_at_photos_what_was_made_tells_how_long_a_picture_takes() -> None:
    rule = SizeRule.parse("original")
    recipe = replace(RECIPE, size=typical_size(rule, 0), size_rule=rule)
    timing = Timing(2, 2 * 0.001, 2 * 10 * 64 * 64)  # of photos that are much smaller than typical ones
    estimate = work_estimate(SPEED, {"default": recipe}, {"default": timing}, ["default"])
    assert estimate.recipes["default"].together_seconds / SPEED.pictures_at_once == pytest.approx(0.001)
