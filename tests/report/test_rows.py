from pipeline.model import JobState, LossHistory, LossPoint, PhotoSetAside
from pipeline.report.rows import Row, photo_row, picture_row
from tests.report.events import CAFE, artwork, begun, failed, finished


def test_seconds_have_one_digit() -> None:
    assert picture_row(finished(artwork=artwork(seconds=12.345678))).seconds == 12.3


def test_the_losses_of_each_layer_are_the_ledgers() -> None:
    known = LossHistory(("style relu1_1",), (LossPoint(1, 0, 0.5, 0.0, (0.5,)),))
    assert picture_row(finished(artwork=artwork(history=known))) == picture_row(finished())


def test_a_picture_is_a_row_with_its_latest_state() -> None:
    assert [picture_row(event).state for event in (begun(), finished(), failed(state=JobState.FAILED))] == [
        "pending",
        "done",
        "failed",
    ]


def test_a_failed_picture_has_its_reason_and_no_figures() -> None:
    row = picture_row(failed())
    assert (row.photo, row.style, row.recipe, row.reason, row.attempts) == (*_names(), "truncated", 2)
    assert (row.seconds, row.sizes, row.copied) == (None, (), False)


def _names() -> tuple[str, str, str]:
    return CAFE.photo, CAFE.style, CAFE.recipe


def test_a_photo_without_pictures_is_a_row_without_style() -> None:
    assert photo_row(PhotoSetAside("a.jpg", "gone", "removed")) == Row(
        photo="a.jpg", style="", recipe="", output="", state="gone", reason="removed"
    )
