"""What is said of the time left, beside what it then takes, over whole simulated runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import EvaluationShare, JobState, PictureEstimate, Progress, WorkEstimate
from pipeline.report.run_progress import RunProgress
from pipeline.report.time_left import TimeLeft, share_done
from tests.report.events import CAFE, LION, begun, failed, finished, progress
from tests.report.simulated_run import LARGE, SMALL, Kind, Sample, SimulatedRun, changed, forecast, started

KINDS = {"small": SMALL, "large": LARGE}

#: Of a picture that has taken all the evaluations that it was expected to take, so much may be still to come.
LAST_TENTH = 0.15


def worst_factor(samples: Sequence[Sample], picture_seconds: float) -> float:
    """Return how many times too much or too little was said, a part of one picture aside."""
    slack = LAST_TENTH * picture_seconds
    said = [(each.said, each.truth) for each in samples if each.said is not None]
    assert said
    assert all(seconds >= 0 for seconds, _ in said)
    return max(
        max((seconds - slack) / max(truth, 0.5), (truth - slack) / max(seconds, 0.5)) for seconds, truth in said
    )


def largest_jump(samples: Sequence[Sample], picture_seconds: float) -> float:
    """Return by which factor the estimate changed from one moment to the next, a part of one picture aside."""
    said = [each.said for each in samples if each.said is not None]
    slack = LAST_TENTH * picture_seconds
    return max(
        max((after - slack) / max(before, 0.5), (before - slack) / max(after, 0.5))
        for before, after in pairwise(said)
    )


def picture_seconds(recipes: Sequence[str], crowding: float = 1.8) -> float:
    return max(crowding * KINDS[recipe].alone() for recipe in recipes)


RUNS = {
    "small pictures": ["small"] * 10,
    "two recipes": ["small", "large"] * 4,
    "one huge picture among small ones": ["small"] * 5 + ["large"] + ["small"] * 8,
    "the huge one last": ["small"] * 8 + ["large"],
    "one picture": ["large"],
}


@pytest.mark.parametrize("recipes", RUNS.values(), ids=list(RUNS))
@pytest.mark.parametrize("start_seconds", [0.0, 6.0, 20.0], ids=["fast start", "usual start", "slow start"])
def test_with_a_right_forecast_it_is_right_within_a_factor_of_two_from_the_first_second_on(
    recipes: list[str], start_seconds: float
) -> None:
    samples = SimulatedRun(KINDS, recipes, forecast(KINDS), start_seconds=start_seconds).run()
    assert samples[0].said is not None
    assert worst_factor(samples, picture_seconds(recipes)) < 2
    assert largest_jump(samples, picture_seconds(recipes)) < 2


@pytest.mark.parametrize("wrong", [0.2, 5.0])
@pytest.mark.parametrize("recipes", RUNS.values(), ids=list(RUNS))
def test_a_forecast_that_is_five_times_wrong_is_mended_by_two_pictures(recipes: list[str], wrong: float) -> None:
    samples = SimulatedRun(KINDS, recipes, forecast(KINDS, wrong=wrong)).run()
    after_two = [each for each in samples if each.made >= 2]
    assert not after_two or worst_factor(after_two, picture_seconds(recipes)) < 3
    assert worst_factor(samples, picture_seconds(recipes)) <= 5.5
    assert largest_jump(samples, picture_seconds(recipes)) < 2


@pytest.mark.parametrize("crash_at", [1007.0, 1025.0, 1090.0])
def test_a_worker_that_is_replaced_makes_nothing_absurd_of_it(crash_at: float) -> None:
    samples = SimulatedRun(KINDS, ["small"] * 12, forecast(KINDS), crash_at=crash_at).run()
    assert worst_factor(samples, picture_seconds(["small"])) < 2


def test_where_nothing_was_measured_there_is_none_at_first_and_then_a_sensible_one() -> None:
    guess = dataclasses.replace(forecast(KINDS, wrong=40.0), is_known=False)
    samples = SimulatedRun(KINDS, ["small"] * 12, guess).run()
    first = next(each for each in samples if each.said is not None)
    assert samples[0].said is None
    assert 1006 + 0.2 * SMALL.alone() < first.now < 1006 + 1.8 * SMALL.alone()
    assert worst_factor(samples, picture_seconds(["small"])) < 1.5


def test_of_two_recipes_a_guess_at_least_knows_which_takes_longer() -> None:
    guess = dataclasses.replace(forecast(KINDS, wrong=0.01), is_known=False)
    samples = SimulatedRun(KINDS, ["small", "large"] * 4, guess).run()
    assert worst_factor(samples, picture_seconds(["large"])) < 2


@pytest.mark.parametrize("count", [1, 3, 16, 17, 40])
def test_with_many_pictures_at_once_as_on_a_gpu_the_last_ones_are_not_forgotten(count: int) -> None:
    run = SimulatedRun(KINDS, ["small"] * count, forecast(KINDS, 16, 4.0), at_once=16, crowding=4.0)
    assert worst_factor(run.run(), picture_seconds(["small"], 4.0)) < 2


def test_a_machine_that_becomes_busy_is_noticed_within_some_pictures() -> None:
    run = SimulatedRun(
        KINDS, ["small"] * 80, forecast(KINDS), slowness=lambda now: 3.0 if now > 1150 else 1.0, step=0.2
    )
    late = [each for each in run.run() if each.made > 45]
    assert worst_factor(late, 3 * picture_seconds(["small"])) < 1.6


@settings(max_examples=25, deadline=None)
@given(
    evaluations=st.lists(st.integers(5, 140), min_size=2, max_size=2),
    expected=st.integers(10, 140),
    recipes=st.lists(st.sampled_from(["small", "odd"]), min_size=1, max_size=8),
    wrong=st.floats(0.1, 10.0),
    at_once=st.integers(1, 4),
    start_seconds=st.floats(0.0, 60.0),
    crash_at=st.none() | st.floats(1001.0, 1100.0),
    is_known=st.booleans(),
)
def test_no_run_makes_it_absurd(
    evaluations: list[int],
    expected: int,
    recipes: list[str],
    wrong: float,
    at_once: int,
    start_seconds: float,
    crash_at: float | None,
    is_known: bool,
) -> None:
    """However wrong the forecast is, of speed and of evaluations: no more than that, nothing negative, no leap."""
    odd = Kind((evaluations[0], evaluations[1]), (0.05, 0.2))
    as_expected = forecast({"small": SMALL, "odd": Kind((expected, expected), (0.05, 0.2))}, at_once, wrong=wrong)
    run = SimulatedRun(
        {"small": SMALL, "odd": odd},
        recipes,
        dataclasses.replace(as_expected, is_known=is_known),
        at_once=at_once,
        start_seconds=start_seconds,
        step=0.5,
        crash_at=crash_at or 1e9,
    )
    samples = run.run()
    longest = 1.8 * 140 * 0.25
    wrong_at_most = max(wrong, 1 / wrong) * max(expected / 5, 140 / expected)
    if any(each.said is not None for each in samples):
        said = [each for each in samples if each.said is not None]
        assert all(each.said is not None and 0 <= each.said < 1e5 for each in said)
        whole = samples[-1].now - samples[0].now + longest
        assert all((each.said or 0.0) <= wrong_at_most * whole for each in said)
    assert samples[-1].said == 0


# --- single questions -------------------------------------------------------------------------------------


def board(*events: object, estimate: WorkEstimate | None = None, jobs: int = 4) -> RunProgress:
    counted = RunProgress()
    counted.update(started(jobs, {"small": jobs}, estimate), 1000.0)
    for event in events:
        counted.update(event, 1000.0)  # type: ignore[arg-type]
    return counted


def test_a_copy_takes_no_time_and_says_nothing_of_the_speed() -> None:
    estimate = forecast(KINDS)
    counted = board(estimate=estimate)
    each = 1.8 * SMALL.alone() / 2
    assert counted.seconds_left(1000.0) == pytest.approx(6 + 4 * each)
    counted.update(finished(artwork=None), 1000.5)
    counted.update(finished(artwork=None), 1001.0)
    assert counted.seconds_left(1001.0) == pytest.approx(5 + 2 * each, abs=0.5)


def test_only_what_may_be_made_counts_and_photos_that_come_count_at_once() -> None:
    estimate = forecast(KINDS)
    counted = board(estimate=estimate, jobs=12)
    before = counted.seconds_left(1000.0)
    counted.update(changed({"small": 12, "large": 3}), 1000.0)
    after = counted.seconds_left(1000.0)
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(3 * 1.8 * LARGE.alone() / 2)


def test_a_failure_takes_its_picture_out_of_the_time_left() -> None:
    counted = board(begun(), failed(LION, "t1", state=JobState.FAILED), estimate=forecast(KINDS))
    assert counted.seconds_left(1000.0) == pytest.approx(6 + 3 * 1.8 * SMALL.alone() / 2)


def test_a_silent_worker_hardly_counts_until_it_speaks_again() -> None:
    counted = board(begun(), progress(1), progress(2), estimate=forecast({"default": SMALL}))
    soon, late = counted.seconds_left(1060.0), counted.seconds_left(1e9)
    assert soon == late
    assert late is not None
    assert late < 2 * 4 * 1.8 * SMALL.alone() / 2


def test_what_a_checkpoint_brings_along_was_not_made_in_this_run() -> None:
    estimate = forecast(KINDS)
    counted = board(begun(), begun(CAFE, "t2"), estimate=estimate)
    counted.update(progress(40, 0), 1010.0)
    counted.update(progress(30, 1, token="t2"), 1010.1)
    seconds = counted.seconds_left(1010.1)
    assert seconds is not None
    assert seconds > 0.7 * 3 * 1.8 * SMALL.alone() / 2  # not as if 1½ pictures were made in 0.1 s


def test_a_recipe_that_the_forecast_does_not_know_is_taken_for_another_one() -> None:
    left = TimeLeft(forecast({"small": SMALL}), 0.0)
    assert left.seconds({"new": 2}, 0.0) == left.seconds({"small": 2}, 0.0)


ESTIMATE = PictureEstimate(evaluations=(40.0, 40.0), shares=(0.25, 0.75), alone_seconds=1.0, together_seconds=2.0)


@pytest.mark.parametrize(
    ("scale_index", "iteration", "share"),
    [(0, 20, 0.125), (0, 36, 0.225), (1, 0, 0.25), (1, 20, 0.625), (1, 80, 0.25 + 0.75 * 80 / 84), (1, 150, 1.0)],
)
def test_the_share_is_by_the_evaluations_expected_and_never_whole_before_the_limit(
    scale_index: int, iteration: int, share: float
) -> None:
    assert share_done(at(iteration, scale_index), ESTIMATE) == pytest.approx(share)


def at(iteration: int, scale_index: int) -> Progress:
    return progress(iteration, scale_index, iterations=150)


def test_the_share_only_grows() -> None:
    shares = [share_done(at(iteration, scale), ESTIMATE) for scale in (0, 1) for iteration in range(1, 151)]
    assert shares == sorted(shares)


@pytest.mark.parametrize(
    ("scale_index", "iteration", "share"), [(0, 24, 0.1), (1, 0, 0.2), (1, 24, 0.6), (1, 150, 1.0)]
)
def test_without_a_forecast_the_finer_scale_is_four_times_the_work(
    scale_index: int, iteration: int, share: float
) -> None:
    assert share_done(at(iteration, scale_index)) == pytest.approx(share)


def test_the_time_of_long_evaluations_is_measured_within_them() -> None:
    # Ten minutes an evaluation, foreseen as one: while it lasts it becomes known that all takes longer.
    slow = PictureEstimate(evaluations=(40.0,), shares=(1.0,), alone_seconds=2400.0, together_seconds=2400.0)
    estimate = WorkEstimate(is_known=True, start_seconds=0.0, pictures_at_once=1, recipes={"default": slow})
    counted = board(begun(), estimate=estimate, jobs=1)
    counted.update(EvaluationShare("t1", 0.5), 1000.0)  # before the first one: of which scale, nobody knows
    counted.update(progress(1, 0, scale_count=1, iterations=150), 1000.0)
    said = list[float | None]()
    for minute in range(1, 11):
        counted.update(EvaluationShare("t1", minute / 10), 1000.0 + 60 * minute)
        said.append(counted.seconds_left(1000.0 + 60 * minute))
    assert all(seconds is not None for seconds in said)
    assert said[-1] > said[4] > said[0] > 2300  # type: ignore[operator]


def test_within_an_evaluation_the_share_grows_up_to_that_of_the_next_one() -> None:
    shares = [share_done(at(20, 1), ESTIMATE, following) for following in (0.0, 0.25, 0.5, 1.0)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(share_done(at(21, 1), ESTIMATE))
    assert share_done(at(150, 1), ESTIMATE, 0.5) == 1.0
