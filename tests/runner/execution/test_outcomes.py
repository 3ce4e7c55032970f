"""What a settled job leaves in the ledger, the events and the numbers of a pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from pipeline.ledger import Claim, Ledger
from pipeline.model import (
    Failure,
    FailureKind,
    JobFailed,
    JobFinished,
    JobState,
    Occupancy,
    PhotoSetAside,
    RetryPolicy,
    RunEvent,
)
from pipeline.runner.execution.outcomes import Outcomes, Tally, retry_delay_seconds
from tests.runner.execution.claimed import claim_all
from tests.workshop import Workshop

POLICY = RetryPolicy(max_attempts=2, max_crashes=1, first_delay_seconds=60, max_delay_seconds=3600)


@dataclass
class Desk:
    """One claimed job, and what is emitted of it."""

    ledger: Ledger
    claim: Claim
    events: list[RunEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outcomes = Outcomes(self.ledger, self.events.append, POLICY)

    def fail(self, kind: FailureKind) -> None:
        self.outcomes.fail(self.claim, "key", Failure(self.claim.token, kind, "it went wrong"))


@pytest.fixture
def desk(workshop: Workshop) -> Iterator[Desk]:
    workshop.photo("a.png")
    with workshop.ledger() as ledger:
        (claim,) = claim_all(workshop, ledger)
        yield Desk(ledger, claim)


@pytest.mark.parametrize(
    ("kind", "state", "failed"),
    [
        (FailureKind.ENGINE, JobState.FAILED, 1),
        (FailureKind.CRASH, JobState.QUARANTINED, 1),
        (FailureKind.GONE, JobState.WITHDRAWN, 0),
        (FailureKind.CHANGED, JobState.PENDING, 0),
    ],
)
def test_a_failure_is_recorded_counted_and_emitted(
    desk: Desk, kind: FailureKind, state: JobState, failed: int
) -> None:
    desk.fail(kind)
    assert desk.ledger.queries.counts()[state] == 1
    assert desk.outcomes.tally == Tally(failed=failed)
    (event,) = desk.events
    assert isinstance(event, JobFailed)
    assert (event.state, event.key, event.attempts, event.reason) == (state, "key", 1, "it went wrong")


@pytest.mark.parametrize("kind", FailureKind)
def test_attempts_that_failed_are_counted_for_good_by_kind(desk: Desk, kind: FailureKind) -> None:
    desk.fail(kind)
    no_attempts = {FailureKind.GONE, FailureKind.CHANGED, FailureKind.REQUEUED}
    end_the_run = {FailureKind.STORAGE, FailureKind.PAINTING}
    assert desk.ledger.totals.read().failures == ({} if kind in no_attempts | end_the_run else {kind.value: 1})


def test_a_photo_that_is_to_blame_is_set_aside_once_for_all_its_pictures(desk: Desk) -> None:
    desk.fail(FailureKind.PHOTO)
    found_by_the_scan = PhotoSetAside("a.png", "quarantined", "it went wrong")
    desk.outcomes.set_aside(found_by_the_scan)
    desk.outcomes.count_set_aside(found_by_the_scan)
    assert desk.ledger.queries.counts()[JobState.QUARANTINED] == 1
    assert desk.outcomes.tally == Tally(photos_set_aside=1)
    aside, failed = desk.events
    assert aside == found_by_the_scan
    assert isinstance(failed, JobFailed)
    assert (failed.state, failed.photo_set_aside) == (JobState.QUARANTINED, True)


def test_photos_that_wait_are_emitted_and_not_counted(desk: Desk) -> None:
    half = PhotoSetAside("half.jpg", "incomplete", "no end")
    desk.outcomes.set_aside(half)
    assert (desk.events, desk.outcomes.tally) == ([half], Tally())


@pytest.mark.parametrize("kind", [FailureKind.REQUEUED, FailureKind.STORAGE, FailureKind.PAINTING])
def test_what_is_no_fault_of_the_job_returns_it_to_the_queue_without_an_event(desk: Desk, kind: FailureKind) -> None:
    desk.fail(kind)
    assert desk.ledger.queries.counts()[JobState.PENDING] == 1
    assert (desk.events, desk.outcomes.tally) == ([], Tally())


def test_a_copy_and_the_fill_of_batches_are_counted(desk: Desk) -> None:
    desk.outcomes.finish(desk.claim, "key", "a--night.jpg", None)
    desk.outcomes.tally.add(Occupancy(used=3, offered=4))
    assert desk.outcomes.tally == Tally(copied=1, slots_used=3, slots_offered=4)
    assert [type(event) for event in desk.events] == [JobFinished]


def test_waiting_times_double_up_to_the_most_and_come_apart_by_chance() -> None:
    def longest(consecutive_failures: int) -> float:
        return retry_delay_seconds(POLICY, consecutive_failures, chance=lambda: 0.0)

    assert [longest(consecutive_failures) for consecutive_failures in (1, 2, 3, 7, 10_000)] == [
        60,
        120,
        240,
        3600,
        3600,
    ]
    assert retry_delay_seconds(POLICY, 2, chance=lambda: 1.0) == 60
    assert len({retry_delay_seconds(POLICY, 1) for _ in range(20)}) > 1


def test_what_does_not_fit_waits_as_long_as_anything_does() -> None:
    assert retry_delay_seconds(POLICY, 60, chance=lambda: 0.0) == 3600
