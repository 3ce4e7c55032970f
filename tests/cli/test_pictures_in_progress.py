import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from pipeline.cli.pictures_in_progress import PicturesInProgress, shortened
from pipeline.model import Job
from pipeline.report.run_progress import JobProgress
from tests.report.events import progress


def drawn(*jobs: JobProgress, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(PicturesInProgress(jobs))
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("text", "columns", "short"),
    [
        ("a.jpg", 5, "a.jpg"),
        ("holidays/2019/beach.jpg", 16, "holid…/beach.jpg"),
        ("holidays/beach.jpg", 1, "…"),
        ("獅子獅子獅子.jpg", 9, "獅…子.jpg"),
    ],
)
def test_of_a_long_name_the_middle_is_left_out(text: str, columns: int, short: str) -> None:
    assert shortened(text, columns) == short
    assert cell_len(short) <= columns


def test_a_style_of_any_length_leaves_room_for_the_photo() -> None:
    job = JobProgress(
        Job("zoo/lion.jpg", "a style with a name of fifty characters, no less ..", "default"), progress(7)
    )
    (line,) = drawn(job, width=60)
    assert line.split("  ") == ["zoo/lion.jpg", "× a st…s, no less ..", "scale 1/2", "7/50"]


def test_what_is_left_out_on_a_narrow_terminal_are_the_losses_and_then_the_numbers() -> None:
    job = JobProgress(Job("holidays/2019/beach.jpg", "wave", "default"), progress(7))
    assert [line.split() for line in drawn(job, JobProgress(job.job), width=100)] == [
        ["holidays/2019/beach.jpg", "×", "wave", "scale", "1/2", "7/50", "content", "0.25,", "style", "0.5"],
        ["holidays/2019/beach.jpg", "×", "wave", "starting"],
    ]
    assert drawn(job, width=60)[0].split() == ["holidays/2019/beach.jpg", "×", "wave", "scale", "1/2", "7/50"]
    assert "× wave" in drawn(job, width=30)[0]


def test_a_name_is_neither_markup_nor_control_codes() -> None:
    (line,) = drawn(JobProgress(Job("[b]a\x1b.jpg", "[red]", "default")), width=80)
    assert line.split() == ["[b]a\\x1b.jpg", "×", "[red]", "starting"]


def test_without_pictures_there_are_no_lines() -> None:
    assert drawn(width=80) == []


def test_a_long_evaluation_is_shown_by_how_much_of_it_is_done() -> None:
    job = Job("a.jpg", "wave", "default")
    found = [line.split("  ") for line in drawn(JobProgress(job, progress(7), 0.1, 0.996), width=60)]
    assert found == [["a.jpg", "× wave", "scale 1/2", "7/50 + 99 %"]]
    (first,) = drawn(JobProgress(job, None, 0.0, 0.5), width=60)
    assert first.rstrip().split("  ") == ["a.jpg", "× wave", "evaluating", "50 %"]
