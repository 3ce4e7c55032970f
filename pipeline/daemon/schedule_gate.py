"""Lets the daemon make pictures only in the schedule's windows. Owns the notices about that, one at each change.

The time of day is read again each time: the clock may be set, and the machine may sleep through the end of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Final

from pipeline.model import WatchNotice, WindowRule
from pipeline.report.formatting import counted
from pipeline.runner.execution.deadline import deadline
from pipeline.schedule import Schedule, ScheduleState, Window

#: A state is valid until the next window begins or ends, but no longer than this: a zone's rules may change.
_MAX_CACHE_AGE: Final = timedelta(days=1)


class ScheduleGate:
    """Whether the schedule is open now. Any thread may ask."""

    def __init__(
        self, rules: Sequence[WindowRule], emit: Callable[[WatchNotice], None], now: Callable[[], datetime]
    ) -> None:
        """``now`` returns the time of day with its zone."""
        self._schedule = Schedule(rules)
        self._emit = emit
        self._now = now
        self._cached: tuple[datetime, datetime, ScheduleState] | None = None
        self._announced_open: bool | None = None

    def set_window_rules(self, rules: Sequence[WindowRule]) -> None:
        """Replace the schedule's windows."""
        self._schedule, self._cached = Schedule(rules), None

    def may_work(self) -> bool:
        """Tell whether pictures may be made now."""
        return self._state().open is not None

    def announce(self, count_pending: Callable[[], int]) -> None:
        """Emit a notice if a window began or ended since the last call; ``count_pending`` counts pictures to make."""
        state = self._state()
        is_open = state.open is not None
        if self._announced_open is is_open or (self._announced_open is None and not self._schedule):
            return
        if state.open is not None:
            notice = WatchNotice("working", f"working{self._until_text(state.open.ends)}")
        else:
            until = self._until_text(state.next.begins if state.next else None)
            notice = WatchNotice("resting", f"resting{until}; {_pending_text(count_pending())}")
        self._announced_open = is_open
        self._emit(notice)

    def stop_at_window_end(self, stop: Callable[[str], None]) -> AbstractContextManager[None]:
        """Call ``stop`` with the reason, from another thread, if the open window ends within the block."""
        window = self._state().open
        if not self._schedule:
            return nullcontext()
        return deadline(lambda: not self.may_work(), lambda: stop(self._end_reason(window)))

    def _end_reason(self, window: Window | None) -> str:
        if window is None or window.ends is None or self._now() < window.ends:
            return "the clock was set to a time outside the schedule"
        return f"the window ended at {self._schedule.local(window.ends):%H:%M}"

    def _until_text(self, moment: datetime | None) -> str:
        return (
            ", with no end scheduled"
            if moment is None
            else f" until {self._schedule.format_moment(moment, self._now())}"
        )

    def _state(self) -> ScheduleState:
        now, cached = self._now(), self._cached
        if cached is None or not cached[0] <= now < cached[1]:
            state = self._schedule.at(now)
            change = state.open.ends if state.open else state.next.begins if state.next else None
            cached = self._cached = (now, min(change or now + _MAX_CACHE_AGE, now + _MAX_CACHE_AGE), state)
        return cached[2]


def _pending_text(count: int) -> str:
    if not count:
        return "no pictures waiting"
    return f"{counted(count, 'picture')} waiting"
