"""The schedule as ``plan`` and ``status`` show it: as a sentence and as JSON fields. Owns both; never waits."""

from __future__ import annotations

from datetime import datetime

from pipeline.config import Config
from pipeline.runner.planning.run_plan import approximate_duration
from pipeline.schedule import Schedule, ScheduleState, Window


def schedule_sentence(config: Config, now: datetime, seconds: float | None) -> str:
    """Return a sentence: the open or next window, and whether ``seconds`` of work (None = unknown) fit into it.

    ``now`` is the time of day with its zone. Empty without a schedule.
    """
    schedule = Schedule(config.window_rules())
    if not schedule:
        return ""
    state = schedule.at(now)
    window = state.open or state.next
    if window is None:
        return "The schedule has no further window."
    return f"{_window_clause(schedule, state, window, now)}; {_fit_clause(schedule, window, now, seconds)}."


def _window_clause(schedule: Schedule, state: ScheduleState, window: Window, now: datetime) -> str:
    begins, ends = schedule.format_moment(window.begins, now), window.ends
    until = "without an end" if ends is None else f"until {schedule.format_moment(ends, now)}"
    return f"The schedule's window is open {until}" if state.open else f"The next window: {begins}, {until}"


def _fit_clause(schedule: Schedule, window: Window, now: datetime, seconds: float | None) -> str:
    if seconds is None:
        return "how long the waiting pictures take is not known yet"
    if not seconds:
        return "no picture is waiting"
    done_by = schedule.done_by(now, seconds)
    work = f"the waiting pictures take {approximate_duration(seconds)}"
    if _fits(window, done_by):
        return f"{work} and fit into it"
    end = "in some years" if done_by is None else f"by {schedule.format_moment(done_by, now)}"
    return f"{work}, do not fit into it and will be done {end}"


def _fits(window: Window, done_by: datetime | None) -> bool:
    return done_by is not None and (window.ends is None or done_by <= window.ends)


def schedule_fields(config: Config, now: datetime, seconds: float | None) -> dict[str, object] | None:
    """Return the same at the same ``now`` as JSON fields, with times in ISO 8601; None without a schedule."""
    schedule = Schedule(config.window_rules())
    if not schedule:
        return None
    state = schedule.at(now)
    window = state.open or state.next
    done_by = None if seconds is None else schedule.done_by(now, seconds)
    return {
        "open": state.open is not None,
        "window": _window_fields(schedule, state.open),
        "next": _window_fields(schedule, state.next),
        "backlog_seconds": None if seconds is None else round(seconds, 1),
        "fits": None if seconds is None else window is not None and _fits(window, done_by),
        "done_by": _iso(schedule, done_by),
    }


def _window_fields(schedule: Schedule, window: Window | None) -> dict[str, object] | None:
    if window is None:
        return None
    return {"begins": _iso(schedule, window.begins), "ends": _iso(schedule, window.ends)}


def _iso(schedule: Schedule, moment: datetime | None) -> str | None:
    return None if moment is None else schedule.local(moment).isoformat(timespec="seconds")
