"""Estimates how long the pending pictures take, from the ledger alone. Reads no photo.

``plan`` is more exact, but scans the whole folder first.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.engine import ENGINE_VERSION
from pipeline.engine.speed import Speed
from pipeline.ledger import Ledger
from pipeline.model import Recipe
from pipeline.runner.planning.forecast import Task, forecast
from pipeline.runner.planning.run_plan import TYPICAL_PROPORTION


def backlog_seconds(ledger: Ledger, recipes: Mapping[str, Recipe], speed: Speed | None) -> float | None:
    """Return the seconds that all pending pictures take; None if that is unknown.

    A picture takes as long as finished ones of the same settings took, or else as long as follows from the machine's
    ``speed`` (None = it was never measured).
    """
    timings = ledger.queries.timings(ENGINE_VERSION)
    seconds, tasks = 0.0, list[Task]()
    for waiting in ledger.queries.backlog():
        timing = timings.get(waiting.settings_sha256)
        if timing is not None:
            seconds += waiting.pictures * timing.seconds / timing.pictures
        elif waiting.recipe in recipes:  # else it will be withdrawn
            tasks += [Task(recipes[waiting.recipe], TYPICAL_PROPORTION)] * waiting.pictures
    if not tasks:
        return seconds
    return None if speed is None else seconds + forecast(speed, tasks, (), {}).seconds
