"""The section ``schedule``: when the daemon makes pictures. Owns its keys and checks cron lines and times."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, Tag

from pipeline.config import field_types as f
from pipeline.config.section import Section
from pipeline.model import WindowRule, clock_time

_ALIASES: Final = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_ANY_DAY: Final = datetime(2000, 1, 1)


def _is_cron(fields: list[str]) -> bool:
    if len(fields) == 1:
        return fields[0] in _ALIASES
    # croniter also accepts seconds, years, and random times (h, r).
    return len(fields) == 5 and not any(field.startswith(("h", "r")) for field in fields)


def _check_cron(text: str) -> str:
    from croniter import CroniterBadDateError, croniter  # slow to import, and most configs don't need it

    cron = " ".join(text.lower().split())
    try:
        if not _is_cron(cron.split()):
            raise ValueError(text)  # noqa: TRY301 - reported like croniter's own errors
        croniter(cron, _ANY_DAY).get_next()
    except CroniterBadDateError as error:
        raise ValueError(f"never comes: there is no such day, found {text!r}") from error
    except ValueError as error:
        raise ValueError(
            f"must be five fields as in crontab (minute, hour, day, month, weekday, like '0 1 * * *') or one of "
            f"{f.quoted(_ALIASES)}, found {text!r}{f.did_you_mean(text, _ALIASES)}"
        ) from error
    return cron


def _check_time_of_day(text: str) -> str:
    return f"{clock_time(text):%H:%M}"


def zone_error(name: str, known: Collection[str]) -> str:
    """Return the message about an unknown zone, on a system that knows the zones ``known``."""
    if not known:
        return (
            f"can't be looked up, as this system has no time zone data; install it ('pip install tzdata'), or leave "
            f"timezone out for the system's own, found {name!r}"
        )
    return (
        f"must be the name of a time zone, like 'Europe/Berlin' or 'UTC', found {name!r}{f.did_you_mean(name, known)}"
    )


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(zone_error(name, available_timezones())) from error
    return name


class WindowSection(Section):
    """A window in which 'watch' makes pictures."""

    cron: Annotated[StrictStr, AfterValidator(_check_cron)] = Field(
        description="When it begins, as in crontab: minute, hour, day, month and weekday, or an alias like @daily."
    )
    until: Annotated[StrictStr, AfterValidator(_check_time_of_day)] = Field(
        description="When it ends: the first such time of day after its beginning, like '06:00'."
    )
    timezone: Annotated[StrictStr, AfterValidator(_check_zone)] | None = Field(
        None, description="The zone of both, like 'Europe/Berlin' (default: the system's own)."
    )

    def rule(self) -> WindowRule:
        """Return the window as a plain value."""
        zone = None if self.timezone is None else ZoneInfo(self.timezone)
        return WindowRule(self.cron, clock_time(self.until), zone)


def _none_to_empty(value: Any) -> Any:
    return () if value is None else value


Windows = Annotated[
    Annotated[WindowSection, Tag(f.MAPPING_TAG)] | Annotated[tuple[WindowSection, ...], Tag(f.LIST_TAG)],
    f.one_of_forms("a window (cron: ..., until: ...) or a list of windows"),
]
OptionalWindows = Annotated[Windows, BeforeValidator(_none_to_empty)]
