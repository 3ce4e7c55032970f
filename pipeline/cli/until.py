"""The option ``--until TIME``: reads the time and stops the pass then."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from pipeline.model import clock_time
from pipeline.runner.execution.deadline import deadline
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.schedule import next_moment


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the moment, in UTC, that ``06:00`` or ``2026-03-01 06:00`` means: local time, and after ``now``.

    ``now`` is the time of day with its zone. Raises ValueError.
    """
    try:
        return next_moment(clock_time(text), now)
    except ValueError:
        pass
    try:
        moment = datetime.fromtimestamp(datetime.fromisoformat(text).timestamp(), UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"must be a time like '06:00' or '2026-03-01 06:00', found {text!r}") from error
    if moment <= now:
        raise ValueError(f"must be in the future; {text!r} is past")
    return moment


class MomentType(click.ParamType[datetime]):
    """A future time, on the command line."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment in UTC."""
        try:
            return parse_moment(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def stopped_at(moment: datetime | None, the_pass: SinglePass) -> AbstractContextManager[None]:
    """Stop a pass that is still running at ``moment``; None = never."""
    if moment is None:
        return nullcontext()
    reason = f"stopped at {moment.astimezone():%H:%M} as asked"
    return deadline(lambda: datetime.now(UTC) >= moment, partial(the_pass.stop, reason))
