from __future__ import annotations

import pytest

from pipeline.model import Job, JobState, RunEvent
from pipeline.report.backlog_count import BacklogCount
from tests.report.events import CAFE, LION, begun, failed, finished, progress, started
from tests.report.simulated_run import changed


def left(*events: RunEvent) -> dict[str, int]:
    count = BacklogCount()
    for event in events:
        count.update(event)
    assert count.total() == sum(count.left.values())
    return dict(count.left)


BOTH = started(jobs=5, recipes={"default": 3, "fine": 2})


def test_what_is_left_is_what_the_run_began_with_less_what_became_pictures() -> None:
    assert left(BOTH, begun(), progress(3)) == {"default": 3, "fine": 2}
    assert left(BOTH, finished(LION), finished(CAFE, artwork=None)) == {"default": 2, "fine": 1}


@pytest.mark.parametrize(
    ("state", "fine"),
    [(JobState.PENDING, 2), (JobState.FAILED, 1), (JobState.QUARANTINED, 1), (JobState.WITHDRAWN, 1)],
)
def test_a_failure_is_left_only_if_it_returned_to_the_queue_at_once(state: JobState, fine: int) -> None:
    assert left(BOTH, failed(CAFE, state=state)) == {"default": 3, "fine": fine}


def test_what_the_ledger_says_replaces_what_was_believed() -> None:
    assert left(BOTH, finished(LION), changed({"default": 80})) == {"default": 80}
    assert left(BOTH, changed({})) == {}


def test_a_run_that_names_no_recipes_is_counted_all_the_same() -> None:
    assert left(started(jobs=3), finished(CAFE)) == {"default": 2}
    assert left(started(jobs=0)) == {}


def test_there_are_never_less_than_none() -> None:
    unknown = Job("new.jpg", "night", "new")
    assert left(started(jobs=1, recipes={"default": 1}), finished(unknown), finished(LION)) == {}
