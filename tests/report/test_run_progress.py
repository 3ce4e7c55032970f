import pytest

from pipeline.model import EvaluationShare, Job, JobState, NetworkLoading, PhotoSetAside, RunEvent, RunStarted
from pipeline.report.run_progress import JobProgress, RunProgress
from tests.report.events import CAFE, LION, begun, failed, finished, over, progress, started
from tests.report.simulated_run import SMALL, changed, forecast


def run_progress(*events: RunEvent, now: float = 100.0) -> RunProgress:
    """Return the count of a run that began at 100 s, and whose other events came at ``now``."""
    counted = RunProgress()
    for event in events:
        counted.update(event, 100.0 if isinstance(event, RunStarted) else now)
    return counted


def test_pictures_are_counted_by_what_became_of_them() -> None:
    counted = run_progress(
        started(jobs=9, done=4),
        PhotoSetAside("half.jpg", "incomplete", "no end"),
        begun(),
        finished(),
        finished(CAFE, artwork=None),
        failed(),
        failed(LION, "t4", state=JobState.PENDING),
    )
    assert (counted.made, counted.copied, counted.failed, counted.done) == (1, 1, 1, 2)
    assert (counted.left, counted.total, counted.finished_before) == (6, 9, 4)


def test_a_picture_of_a_photo_that_was_set_aside_has_not_failed_and_is_left_out() -> None:
    counted = run_progress(started(jobs=3), begun(CAFE, "t2"), failed(photo_set_aside=True))
    assert (counted.failed, counted.done, counted.total, counted.in_progress) == (0, 0, 2, {})


def test_while_the_network_is_loaded_nothing_is_in_progress() -> None:
    counted = run_progress(started(), begun(), NetworkLoading())  # after the death of a worker
    assert (counted.is_loading, counted.in_progress) == (True, {})
    counted.update(begun(), 101.0)
    assert not counted.is_loading
    assert not run_progress(started(), NetworkLoading(), over()).is_loading


def test_the_total_is_all_that_is_known_and_not_only_what_was_claimed() -> None:
    counted = run_progress(started(jobs=2), begun(), begun(CAFE, "t2"), changed({"default": 80}))
    assert (counted.done, counted.total) == (0, 80)
    counted.update(finished(), 101.0)
    counted.update(begun(Job("new.jpg", "wave", "default"), "t3"), 101.0)
    assert (counted.done, counted.left, counted.total) == (1, 79, 80)


def test_a_backlog_of_several_passes_is_counted_on() -> None:
    counted = run_progress(started(jobs=500, made_before=1000), finished())
    assert (counted.done, counted.total) == (1001, 1500)


def test_a_failure_is_neither_done_nor_lost_and_counts_once_when_it_is_tried_again() -> None:
    counted = run_progress(started(jobs=80), begun(), failed(LION, "t1", state=JobState.FAILED))
    assert (counted.done, counted.failed, counted.left, counted.total) == (0, 1, 79, 80)
    counted.update(changed({"default": 80}), 100.0)  # 'stylewatch retry' beside it
    counted.update(begun(token="t2"), 100.0)
    assert (counted.failed, counted.left, counted.total) == (0, 80, 80)


def test_a_photo_that_takes_its_other_pictures_along_makes_the_total_less() -> None:
    counted = run_progress(started(jobs=80), begun(), failed(LION, "t1"), changed({"default": 77}))
    assert (counted.failed, counted.total) == (1, 78)


def test_a_canvas_is_there_from_its_beginning_to_its_end() -> None:
    counted = run_progress(
        started(), begun(), begun(CAFE, "t2"), progress(3), progress(1, token="unknown"), finished()
    )
    assert list(counted.in_progress.values()) == [JobProgress(CAFE)]
    counted.update(over(), 100.0)
    assert counted.in_progress == {}


