"""Calculates a schedule's windows, which begin by cron and end at a time of day. Has no clock.

Windows are calculated in wall time, as people write them, and only then become moments: a time that the clock skips
becomes the first moment after the gap, one that it shows twice the first of the two. So a window within a gap does
not take place, and one across a change of the clock is an hour shorter or longer.

Every moment is an aware datetime. Returned moments are in UTC: Python compares two datetimes of one zone by their
wall time, which is wrong when the clock goes back.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.model import WindowRule

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
#: A window that lasts longer counts as endless.
_LONGEST: Final = timedelta(days=366)
_MOST_WINDOWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Window:
    """From ``begins`` until before ``ends``, in UTC; None = open-ended.

    If a window has been open for days, ``begins`` may be later than its real beginning.
    """

    begins: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """The windows at some moment: ``open`` holds it (None = no window does), ``next`` begins later."""

    open: Window | None
    next: Window | None


class Schedule:
    """The windows of several rules together. Without any rule there is one window that never ends."""

    def __init__(self, rules: Sequence[WindowRule]) -> None:
        """A ``cron`` that never comes has no windows; an invalid one raises ValueError at the first question."""
        self._rules = tuple(rules)

    def __bool__(self) -> bool:
        """Return whether there are any rules."""
        return bool(self._rules)

    def at(self, now: datetime) -> ScheduleState:
        """Return the window that holds ``now``, and the one after."""
        windows = self.windows(now)
        first = next(windows, None)
        if first is None or first.begins > now:
            return ScheduleState(None, first)
        return ScheduleState(first, next(windows, None))

    def windows(self, now: datetime) -> Iterator[Window]:
        """Yield the windows that end after ``now``, in order; those that overlap or touch are one."""
        if not self._rules:
            yield Window(now.astimezone(UTC), None)
            return
        merged: tuple[datetime, datetime] | None = None
        for begins, ends in heapq.merge(*(_spans(rule, now) for rule in self._rules)):
            if ends <= now:
                continue
            if merged is not None and begins > merged[1]:
                yield Window(*merged)
                merged = None
            merged = (begins, ends) if merged is None else (merged[0], max(merged[1], ends))
            if merged[1] - max(merged[0], now) > _LONGEST:
                yield Window(merged[0], None)
                return
        if merged is not None:
            yield Window(*merged)

    def done_by(self, now: datetime, seconds: float) -> datetime | None:
        """Return when work of so many seconds is done inside the windows; None = not for years."""
        if seconds > _MOST_WINDOWS * _DAY.total_seconds():
            return None
        left = timedelta(seconds=seconds)
        for window in itertools.islice(self.windows(now), _MOST_WINDOWS):
            begins = max(window.begins, now.astimezone(UTC))
            if window.ends is None or begins + left <= window.ends:
                return begins + left
            left -= window.ends - begins
        return None

    def local(self, moment: datetime) -> datetime:
        """Return ``moment`` in the schedule's time zone."""
        return moment.astimezone(self._rules[0].zone if self._rules else None)

    def format_moment(self, moment: datetime, now: datetime) -> str:
        """Return ``Tue 01:00``, with the date if that is far away, and with the zone if that is not the system's."""
        local = self.local(moment)
        near = abs(moment - now) < 6 * _DAY
        zone = "" if local.utcoffset() == moment.astimezone().utcoffset() else " %Z"
        return local.strftime(f"{'%a' if near else '%Y-%m-%d'} %H:%M{zone}")


def next_moment(clock: time, now: datetime, zone: ZoneInfo | None = None) -> datetime:
    """Return the first moment after ``now``, in UTC, at which a clock of ``zone`` (None = the system's) shows it.

    A time that the clock skips becomes the end of the gap.
    """
    today = now.astimezone(zone).date()
    walls = [datetime.combine(today + days * _DAY, clock) for days in range(3)]
    moments = [_moment(wall, zone) for wall in walls]
    moments += [again for wall in walls if _wall(again := _instant(wall, zone, fold=1), zone) == wall]
    return min(moment for moment in moments if moment > now)


def _spans(rule: WindowRule, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the beginning and the end of one window after the other, from before ``now`` on.

    Between two ``until`` there is at most one window: from the first beginning after the one to the other.
    """
    from croniter import CroniterBadDateError, croniter  # slow to import, and most commands need no schedule

    # No clock is ever set back by more than a day.
    ends = datetime.combine(_wall(now, rule.zone).date() - 2 * _DAY, rule.until)
    # In wall time only: croniter has its own rules for changes of the clock.
    beginnings = croniter(rule.cron, ends, ret_type=datetime)
    while True:
        try:
            begins: datetime = beginnings.get_next(start_time=ends - _MINUTE)
        except CroniterBadDateError:
            return
        ends = datetime.combine(begins.date(), rule.until)
        if ends <= begins:
            ends += _DAY
        span = _moment(begins, rule.zone), _moment(ends, rule.zone)
        if span[0] < span[1]:
            yield span


def _moment(wall: datetime, zone: ZoneInfo | None) -> datetime:
    """Return the first moment, in UTC, at which a clock of ``zone`` shows ``wall`` or later."""
    later = _instant(wall, zone, fold=0)
    if _wall(later, zone) == wall:
        return later
    # In a gap, which lies between the two interpretations of such a time.
    earlier = _instant(wall, zone, fold=1)
    seconds = range(round((later - earlier).total_seconds()) + 1)
    passed = bisect_left(seconds, True, key=lambda count: _wall(earlier + timedelta(seconds=count), zone) > wall)
    return earlier + timedelta(seconds=passed)


def _instant(wall: datetime, zone: ZoneInfo | None, *, fold: int) -> datetime:
    # Not astimezone(), which is wrong in a gap for times without a zone.
    return datetime.fromtimestamp(wall.replace(tzinfo=zone, fold=fold).timestamp(), UTC)


def _wall(moment: datetime, zone: ZoneInfo | None) -> datetime:
    """Return what a clock of ``zone`` shows."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
