"""Failed jobs wait: for how long, over restarts, and when the clock is set back."""

from __future__ import annotations

import pytest

from pipeline.model import JobState
from tests.ledger.conftest import START


def fail(house, delay_seconds: float = 60.0) -> None:
    house.ledger.leases.fail(
        house.claim().token, "not finite", costs_attempt=True, max_attempts=9, delay_seconds=delay_seconds
    )


def test_a_failed_job_is_due_when_it_has_waited_over_a_restart(house) -> None:
    house.pending("a.jpg")
    fail(house)
    house.reopen()
    assert house.ledger.jobs.next_due() == START + 60
    house.clock.now += 59.9
    assert house.ledger.jobs.requeue_due() == 0
    assert house.ledger.leases.claim(9, "name") == []
    house.clock.now += 0.1
    assert house.ledger.jobs.requeue_due() == 1
    assert house.claim().consecutive_failures == 1


def test_without_failed_jobs_nothing_is_ever_due(house) -> None:
    house.done("a.jpg")
    assert house.ledger.jobs.next_due() is None
    assert house.ledger.jobs.requeue_due() == 0


def test_the_next_to_be_due_is_the_first_of_all(house) -> None:
    house.pending("a.jpg", "b.jpg")
    fail(house, 600)
    fail(house, 60)
    assert house.ledger.jobs.next_due() == START + 60
    house.clock.now += 60
    assert house.ledger.jobs.requeue_due() == 1
    assert house.claim().job.photo == "b.jpg"


@pytest.mark.parametrize("back_seconds", [1.0, 86_400.0 * 365])
def test_a_clock_that_is_set_back_parks_no_job(house, back_seconds: float) -> None:
    house.pending("a.jpg")
    fail(house)
    house.clock.now -= back_seconds
    assert house.ledger.jobs.next_due() == house.clock.now
    assert house.ledger.jobs.requeue_due() == 1


def test_a_run_does_not_wait(house) -> None:
    house.pending("a.jpg")
    fail(house)
    assert house.ledger.jobs.requeue_failed() == 1
    assert house.claim().attempts == 1


def test_a_success_and_a_changed_photo_forget_the_setbacks(house) -> None:
    house.pending("a.jpg")
    for _ in range(3):
        fail(house)
        house.ledger.jobs.requeue_failed()
    claim = house.claim()
    assert claim.consecutive_failures == 3
    house.finish(claim)
    house.scan(house.photo("a.jpg", version=1))
    assert house.claim().consecutive_failures == 0


def test_failures_that_cost_no_attempt_count_as_setbacks(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.fail(house.claim().token, "no memory", costs_attempt=False, max_attempts=1, delay_seconds=5)
    house.ledger.jobs.requeue_failed()
    claim = house.claim()
    assert (claim.attempts, claim.consecutive_failures) == (0, 1)
    house.ledger.leases.release(claim.token)
    assert house.state() is JobState.PENDING
