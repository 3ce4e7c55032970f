"""What ``plan`` and ``status`` say of the schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.cli.schedule import schedule_fields, schedule_sentence
from pipeline.config import Config
from tests.workshop import Workshop

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
NIGHT = NOON + timedelta(hours=14)
HOUR = 3600.0


def scheduled(tmp_path: Path, cron: str = "0 1 * * *", until: str = "06:00") -> Config:
    workshop = Workshop(tmp_path)
    workshop.text += f'schedule: {{cron: "{cron}", until: "{until}", timezone: UTC}}\n'
    return workshop.config()


def words(config: Config, now: datetime, seconds: float | None) -> str:
    return schedule_sentence(config, now, seconds).replace(" UTC", "")


def test_without_a_schedule_nothing_is_said(tmp_path: Path) -> None:
    config = Workshop(tmp_path).config()
    assert schedule_sentence(config, NOON, 60.0) == ""
    assert schedule_fields(config, NOON, 60.0) is None


@pytest.mark.parametrize(
    ("now", "seconds", "said"),
    [
        (NOON, 0.0, "The next window: Tue 01:00, until Tue 06:00; no picture is waiting."),
        (
            NOON,
            2 * HOUR,
            "The next window: Tue 01:00, until Tue 06:00; the waiting pictures take about 2 hours and fit into it.",
        ),
        (
            NOON,
            7 * HOUR,
            "The next window: Tue 01:00, until Tue 06:00; the waiting pictures take about 7 hours, do not fit into "
            "it and will be done by Wed 03:00.",
        ),
        (
            NIGHT,
            None,
            "The schedule's window is open until Tue 06:00; how long the waiting pictures take is not known yet.",
        ),
        (
            NIGHT,
            4 * HOUR,
            "The schedule's window is open until Tue 06:00; the waiting pictures take about 4 hours and fit into it.",
        ),
        (
            NIGHT,
            5 * HOUR,
            "The schedule's window is open until Tue 06:00; the waiting pictures take about 5 hours, do not fit into "
            "it and will be done by Wed 02:00.",
        ),
        (
            NIGHT,
            9000 * HOUR,
            "The schedule's window is open until Tue 06:00; the waiting pictures take about 375 days, do not fit "
            "into it and will be done in some years.",
        ),
    ],
)
def test_the_window_is_told_and_whether_the_work_fits(
    tmp_path: Path, now: datetime, seconds: float | None, said: str
) -> None:
    assert words(scheduled(tmp_path), now, seconds) == said


def test_a_window_that_never_ends_is_told_as_such(tmp_path: Path) -> None:
    config = scheduled(tmp_path, "@daily", "24:00")
    assert words(config, NOON, 9000 * HOUR) == (
        "The schedule's window is open without an end; the waiting pictures take about 375 days and fit into it."
    )


def test_the_fields_for_programs(tmp_path: Path) -> None:
    config = scheduled(tmp_path)
    tuesday = {"begins": "2026-03-03T01:00:00+00:00", "ends": "2026-03-03T06:00:00+00:00"}
    wednesday = {"begins": "2026-03-04T01:00:00+00:00", "ends": "2026-03-04T06:00:00+00:00"}
    assert schedule_fields(config, NOON, None) == {
        "open": False,
        "window": None,
        "next": tuesday,
        "backlog_seconds": None,
        "fits": None,
        "done_by": None,
    }
    assert schedule_fields(config, NIGHT, 5 * HOUR) == {
        "open": True,
        "window": tuesday,
        "next": wednesday,
        "backlog_seconds": 18000.0,
        "fits": False,
        "done_by": "2026-03-04T02:00:00+00:00",
    }
    endless = schedule_fields(scheduled(tmp_path, "@daily", "24:00"), NOON, 60.0)
    assert endless is not None
    assert (endless["fits"], endless["next"]) == (True, None)
