from __future__ import annotations

import pytest

from pipeline.report.throughput import Throughput
from tests.report.events import failed, finished, over, started


def test_only_the_time_in_which_there_was_work_counts() -> None:
    pace = Throughput()
    pace.update(started(), 1000.0)
    assert pace.per_hour(1050.0) is None
    pace.update(finished(), 1100.0)
    pace.update(over(), 1110.0)
    assert pace.per_hour(9000.0) == pytest.approx(3600 / 110)
    pace.update(started(), 9000.0)
    assert pace.per_hour(9010.0) == pytest.approx(3600 / 120)


def test_copies_and_failures_are_no_work() -> None:
    pace = Throughput()
    for event in (started(), finished(artwork=None), failed()):
        pace.update(event, 1000.0)
    assert pace.per_hour(1100.0) is None


def test_the_latest_fifty_count() -> None:
    pace = Throughput()
    pace.update(started(), 0.0)
    pace.update(finished(), 100_000.0)
    for number in range(1, 61):
        pace.update(finished(), 100_000.0 + 36 * number)
    assert pace.per_hour(100_000.0 + 36 * 60) == pytest.approx(100)
