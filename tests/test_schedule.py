"""Windows of a schedule: by table over zones and both changes of the clock, and against a slow, plain reckoning."""

from __future__ import annotations

import itertools
import os
import time as system_time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import WindowRule, clock_time
from pipeline.schedule import Schedule, ScheduleState, Window, next_moment

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def rule(cron: str, until: str, zone: str = "UTC") -> WindowRule:
    return WindowRule(cron, clock_time(until), ZoneInfo(zone))


def utc(text: str) -> datetime:
    """Return a moment; without an offset the text is UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


# --- by table ---------------------------------------------------------------------------------------------

#: Zone, now; and for cron and until the next window, with the offsets that the zone has then.
TABLE = [
    # Kathmandu and UTC never change their clocks.
    ("UTC", "2026-03-28 12:00", [
        ("0 1 * * *", "06:00", "2026-03-29 01:00+00:00", "2026-03-29 06:00+00:00"),
        ("0 22 * * *", "06:00", "2026-03-28 22:00+00:00", "2026-03-29 06:00+00:00"),
        ("0 22 * * *", "24:00", "2026-03-28 22:00+00:00", "2026-03-29 00:00+00:00"),
        ("0 8 * * mon", "08:00", "2026-03-30 08:00+00:00", "2026-03-31 08:00+00:00"),
        ("@monthly", "12:30", "2026-04-01 00:00+00:00", "2026-04-01 12:30+00:00"),
        ("0 0 29 2 *", "1:00", "2028-02-29 00:00+00:00", "2028-02-29 01:00+00:00"),
    ]),
    ("Asia/Kathmandu", "2026-03-28 12:00", [
        ("30 23 * * *", "00:15", "2026-03-28 23:30+05:45", "2026-03-29 00:15+05:45"),
    ]),
    # Berlin, 29 March 2026: from 02:00 to 03:00. The night is an hour shorter.
    ("Europe/Berlin", "2026-03-28 12:00", [
        ("0 1 * * *", "06:00", "2026-03-29 01:00+01:00", "2026-03-29 06:00+02:00"),
        ("0 2 * * *", "06:00", "2026-03-29 03:00+02:00", "2026-03-29 06:00+02:00"),
        ("30 2 * * *", "06:00", "2026-03-29 03:00+02:00", "2026-03-29 06:00+02:00"),
        ("30 2 * * *", "03:15", "2026-03-29 03:00+02:00", "2026-03-29 03:15+02:00"),
        ("0 22 * * *", "02:30", "2026-03-28 22:00+01:00", "2026-03-29 03:00+02:00"),
        # A window that lies in the gap does not take place.
        ("15 2 * * *", "02:45", "2026-03-30 02:15+02:00", "2026-03-30 02:45+02:00"),
    ]),
    ("Europe/Berlin", "2026-03-28 01:00", [
        ("0 8 28 * *", "08:00", "2026-03-28 08:00+01:00", "2026-03-29 08:00+02:00"),
    ]),
    # Berlin, 25 October 2026: from 03:00 back to 02:00. The night is an hour longer.
    ("Europe/Berlin", "2026-10-24 12:00", [
        ("0 1 * * *", "06:00", "2026-10-25 01:00+02:00", "2026-10-25 06:00+01:00"),
        ("30 2 * * *", "06:00", "2026-10-25 02:30+02:00", "2026-10-25 06:00+01:00"),
        ("0 1 * * *", "02:30", "2026-10-25 01:00+02:00", "2026-10-25 02:30+02:00"),
        ("0 1 * * *", "03:00", "2026-10-25 01:00+02:00", "2026-10-25 03:00+01:00"),
        ("30 2 25 10 *", "02:15", "2026-10-25 02:30+02:00", "2026-10-26 02:15+01:00"),
        ("30 2 * * sun", "02:30", "2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00"),
    ]),
    # What began in the first 02:30 does not begin once more in the second.
    ("Europe/Berlin", "2026-10-25 01:10", [
        ("30 2 * * *", "02:45", "2026-10-26 02:30+01:00", "2026-10-26 02:45+01:00"),
    ]),
    # New York, 8 March and 1 November 2026, at 02:00.
    ("America/New_York", "2026-03-07 20:00", [
        ("30 2 * * *", "05:00", "2026-03-08 03:00-04:00", "2026-03-08 05:00-04:00"),
        ("0 1 * * *", "02:59", "2026-03-08 01:00-05:00", "2026-03-08 03:00-04:00"),
    ]),
    ("America/New_York", "2026-10-31 20:00", [
        ("30 1 * * *", "05:00", "2026-11-01 01:30-04:00", "2026-11-01 05:00-05:00"),
        ("0 23 * * *", "01:30", "2026-10-31 23:00-04:00", "2026-11-01 01:30-04:00"),
    ]),
    # Lord Howe, by half an hour: 4 October 2026 from 02:00 to 02:30, 5 April 2026 from 02:00 back to 01:30.
    ("Australia/Lord_Howe", "2026-10-03 06:00", [
        ("15 2 * * *", "04:00", "2026-10-04 02:30+11:00", "2026-10-04 04:00+11:00"),
        ("0 1 * * *", "02:10", "2026-10-04 01:00+10:30", "2026-10-04 02:30+11:00"),
    ]),
    ("Australia/Lord_Howe", "2026-04-04 06:00", [
        ("45 1 * * *", "03:00", "2026-04-05 01:45+11:00", "2026-04-05 03:00+10:30"),
        ("0 1 * * *", "01:45", "2026-04-05 01:00+11:00", "2026-04-05 01:45+11:00"),
    ]),
    # Samoa left out the whole 30 December 2011: what begins or ends then does so when the 31st begins.
    ("Pacific/Apia", "2011-12-30 06:00", [
        ("0 12 30 12 *", "18:00", "2012-12-30 12:00+14:00", "2012-12-30 18:00+14:00"),
    ]),
    ("Pacific/Apia", "2011-12-29 12:00", [
        ("0 22 29 12 *", "06:00", "2011-12-29 22:00-10:00", "2011-12-31 00:00+14:00"),
    ]),
]  # fmt: skip

CASES = [(zone, cron, until, now, begins, ends) for zone, now, rows in TABLE for cron, until, begins, ends in rows]


@pytest.mark.parametrize(("zone", "cron", "until", "now", "begins", "ends"), CASES)
def test_the_next_window(zone: str, cron: str, until: str, now: str, begins: str, ends: str) -> None:
    schedule = Schedule([rule(cron, until, zone)])
    standing = schedule.at(utc(now))
    assert standing.open is None
    assert standing.next is not None
    assert standing.next.ends is not None
    assert schedule.local(standing.next.begins).isoformat(" ", "minutes") == begins
    assert schedule.local(standing.next.ends).isoformat(" ", "minutes") == ends


@pytest.mark.parametrize(("zone", "cron", "until", "now", "begins", "ends"), CASES)
def test_a_window_holds_its_beginning_and_not_its_end(
    zone: str, cron: str, until: str, now: str, begins: str, ends: str
) -> None:
    schedule = Schedule([rule(cron, until, zone)])
    window = Window(utc(begins), utc(ends))
    assert schedule.at(utc(begins) - timedelta(seconds=1)).open is None
    assert schedule.at(utc(begins)).open == window
    # The asker's own zone makes no difference.
    assert schedule.at((utc(ends) - timedelta(seconds=1)).astimezone(ZoneInfo(zone))).open == window
    assert schedule.at(utc(ends)).open is None


def test_without_rules_work_is_always_allowed() -> None:
    now = utc("2026-03-28 12:00")
    assert not Schedule([])
    assert Schedule([]).at(now) == ScheduleState(Window(now, None), None)
    assert Schedule([]).done_by(now, 60.0) == utc("2026-03-28 12:01")


# --- several windows --------------------------------------------------------------------------------------


def spans(schedule: Schedule, now: str, count: int) -> list[tuple[str, str]]:
    found = itertools.islice(schedule.windows(utc(now)), count)
    return [(f"{window.begins:%d %H:%M}", f"{window.ends:%d %H:%M}" if window.ends else "never") for window in found]


def test_windows_that_overlap_or_touch_are_one() -> None:
    overlapping = Schedule([rule("0 1 * * *", "04:00"), rule("0 3 * * *", "06:00"), rule("0 6 * * *", "07:00")])
    assert spans(overlapping, "2026-03-28 12:00", 2) == [("29 01:00", "29 07:00"), ("30 01:00", "30 07:00")]


def test_a_window_within_another_adds_nothing() -> None:
    nested = Schedule([rule("0 1 * * *", "09:00"), rule("0 3 * * *", "04:00")])
    assert spans(nested, "2026-03-28 12:00", 1) == [("29 01:00", "29 09:00")]


def test_windows_apart_stay_apart_and_come_in_order() -> None:
    apart = Schedule([rule("0 12 * * sat,sun", "14:00"), rule("0 1 * * *", "06:00")])
    assert spans(apart, "2026-03-27 12:00", 4) == [
        ("28 01:00", "28 06:00"),
        ("28 12:00", "28 14:00"),
        ("29 01:00", "29 06:00"),
        ("29 12:00", "29 14:00"),
    ]


def test_windows_of_different_zones_are_put_together() -> None:
    schedule = Schedule([rule("0 1 * * *", "06:00", "Europe/Berlin"), rule("0 1 * * *", "06:00", "Asia/Kathmandu")])
    assert spans(schedule, "2026-01-10 12:00", 2) == [
        ("10 19:15", "11 05:00"),
        ("11 19:15", "12 05:00"),
    ]


def test_beginnings_within_a_window_do_not_lengthen_it() -> None:
    every_ten_minutes = Schedule([rule("*/10 1-2 * * *", "03:00")])
    assert spans(every_ten_minutes, "2026-03-28 12:00", 2) == [("29 01:00", "29 03:00"), ("30 01:00", "30 03:00")]


def test_days_on_end_are_one_window() -> None:
    weekdays = Schedule([rule("0 6 * * mon-thu", "06:00")])
    assert spans(weekdays, "2026-03-28 12:00", 2) == [("30 06:00", "03 06:00"), ("06 06:00", "10 06:00")]


def test_windows_without_an_end_in_sight_have_none() -> None:
    now = utc("2026-03-28 12:00")
    always = Schedule([rule("@daily", "24:00", "Europe/Berlin")])
    standing = always.at(now)
    assert standing.open is not None
    assert (standing.open.ends, standing.next) == (None, None)
    assert always.done_by(now, 3600.0) == utc("2026-03-28 13:00")


# --- how long work takes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "work_hours", "done"),
    [
        ("2026-03-28 12:00", 2, "2026-03-29 03:00"),
        ("2026-03-28 12:00", 5, "2026-03-29 06:00"),
        ("2026-03-28 12:00", 6, "2026-03-30 02:00"),
        ("2026-03-28 02:00", 2, "2026-03-28 04:00"),
        ("2026-03-28 02:00", 5, "2026-03-29 02:00"),
        ("2026-03-28 02:00", 0, "2026-03-28 02:00"),
    ],
)
def test_work_goes_on_in_the_next_window(now: str, work_hours: int, done: str) -> None:
    assert Schedule([rule("0 1 * * *", "06:00")]).done_by(utc(now), 3600.0 * work_hours) == utc(done)


@pytest.mark.parametrize("seconds", [1001 * 86400.0, 1e30, 5001 * 3600.0])
def test_work_of_years_is_never_done(seconds: float) -> None:
    assert Schedule([rule("0 1 * * *", "06:00")]).done_by(utc("2026-03-28 12:00"), seconds) is None


def test_a_rule_that_never_comes_has_no_window() -> None:
    schedule = Schedule([rule("0 0 30 2 *", "01:00")])
    assert schedule.at(utc("2026-03-28 12:00")) == ScheduleState(None, None)
    assert schedule.done_by(utc("2026-03-28 12:00"), 60.0) is None


# --- a time of day ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "zone", "now", "then"),
    [
        ("06:00", "UTC", "2026-03-28T05:59+00:00", "2026-03-28T06:00:00+00:00"),
        ("06:00", "UTC", "2026-03-28T06:00+00:00", "2026-03-29T06:00:00+00:00"),
        ("02:30", "Europe/Berlin", "2026-03-28T12:00+01:00", "2026-03-29T03:00:00+02:00"),
        ("02:30", "Europe/Berlin", "2026-10-24T12:00+02:00", "2026-10-25T02:30:00+02:00"),
        # In the hour that comes twice the next such time may be in the second one.
        ("02:30", "Europe/Berlin", "2026-10-25T02:40+02:00", "2026-10-25T02:30:00+01:00"),
        ("02:50", "Europe/Berlin", "2026-10-25T02:40+01:00", "2026-10-25T02:50:00+01:00"),
        ("02:30", "Europe/Berlin", "2026-10-25T02:40+01:00", "2026-10-26T02:30:00+01:00"),
        ("00:00", "Pacific/Apia", "2011-12-29T12:00-10:00", "2011-12-31T00:00:00+14:00"),
    ],
)
def test_the_next_time_of_day(clock: str, zone: str, now: str, then: str) -> None:
    moment = next_moment(clock_time(clock), utc(now), ZoneInfo(zone))
    assert moment.astimezone(ZoneInfo(zone)).isoformat() == then


@pytest.mark.parametrize("text", ["24:01", "25:00", "6", "06:60", "06:00:00", "", "noon", "٠٦:٠٠", " 06:00"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="like '06:00'"):
        clock_time(text)


# --- the system's own zone --------------------------------------------------------------------------------


@contextmanager
def system_zone(name: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    system_time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        system_time.tzset()


needs_tzset = pytest.mark.skipif(not hasattr(system_time, "tzset"), reason="Windows can't change it for a process")


@needs_tzset
@pytest.mark.parametrize(("zone", "cron", "until", "now", "begins", "ends"), CASES)
def test_the_systems_own_zone_is_as_good_as_a_named_one(
    zone: str, cron: str, until: str, now: str, begins: str, ends: str
) -> None:
    with system_zone(zone):
        standing = Schedule([WindowRule(cron, clock_time(until))]).at(utc(now))
    assert standing == ScheduleState(None, Window(utc(begins), utc(ends)))


@needs_tzset
def test_moments_are_said_in_the_time_that_the_schedule_is_written_in() -> None:
    now = utc("2026-03-28 12:00")
    with system_zone("Europe/Berlin"):
        own, berlin = Schedule([WindowRule("@daily", time(6))]), Schedule([rule("@daily", "6:00", "Europe/Berlin")])
        far = Schedule([rule("@daily", "6:00", "Asia/Kathmandu")])
        assert (
            own.format_moment(utc("2026-03-29 01:00"), now)
            == berlin.format_moment(utc("2026-03-29 01:00"), now)
            == "Sun 03:00"
        )
        assert far.format_moment(utc("2026-03-29 01:00"), now) == "Sun 06:45 +0545"
        assert own.format_moment(utc("2026-04-05 01:00"), now) == "2026-04-05 03:00"


# --- against a slow, plain reckoning ----------------------------------------------------------------------

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
]


@dataclass(frozen=True)
class Plain:
    """A rule whose meaning the test knows itself."""

    minutes: frozenset[int]
    hours: frozenset[int]
    weekdays: frozenset[int]  # 0 = Sunday
    until: time
    zone: str

    def as_written(self) -> WindowRule:
        def field(values: frozenset[int]) -> str:
            return ",".join(map(str, sorted(values)))

        cron = f"{field(self.minutes)} {field(self.hours)} * * {field(self.weekdays)}"
        return WindowRule(cron, self.until, ZoneInfo(self.zone))

    def begins_at(self, wall: datetime) -> bool:
        return wall.minute in self.minutes and wall.hour in self.hours and wall.isoweekday() % 7 in self.weekdays

    def open_minutes(self, begin: datetime, end: datetime) -> set[datetime]:
        """Return the minutes in which it is open: a clock that never goes back opens and closes as it passes."""
        found, is_open = set(), False
        moment = begin - 3 * DAY
        zone = ZoneInfo(self.zone)
        passed = moment.astimezone(zone).replace(tzinfo=None)
        while moment < end:
            shown = moment.astimezone(zone).replace(tzinfo=None)
            while passed < shown:
                passed += MINUTE
                is_open = is_open and passed.time() != self.until
                is_open = is_open or self.begins_at(passed)
            if is_open and moment >= begin:
                found.add(moment)
            moment += MINUTE
        return found


@cache
def changes_of_the_clock(zone: str, year: int) -> Sequence[datetime]:
    days = [datetime(year, 1, 1, tzinfo=UTC) + number * DAY for number in range(365)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]


@st.composite
def rules_and_days(draw: st.DrawFn) -> tuple[Plain, datetime]:
    """Draw a rule, and a day on which the clock of its zone is likely to change."""
    zone = draw(st.sampled_from(ZONES))
    year = draw(st.sampled_from([2011, 2024, 2026, 2031]))
    changes = changes_of_the_clock(zone, year)
    some_day = datetime(year, 1, 1, tzinfo=UTC) + draw(st.integers(0, 360)) * DAY
    # Around the usual hours of a change, or anywhere.
    minutes = st.one_of(st.integers(0, 59), st.sampled_from([0, 15, 30, 45]))
    near = st.one_of(st.integers(0, 4), st.integers(0, 23))
    plain = Plain(
        minutes=frozenset(draw(st.sets(minutes, min_size=1, max_size=3))),
        hours=frozenset(draw(st.sets(near, min_size=1, max_size=4))),
        weekdays=draw(st.sampled_from([frozenset(range(7)), frozenset({0}), frozenset({0, 6}), frozenset({1, 3})])),
        until=time(draw(near), draw(minutes)),
        zone=zone,
    )
    return plain, draw(st.sampled_from([*changes, some_day]))


@pytest.mark.no_cover
@settings(max_examples=60, deadline=None)
@given(st.lists(rules_and_days(), min_size=1, max_size=3), st.integers(0, 1439))
def test_windows_are_open_when_a_slow_reckoning_says_so(drawn: list[tuple[Plain, datetime]], minute: int) -> None:
    begin = drawn[0][1] + minute * MINUTE
    end = begin + 2 * DAY
    schedule = Schedule([plain.as_written() for plain, _ in drawn])
    windows = list(itertools.takewhile(lambda window: window.begins < end, schedule.windows(begin)))
    found = {
        begin + number * MINUTE
        for number in range(2 * 1440)
        if any(
            window.begins <= begin + number * MINUTE
            and (window.ends is None or begin + number * MINUTE < window.ends)
            for window in windows
        )
    }
    wanted = set().union(*(plain.open_minutes(begin, end) for plain, _ in drawn))
    assert found == wanted
    assert (schedule.at(begin).open is not None) == (begin in wanted)
