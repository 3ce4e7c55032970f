"""A plan in short: totals, and a fair sample of its list."""

from __future__ import annotations

import pytest

from pipeline.model import Job
from pipeline.runner.planning.overview import (
    PlannedJob,
    Total,
    sample_over_folders,
    totals_by_folder,
    totals_by_style,
)


def planned(photo: str, style: str = "night", reason: str = "") -> PlannedJob:
    return PlannedJob(Job(photo, style, "default"), f"{photo}--{style}.jpg", reason)


def of_folders(**counts: int) -> list[PlannedJob]:
    return [planned(f"{folder}/{number}.jpg") for folder, count in counts.items() for number in range(count)]


def sampled(jobs: list[PlannedJob], count: int) -> list[str]:
    return [job.job.photo for job in sample_over_folders(jobs, count)]


def test_the_sample_has_some_of_each_folder_in_the_order_of_the_list() -> None:
    assert sampled(of_folders(a=100, b=2, c=50), 8) == [
        *("a/0.jpg", "a/1.jpg", "a/2.jpg"),
        *("b/0.jpg", "b/1.jpg"),
        *("c/0.jpg", "c/1.jpg", "c/2.jpg"),
    ]


def test_of_more_folders_than_lines_the_sample_is_from_all_over_the_list() -> None:
    jobs = of_folders(**{f"f{number:03}": 3 for number in range(100)})
    assert sampled(jobs, 4) == ["f000/0.jpg", "f025/0.jpg", "f050/0.jpg", "f075/0.jpg"]


@pytest.mark.parametrize("count", [3, 20])
def test_a_short_list_is_its_own_sample(count: int) -> None:
    jobs = of_folders(a=2, b=1)
    assert sample_over_folders(jobs, count) == jobs
    assert sample_over_folders([], count) == []


def test_totals_tell_new_from_again_the_largest_group_first() -> None:
    jobs = [planned("x.jpg"), planned("a/1.jpg", reason="why"), planned("a/b/2.jpg"), planned("a/3.jpg", "wave")]
    assert list(totals_by_folder(jobs).items()) == [("a", Total(2, 1)), ("", Total(1, 0))]
    assert list(totals_by_style(jobs).items()) == [("night", Total(2, 1)), ("wave", Total(1, 0))]
    assert Total(2, 1).all == 3
