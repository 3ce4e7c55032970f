"""``--until``: which times it takes, and that a pass ends then."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click
import pytest

from pipeline.cli.until import MomentType, parse_moment, stopped_at
from pipeline.config.settings import ingest_settings, pass_settings
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.preparation import resolve_config
from tests.workshop import InProcessExecutor, Workshop

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_time_of_day_is_the_next_such_time_here() -> None:
    moment = parse_moment("06:00", NOON)
    assert (moment.astimezone().hour, moment.astimezone().minute) == (6, 0)
    assert NOON < moment <= NOON + timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T13:00+00:00", NOON + timedelta(hours=1)),
        ("2026-03-02T13:00:30Z", NOON + timedelta(hours=1, seconds=30)),
        ("20260303T120000+0100", NOON + timedelta(hours=23)),
    ],
)
def test_a_date_and_time_is_that_moment(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOON) == moment


def test_a_date_and_time_without_a_zone_is_local() -> None:
    assert parse_moment("2026-03-05 06:00", NOON) == datetime(2026, 3, 5, 6).astimezone()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-03-02T12:00Z", "'2026-03-02T12:00Z' is past"),
        ("noon", "must be a time like '06:00' or '2026-03-01 06:00', found 'noon'"),
        ("25:00", "found '25:00'"),
        ("", "found ''"),
    ],
)
def test_what_is_no_future_time_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_moment(text, NOON)


def test_the_command_line_is_told_what_is_wrong() -> None:
    with pytest.raises(click.BadParameter, match="like '06:00'"):
        MomentType().convert("soon", None, None)
    assert MomentType().convert("06:00", None, None) > datetime.now(UTC)


def test_a_pass_is_stopped_at_its_time_with_the_reason(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    config = workshop.config()
    executor, moment, resolved = Stoppable(), datetime.now(UTC), resolve_config(config)
    with workshop.ledger() as ledger:
        the_pass = SinglePass(pass_settings(config), resolved, ledger, executor, lambda _: None)
        with stopped_at(None, the_pass):
            pass
        assert not executor.stopped
        with stopped_at(moment, the_pass):
            assert executor.heard.wait(30)
        finished = the_pass.run(partial(ingest, ingest_settings(config), resolved, ledger))
    assert (finished.interrupted, finished.reason) == (False, f"stopped at {moment.astimezone():%H:%M} as asked")


class Stoppable(InProcessExecutor):
    """Lets a test wait for its end."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.Event()

    def stop(self) -> None:
        super().stop()
        self.heard.set()
