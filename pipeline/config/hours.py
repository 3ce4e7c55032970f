"""When the daemon may work, as a config writes it. Owns the keys and what is a cron line, a time of day, a zone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, Tag

from pipeline.config import fields as f
from pipeline.config.recipes import Section
from pipeline.model import Hours, clock_time

_ALIASES: Final = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_SOME_DAY: Final = datetime(2000, 1, 1)


def _is_cron(fields: list[str]) -> bool:
    if len(fields) == 1:
        return fields[0] in _ALIASES
    # croniter also knows seconds, years, and times (h, r) that it draws itself.
    return len(fields) == 5 and not any(field.startswith(("h", "r")) for field in fields)


def _check_cron(text: str) -> str:
    from croniter import CroniterBadDateError, croniter  # costs time that most configs needn't spend

    cron = " ".join(text.lower().split())
    try:
        if not _is_cron(cron.split()):
            raise ValueError(text)  # noqa: TRY301 - told like croniter's own findings
        croniter(cron, _SOME_DAY).get_next()
    except CroniterBadDateError as error:
        raise ValueError(f"never comes: there is no such day, found {text!r}") from error
    except ValueError as error:
        raise ValueError(
            f"must be five fields as in crontab (minute, hour, day, month, weekday, like '0 1 * * *') or one of "
            f"{f.listed(_ALIASES)}, found {text!r}{f.similar(text, _ALIASES)}"
        ) from error
    return cron


def _check_clock(text: str) -> str:
    return f"{clock_time(text):%H:%M}"


def zone_fault(name: str, known: Collection[str]) -> str:
    """Return what is wrong with the name of a zone, on a system that knows these."""
    if not known:
        return (
            f"can't be looked up, as this system has no time zone data; install it ('pip install tzdata'), or leave "
            f"timezone out for the system's own, found {name!r}"
        )
    return f"must be the name of a time zone, like 'Europe/Berlin' or 'UTC', found {name!r}{f.similar(name, known)}"


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(zone_fault(name, available_timezones())) from error
    return name


class HoursSection(Section):
    """A window in which 'watch' makes pictures."""

    cron: Annotated[StrictStr, AfterValidator(_check_cron)] = Field(
        description="When it begins, as in crontab: minute, hour, day, month and weekday, or an alias like @daily."
    )
    until: Annotated[StrictStr, AfterValidator(_check_clock)] = Field(
        description="When it ends: the first such time of day after its beginning, like '06:00'."
    )
    timezone: Annotated[StrictStr, AfterValidator(_check_zone)] | None = Field(
        None, description="The zone of both, like 'Europe/Berlin' (default: the system's own)."
    )

    def hours(self) -> Hours:
        """Return the plain window."""
        zone = None if self.timezone is None else ZoneInfo(self.timezone)
        return Hours(self.cron, clock_time(self.until), zone)


def _none_means_always(value: Any) -> Any:
    return () if value is None else value


WorkingHours = Annotated[
    Annotated[HoursSection, Tag(f.MAPPING_TAG)] | Annotated[tuple[HoursSection, ...], Tag(f.LIST_TAG)],
    f.form("a window (cron: ..., until: ...) or a list of windows"),
]
OptionalHours = Annotated[WorkingHours, BeforeValidator(_none_means_always)]
