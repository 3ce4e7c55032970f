import pytest

from pipeline.model import JobState, NetworkLoading, PhotoSetAside
from pipeline.report.run_progress import JobProgress, RunProgress
from tests.report.events import CAFE, LION, begun, failed, finished, over, progress, started


def run_progress(*events: object, began: float = 100.0) -> RunProgress:
    counted = RunProgress(began)
    for event in events:
        counted.update(event)  # type: ignore[arg-type]
    return counted


def test_pictures_are_counted_by_what_became_of_them() -> None:
    counted = run_progress(
        started(jobs=9, done=4),
        PhotoSetAside("half.jpg", "incomplete", "no end"),
        begun(),
        finished(),
        finished(CAFE, artwork=None),
        failed(),
        failed(state=JobState.PENDING),
    )
    assert (counted.made, counted.copied, counted.failed, counted.done) == (1, 1, 1, 3)
    assert (counted.total, counted.finished_before) == (9, 4)


def test_a_picture_of_a_photo_that_was_set_aside_is_settled_and_has_not_failed() -> None:
    counted = run_progress(started(jobs=3), begun(CAFE, "t2"), failed(photo_set_aside=True))
    assert (counted.failed, counted.done, counted.total, counted.in_progress) == (0, 1, 3, {})


def test_while_the_network_is_loaded_nothing_is_in_progress() -> None:
    counted = run_progress(started(), begun(), NetworkLoading())  # after the death of a worker
    assert (counted.is_loading, counted.in_progress) == (True, {})
    counted.update(begun())
    assert not counted.is_loading
    assert not run_progress(started(), NetworkLoading(), over()).is_loading


def test_late_arrivals_make_the_total_grow() -> None:
    assert run_progress(started(jobs=1), finished(), begun(), begun(CAFE, "t2")).total == 3


def test_a_canvas_is_there_from_its_beginning_to_its_end() -> None:
    counted = run_progress(
        started(), begun(), begun(CAFE, "t2"), progress(3), progress(1, token="unknown"), finished()
    )
    assert list(counted.in_progress.values()) == [JobProgress(CAFE)]
    counted.update(over())
    assert counted.in_progress == {}


def test_a_job_that_begins_again_after_it_was_put_back_is_one_canvas() -> None:
    counted = run_progress(started(), begun(), begun(CAFE, "t2"), progress(40), begun(token="t3"))
    assert counted.in_progress == {"t2": JobProgress(CAFE), "t3": JobProgress(LION)}
    assert counted.total == 3


@pytest.mark.parametrize(
    ("scale_index", "iteration", "share"), [(0, 50, 0.2), (0, 25, 0.1), (1, 0, 0.2), (1, 25, 0.6), (1, 50, 1.0)]
)
def test_the_finer_scale_is_four_times_the_work(scale_index: int, iteration: int, share: float) -> None:
    assert JobProgress(LION, progress(iteration, scale_index)).share_done() == pytest.approx(share)


def test_a_canvas_without_progress_has_nothing_done() -> None:
    assert JobProgress(LION).share_done() == 0.0


def test_the_time_left_follows_from_the_speed_so_far() -> None:
    counted = run_progress(started(jobs=10), finished(), begun(), progress(50, 1))
    assert counted.pictures_per_second(120.0) == pytest.approx(2 / 20)
    assert counted.seconds_left(120.0) == pytest.approx(80.0)


def test_copies_say_nothing_about_the_speed() -> None:
    counted = run_progress(started(jobs=3), finished(artwork=None))
    assert counted.pictures_per_second(160.0) == 0.0
    assert counted.seconds_left(160.0) is None


def test_at_the_first_moment_the_speed_is_unknown() -> None:
    assert run_progress(started(), finished()).seconds_left(100.0) is None
