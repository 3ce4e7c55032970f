"""(d) The share of an evaluation's time outside the convolutions, and what it is spent on."""

from __future__ import annotations

from tests.benchmarks.engine_loop import EngineLoop
from tests.benchmarks.profile import profiled
from tests.benchmarks.subjects import Subjects
from tests.benchmarks.table import Row, percent

TITLE = "d. Time outside the convolutions"

_MOST_NAMED = 6


def rows(subjects: Subjects) -> list[Row]:
    """Profile the engine's evaluations, the optimizer's steps between them included."""
    repetitions = 4 if subjects.quick else 25
    loop = EngineLoop(subjects, repetitions + 10)
    for _ in range(4):
        loop.seconds()
    profile = profiled(loop.seconds, repetitions)
    whole = Row("everything but the convolutions", percent(profile.share_outside), goal="at most 10 %")
    parts = [
        Row(f"... of it {name}", percent(seconds / profile.seconds))
        for name, seconds in profile.others.most_common(_MOST_NAMED)
    ]
    return [whole, *parts]
