from __future__ import annotations

from datetime import time

import pytest

from pipeline.model import clock_time


@pytest.mark.parametrize(
    ("text", "found"), [("06:00", time(6)), ("6:05", time(6, 5)), ("23:59", time(23, 59)), ("24:00", time(0))]
)
def test_a_time_of_day_is_read(text: str, found: time) -> None:
    assert clock_time(text) == found


@pytest.mark.parametrize("text", ["", "6", "25:00", "06:60", "6:5", "24:01", "noon"])
def test_what_is_no_time_of_day_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time of day like '06:00'"):
        clock_time(text)
