"""When the schedule lets the daemon make pictures. Owns telling so, once a change; refuses to know what a pass is.

The wall clock is asked anew each time: it may be set, and the machine may sleep through the end of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Final

from pipeline.model import Hours, WatchNotice
from pipeline.report.formatting import counted
from pipeline.runner.execution.deadline import deadline
from pipeline.schedule import Schedule, ScheduleState, Window

#: What was found out holds until the next window begins or ends, but no longer than this: a zone's rules may change.
_LONGEST: Final = timedelta(days=1)


class ScheduleGate:
    """The daemon's working hours as they stand now. Any thread may ask."""

    def __init__(
        self, hours: Sequence[Hours], emit: Callable[[WatchNotice], None], now: Callable[[], datetime]
    ) -> None:
        """``now`` returns the time of day with its zone."""
        self._schedule = Schedule(hours)
        self._emit = emit
        self._now = now
        self._known: tuple[datetime, datetime, ScheduleState] | None = None
        self._told: bool | None = None

    def follow(self, hours: Sequence[Hours]) -> None:
        """Go by other hours from now on."""
        self._schedule, self._known = Schedule(hours), None

    def may_work(self) -> bool:
        """Tell whether pictures may be made now."""
        return self._standing().open is not None

    def announce(self, waiting: Callable[[], int]) -> None:
        """Tell that a window has begun or ended since the last call; ``waiting`` counts the pictures to be made."""
        standing = self._standing()
        is_open = standing.open is not None
        if self._told is is_open or (self._told is None and not self._schedule):
            return
        if standing.open is not None:
            notice = WatchNotice("working", f"working {self._until(standing.open.ends)}")
        else:
            until = self._until(standing.next.begins if standing.next else None)
            notice = WatchNotice("resting", f"resting {until}; {_waiting(waiting())}")
        self._told = is_open
        self._emit(notice)

    def keep(self, stop: Callable[[str], None]) -> AbstractContextManager[None]:
        """Call ``stop`` with the reason, from another thread, if the present window ends within the block."""
        window = self._standing().open
        if not self._schedule:
            return nullcontext()
        return deadline(lambda: not self.may_work(), lambda: stop(self._end_of(window)))

    def _end_of(self, window: Window | None) -> str:
        if window is None or window.ends is None or self._now() < window.ends:
            return "the clock was set to a time outside the schedule"
        return f"the window ended at {self._schedule.local(window.ends):%H:%M}"

    def _until(self, moment: datetime | None) -> str:
        return "without an end in sight" if moment is None else f"until {self._schedule.say(moment, self._now())}"

    def _standing(self) -> ScheduleState:
        now, known = self._now(), self._known
        if known is None or not known[0] <= now < known[1]:
            standing = self._schedule.at(now)
            change = standing.open.ends if standing.open else standing.next.begins if standing.next else None
            known = self._known = (now, min(change or now + _LONGEST, now + _LONGEST), standing)
        return known[2]


def _waiting(count: int) -> str:
    if not count:
        return "nothing waits"
    return f"{counted(count, 'picture')} {'waits' if count == 1 else 'wait'}"
