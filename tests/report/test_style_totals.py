from pipeline.model import JobState
from pipeline.report.rows import Row, picture_row
from pipeline.report.style_totals import StyleTotals, style_totals
from tests.report.events import CAFE, LION, artwork, begun, failed, finished


def rows() -> list[Row]:
    return [
        picture_row(event)
        for event in (
            finished(artwork=artwork(seconds=10.0)),
            finished(artwork=artwork(seconds=20.0)),
            finished(artwork=None),
            failed(LION, state=JobState.FAILED),
            begun(),
            failed(CAFE),
        )
    ]


def test_pictures_are_added_up_by_style_and_recipe() -> None:
    night, wave = style_totals(rows())
    assert night == StyleTotals(
        style="night",
        recipe="fine",
        made=0,
        copied=0,
        failed=1,
        mean_seconds=None,
        mean_first_style=None,
        mean_last_style=None,
    )
    assert (wave.style, wave.made, wave.copied, wave.failed) == ("wave", 2, 1, 1)
    assert (wave.mean_seconds, wave.mean_first_style, wave.mean_last_style) == (15.0, 1.0, 0.125)


def test_no_pictures_have_no_totals() -> None:
    assert style_totals([]) == []