def test_a_job_that_begins_again_after_it_was_put_back_is_one_canvas() -> None:
    counted = run_progress(started(), begun(), begun(CAFE, "t2"), progress(40), begun(token="t3"))
    assert counted.in_progress == {"t2": JobProgress(CAFE), "t3": JobProgress(LION)}
    assert counted.total == 3


def test_the_share_of_a_picture_is_by_the_evaluations_that_it_is_expected_to_take() -> None:
    estimate = forecast({"default": SMALL})
    counted = run_progress(started(estimate=estimate), begun(), progress(20, 1, iterations=150))
    whole = SMALL.alone()
    assert counted.in_progress["t1"].share_done == pytest.approx((48 * 0.05 + 20 * 0.2) / whole)


def test_a_canvas_without_progress_has_nothing_done() -> None:
    assert run_progress(started(), begun()).in_progress["t1"].share_done == 0.0


def test_the_time_left_follows_from_the_speed_so_far() -> None:
    counted = run_progress(started(jobs=10), finished(), finished(CAFE), now=120.0)
    assert counted.seconds_left(120.0) == pytest.approx(80.0, rel=0.25)


def test_copies_say_nothing_about_the_speed() -> None:
    counted = run_progress(started(jobs=3), finished(artwork=None))
    assert counted.pictures_per_hour(160.0) is None
    assert counted.seconds_left(160.0) is None


def test_at_the_first_moment_the_speed_is_unknown() -> None:
    assert run_progress(started(), finished()).seconds_left(100.0) is None
    assert run_progress(started(), begun(), progress(20)).pictures_per_hour(120.0) is None


def test_the_next_run_begins_anew_but_for_the_speed() -> None:
    counted = run_progress(started(jobs=9), begun(CAFE, "t2"), finished(), failed(), over(), now=110.0)
    counted.update(started(jobs=4, run_id="r2"), 500.0)
    assert (counted.made, counted.failed, counted.total, counted.in_progress) == (0, 0, 4, {})
    assert counted.pictures_per_hour(510.0) == pytest.approx(3600 / 20)


def test_a_run_begins_with_its_forecast() -> None:
    estimate = forecast({"default": SMALL})
    counted = run_progress(started(jobs=10, recipes={"default": 10}, estimate=estimate))
    assert counted.seconds_left(100.0) == pytest.approx(6 + 10 * 1.8 * SMALL.alone() / 2)


def test_pictures_without_a_run_have_a_total_and_a_time_left_too() -> None:
    counted = RunProgress()
    counted.update(changed({"default": 2}), 5000.0)
    assert (counted.total, counted.is_planned, counted.seconds_left(5000.0)) == (2, False, None)
    counted.update(finished(), 5010.0)
    left = counted.seconds_left(5010.0)
    assert left is not None
    assert 5 < left < 20


def test_how_far_an_evaluation_is_counts_as_a_part_of_it() -> None:
    counted = run_progress(started(estimate=forecast({"default": SMALL})), begun(), progress(20, 1, iterations=150))
    before = counted.in_progress["t1"].share_done
    counted.update(EvaluationShare("t1", 0.5), 101.0)
    job = counted.in_progress["t1"]
    assert (job.progress, job.evaluation_share) == (progress(20, 1, iterations=150), 0.5)
    half = job.share_done
    assert half == pytest.approx(before + 0.5 * 0.2 / SMALL.alone())
    counted.update(EvaluationShare("t1", 0.1), 102.0)  # taken back: memory was short
    assert (counted.in_progress["t1"].share_done, counted.in_progress["t1"].evaluation_share) == (half, 0.1)
    counted.update(progress(21, 1, iterations=150), 103.0)
    assert counted.in_progress["t1"].evaluation_share == 0.0
    assert counted.in_progress["t1"].share_done > half


def test_how_far_the_first_evaluation_is_is_known_although_not_what_it_is_a_part_of() -> None:
    counted = run_progress(started(), begun(), EvaluationShare("t1", 0.5), EvaluationShare("unknown", 0.5))
    assert counted.in_progress == {"t1": JobProgress(LION, evaluation_share=0.5)}
