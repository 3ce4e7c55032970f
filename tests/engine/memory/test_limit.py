"""What pictures may take follows from the setting, or from what the machine has in all."""

from __future__ import annotations

import math

from pipeline.engine.memory.available import machine_bytes
from pipeline.engine.memory.limit import planned_limit, possible_limit, running_limit
from pipeline.engine.memory.requirements import usual_program_bytes

GB = 10**9


def test_without_a_setting_three_fifths_of_what_there_is_in_all_are_planned_with() -> None:
    assert planned_limit(None, 10 * GB) == 6 * GB
    assert planned_limit(None) == planned_limit(None)


def test_a_setting_is_planned_with_whatever_the_machine_has() -> None:
    assert planned_limit(8 * GB, 1 * GB) == 8 * GB - usual_program_bytes()
    assert planned_limit(1, 10 * GB) == 0


def test_what_runs_at_once_has_three_fifths_of_what_is_free_and_no_more_than_the_setting() -> None:
    assert running_limit(None, 10 * GB) == 6 * GB
    assert running_limit(None, None) == math.inf
    assert running_limit(2 * GB, 10 * GB) == 2 * GB - usual_program_bytes()
    assert running_limit(20 * GB, 10 * GB) == 6 * GB


def test_nothing_larger_than_the_machine_or_the_setting_is_possible() -> None:
    assert possible_limit(None) == (machine_bytes() or math.inf)
    assert possible_limit(2 * GB) == min(2 * GB - usual_program_bytes(), machine_bytes() or math.inf)
