"""The schedule as a config writes it. What is said about mistakes stands word for word in golden/schedule*.yaml."""

from __future__ import annotations

from datetime import time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.schedule import WindowSection, zone_error
from pipeline.model import WindowRule
from tests.config.conftest import Load, Problems

STYLE = "styles: [{name: night, painting: paintings/starry_night.jpg}]\n"


@pytest.mark.parametrize("text", ["", "schedule:", "schedule: []", "schedule: null"])
def test_without_a_schedule_there_are_no_windows_to_keep(load: Load, text: str) -> None:
    assert load(STYLE + text).window_rules() == ()


def test_one_window_needs_no_list(load: Load) -> None:
    config = load(STYLE + "schedule: {cron: 0 1 * * *, until: 06:00, timezone: Europe/Berlin}")
    assert config.window_rules() == (WindowRule("0 1 * * *", time(6), ZoneInfo("Europe/Berlin")),)


def test_several_windows_keep_their_order_and_the_systems_zone(load: Load) -> None:
    text = """
schedule:
  - {cron: "0  22  * * SAT,SUN", until: "6:30"}
  - {cron: "@Daily", until: "24:00"}
"""
    assert load(STYLE + text).window_rules() == (
        WindowRule("0 22 * * sat,sun", time(6, 30)),
        WindowRule("@daily", time(0)),
    )


@pytest.mark.parametrize(
    "cron",
    [
        *("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"),
        *("0 0 29 2 *", "*/5 1-4,22 1 jan mon-fri", "0 1 l * *", "0 1 * * fri#2"),
    ],
)
def test_what_crontab_knows_is_taken(load: Load, cron: str) -> None:
    assert load(STYLE + f'schedule: {{cron: "{cron}", until: "06:00"}}').window_rules()[0].cron == cron


@pytest.mark.parametrize(
    "cron",
    [
        *("", "0 1 * *", "0 1 * * * *", "0 1 * * * * 2030", "@reboot", "h h * * *", "r(0-5) 1 * * *"),
        *("0 24 * * *", "60 0 * * *", "0 0 0 * *", "0 0 * * mo", "*/0 * * * *", "one two three four five"),
    ],
)
def test_what_crontab_does_not_know_is_refused(problems: Problems, cron: str) -> None:
    (told,) = problems(STYLE + f'schedule: {{cron: "{cron}", until: "06:00"}}')
    assert told.startswith("schedule.cron: must be five fields as in crontab (minute, hour, day, month, weekday, ")
    assert f"found {cron!r}" in told


def test_a_day_that_never_comes_is_refused(problems: Problems) -> None:
    (told,) = problems(STYLE + 'schedule: [{cron: "0 0 31 2,4 *", until: "06:00"}]')
    assert told == "schedule[0].cron: never comes: there is no such day, found '0 0 31 2,4 *'"


_PIECES = st.sampled_from(
    [
        *("*", "*/5", "1", "2", "7", "31", "60", "-1", "1-5", "5-1", "1-5/2", "1//2", "1,2", ",", "/", "٣", "?"),
        *("l", "l-l", "w", "15w", "#", "1#6", "fri#2", "h", "r", "mon", "jan-"),
    ]
)


@pytest.mark.no_cover
@settings(max_examples=40, deadline=None)  # one that never comes is looked for over years
@given(st.one_of(st.text(), st.lists(_PIECES, min_size=5, max_size=5).map(" ".join)))
def test_whatever_the_text_it_is_taken_or_explained(text: str) -> None:
    try:
        said = WindowSection(cron=text, until="06:00").cron
    except ValueError as error:
        said = str(error)
    assert said == " ".join(text.lower().split()) or "must be five fields" in said or "never comes" in said


@pytest.mark.parametrize("zone", ["Europe", "Europe/Berlim", "/etc/localtime", "../UTC", "", "UTC\\0", "MEZ"])
def test_an_unknown_zone_is_refused(problems: Problems, zone: str) -> None:
    (told,) = problems(STYLE + f'schedule: {{cron: "0 1 * * *", until: "06:00", timezone: "{zone}"}}')
    assert told.startswith(
        "schedule.timezone: must be the name of a time zone, like 'Europe/Berlin' or 'UTC', found "
    )


def test_a_system_without_zones_is_told_what_to_install() -> None:
    assert zone_error("Europe/Berlin", ()) == (
        "can't be looked up, as this system has no time zone data; install it ('pip install tzdata'), or leave "
        "timezone out for the system's own, found 'Europe/Berlin'"
    )
    assert zone_error("europe/berlin", ("Europe/Berlin",)).endswith("; did you mean 'Europe/Berlin'?")
