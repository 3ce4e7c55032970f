"""Every step between a claim and its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.errors import LeaseLostError, LedgerError
from pipeline.ledger import Ledger
from pipeline.model import JobState

ENDS: dict[str, tuple[Callable[[Ledger, str], object], JobState]] = {
    "release": (lambda ledger, token: ledger.leases.release(token), JobState.PENDING),
    "withdraw": (lambda ledger, token: ledger.leases.withdraw(token, "gone"), JobState.WITHDRAWN),
    "release_until_scanned": (lambda ledger, token: ledger.leases.release_until_scanned(token), JobState.PENDING),
    "fail": (
        lambda ledger, token: ledger.leases.fail(token, "why", costs_attempt=True, max_attempts=3),
        JobState.FAILED,
    ),
    "crash": (lambda ledger, token: ledger.leases.crash(token, "why", max_crashes=3), JobState.PENDING),
    "quarantine_photo": (lambda ledger, token: ledger.leases.quarantine_photo(token, "why"), JobState.QUARANTINED),
    "interrupt": (lambda ledger, token: ledger.leases.interrupt(token, 3), JobState.PENDING),
    "complete": (
        lambda ledger, token: ledger.leases.complete(
            token, key="k1", output="a--night.jpg", picture_sha256="p1", engine_version="1"
        ),
        JobState.DONE,
    ),
}

STEPS: dict[str, Callable[[Ledger, str], object]] = {
    **{name: end for name, (end, _) in ENDS.items()},
    "start": lambda ledger, token: ledger.leases.start(token),
    "record_artwork": lambda ledger, token: ledger.leases.record_artwork(token, "p1"),
    "use_settings": lambda ledger, token: ledger.leases.use_settings(token, "s0"),
    "rename_output": lambda ledger, token: ledger.leases.rename_output(token),
    "complete_unchanged": lambda ledger, token: ledger.leases.complete_unchanged(token, "k1"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_lease_ends_in_its_state_and_its_token_is_refused_from_then_on(house, end: str) -> None:
    house.pending("a.jpg")
    token = house.claim().token
    assert house.state() is JobState.LEASED
    step, state = ENDS[end]
    assert step(house.ledger, token) in (None, True, state)
    assert house.state() is state
    assert house.ledger.leases.all() == []
    for late in STEPS.values():
        with pytest.raises(LeaseLostError, match="another stylewatch has taken over"):
            late(house.ledger, token)
    assert house.state() is state


@pytest.mark.parametrize("step", STEPS)
def test_an_invented_token_is_refused_and_changes_nothing(house, step: str) -> None:
    house.pending("a.jpg")
    house.claim()
    with pytest.raises(LeaseLostError, match="another stylewatch has taken over"):
        STEPS[step](house.ledger, "invented")
    assert house.state() is JobState.LEASED


def test_a_claim_tells_all_that_a_worker_and_a_publisher_need(house) -> None:
    house.pending("sub/a.jpg")
    claim = house.claim()
    assert claim.job == house.wanted("sub/a.jpg").job
    assert claim.photo == house.photo("sub/a.jpg")
    assert (claim.output, claim.settings_sha256) == ("sub/a--night.jpg", "s1")
    assert (claim.photo_sha256, claim.published_sha256, claim.published_key) == (None, None, None)
    assert claim.attempts == 0


def test_a_release_tells_whether_it_ended_the_lease(house) -> None:
    house.pending("a.jpg")
    assert house.ledger.leases.release(house.claim().token)
    claim = house.claim()
    house.ledger.leases.record_artwork(claim.token, "p1")
    assert not house.ledger.leases.release(claim.token)
    assert house.state() is JobState.LEASED


def test_a_job_is_claimed_once_and_tokens_are_never_the_same(house) -> None:
    house.pending("a.jpg", "b.jpg")
    first = house.ledger.leases.claim(5, "name")
    assert house.ledger.leases.claim(5, "name") == []
    house.ledger.leases.release(first[0].token)
    assert len({claim.token for claim in [*first, house.claim()]}) == 3


def test_jobs_are_claimed_by_age_or_name(house) -> None:
    ages = {"b.jpg": 10.0, "a.jpg": 30.0, "c.jpg": 20.0, "d.jpg": 20.0}
    house.scan(*(house.photo(path, age=age) for path, age in ages.items()))
    house.want(*map(house.wanted, ages))
    control = {}
    for order in ("newest", "oldest", "name"):
        claims = house.ledger.leases.claim(4, order)
        control[order] = "".join(claim.job.photo[0] for claim in claims)
        for claim in claims:
            house.ledger.leases.release(claim.token)
    assert control == {"newest": "bcda", "oldest": "acdb", "name": "abcd"}


def test_a_photo_from_the_future_is_as_new_as_the_day_it_came_in(house) -> None:
    house.scan(house.photo("future.jpg", age=-1e9))
    house.clock.now += 100
    house.scan(house.photo("future.jpg", age=-1e9), house.photo("now.jpg", age=-50))
    house.want(house.wanted("future.jpg"), house.wanted("now.jpg"))
    assert [claim.job.photo for claim in house.ledger.leases.claim(2, "newest")] == ["now.jpg", "future.jpg"]


@pytest.mark.parametrize("order", ["newest", "oldest", "name"])
def test_claiming_walks_an_index_and_does_not_sort_all_that_is_pending(house, order: str) -> None:
    house.pending("a.jpg")
    statements: list[str] = []
    house.ledger._store.connection.set_trace_callback(statements.append)
    house.ledger.leases.claim(1, order)
    house.ledger._store.connection.set_trace_callback(None)
    (query,) = (statement for statement in statements if "CROSS JOIN" in statement)
    plan = [row[3] for row in house.ledger._store.connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert "USING INDEX pending_by_" in plan[0]
    assert not any(line == "USE TEMP B-TREE FOR ORDER BY" for line in plan)


def test_a_completed_job_is_on_record_with_its_picture(house) -> None:
    house.pending("a.jpg")
    claim = house.claim()
    house.finish(claim, "k1", sha256="p1", engine="7")
    (finished,) = house.ledger.queries.finished()
    assert (finished.job, finished.output, finished.sha256, finished.engine_version) == (
        claim.job,
        "a--night.jpg",
        "p1",
        "7",
    )


def test_a_picture_under_another_name_than_the_jobs_is_refused(house) -> None:
    house.pending("a.jpg")
    token = house.claim().token
    with pytest.raises(LedgerError, match="is not the name of that job's picture"):
        house.ledger.leases.complete(token, key="k", output="b.jpg", picture_sha256="p", engine_version="1")
    assert house.state() is JobState.LEASED


def test_a_touched_photo_settles_without_work_if_its_key_is_the_published_one(house) -> None:
    house.done("a.jpg")
    house.scan(house.photo("a.jpg", version=1))
    claim = house.claim()
    house.ledger.leases.complete_unchanged(claim.token, "k1")
    (finished,) = house.ledger.queries.finished()
    assert finished.sha256 == "p1"


def test_another_key_does_not_settle(house) -> None:
    house.done("a.jpg")
    house.scan(house.photo("a.jpg", version=1))
    token = house.claim().token
    with pytest.raises(LedgerError, match="has another key than 'k2'"):
        house.ledger.leases.complete_unchanged(token, "k2")
    assert house.state() is JobState.LEASED


def test_a_successor_takes_the_place_of_the_published_picture_on_record(house) -> None:
    house.done("a.jpg")
    house.want(house.wanted("a.jpg", settings="s2"))
    house.finish(house.claim(), "k2", sha256="p2")
    assert [finished.sha256 for finished in house.ledger.queries.finished()] == ["p2"]
    assert house.ledger.queries.published_with_key("k1") == []


def test_a_name_that_is_somebody_elses_is_given_up_for_the_next_one_for_good(house) -> None:
    house.done("a.jpg")
    house.want(house.wanted("a.jpg", settings="s2"))
    claim = house.claim()
    assert house.ledger.leases.rename_output(claim.token) == "a--night-2.jpg"
    assert house.ledger.leases.rename_output(claim.token) == "a--night-3.jpg"
    house.ledger.leases.release(claim.token)
    house.reopen()
    claim = house.claim()
    assert (claim.output, claim.published_sha256, claim.published_key) == ("a--night-3.jpg", None, None)


def test_failures_count_up_to_the_last_attempt(house) -> None:
    house.pending("a.jpg")
    states = []
    for _ in range(3):
        states.append(house.ledger.leases.fail(house.claim().token, "not finite", costs_attempt=True, max_attempts=3))
        house.ledger.jobs.requeue_failed()
    assert states == [JobState.FAILED, JobState.FAILED, JobState.QUARANTINED]
    house.clock.now += 60
    (failure,) = house.ledger.queries.failures()
    assert (failure.state, failure.reason, failure.attempts) == (JobState.QUARANTINED, "not finite", 3)
    assert failure.when == house.clock.now - 60


def test_a_failure_that_costs_nothing_never_gives_a_job_up(house) -> None:
    house.pending("a.jpg")
    for _ in range(5):
        state = house.ledger.leases.fail(house.claim().token, "no memory", costs_attempt=False, max_attempts=1)
        assert state is JobState.FAILED
        house.ledger.jobs.requeue_failed()
    assert house.claim().attempts == 0


def test_success_wipes_out_earlier_failures(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.fail(house.claim().token, "not finite", costs_attempt=True, max_attempts=2)
    house.ledger.jobs.requeue_failed()
    house.finish(house.claim())
    house.want(house.wanted("a.jpg", settings="s2"))
    assert house.claim().attempts == 0


def test_a_job_that_kills_workers_is_given_up(house) -> None:
    house.pending("a.jpg")
    assert house.ledger.leases.crash(house.claim().token, "the worker died", max_crashes=2) is JobState.PENDING
    assert house.ledger.leases.crash(house.claim().token, "the worker died", max_crashes=2) is JobState.QUARANTINED
    assert house.ledger.queries.failures()[0].reason == "the worker died"


def test_a_photo_that_is_gone_takes_its_other_jobs_along_until_it_is_seen_again(house) -> None:
    house.scan(house.photo("a.jpg"))
    house.want(house.wanted("a.jpg"), house.wanted("a.jpg", "wave"))
    house.ledger.leases.withdraw(house.claim().token, "not there any more")
    assert house.states() == {"withdrawn": 2}
    house.scan(house.photo("a.jpg"))
    assert house.states() == {"pending": 2}


def test_a_photo_with_other_content_is_looked_at_again_before_its_jobs_are(house) -> None:
    house.pending("a.jpg")
    house.ledger.photos.note_sha256("a.jpg", "h1")
    house.ledger.leases.release_until_scanned(house.claim().token)
    assert house.ledger.leases.claim(1, "name") == []
    house.scan(house.photo("a.jpg"))
    assert house.claim().photo_sha256 is None


def test_a_photo_at_fault_takes_its_unfinished_jobs_along_but_not_those_in_work(house) -> None:
    house.scan(house.photo("a.jpg"))
    house.want(*(house.wanted("a.jpg", style) for style in ("night", "wave", "zebra")))
    first, second = house.ledger.leases.claim(2, "name")
    house.ledger.leases.quarantine_photo(first.token, "can't be decoded")
    assert house.states() == {"quarantined": 2, "leased": 1}
    house.ledger.leases.release(second.token)
    assert house.states() == {"quarantined": 3}
    assert {failure.reason for failure in house.ledger.queries.failures()} == {"can't be decoded"}


def test_a_picture_of_a_photo_that_changed_during_the_work_is_made_again(house) -> None:
    house.pending("a.jpg")
    claim = house.claim()
    house.scan(house.photo("a.jpg", version=1))
    assert house.state() is JobState.LEASED
    house.finish(claim)
    again = house.claim()
    assert (again.photo, again.published_sha256) == (house.photo("a.jpg", version=1), "p1")


def test_a_picture_whose_settings_changed_during_the_work_is_made_again(house) -> None:
    house.pending("a.jpg")
    claim = house.claim()
    house.want(house.wanted("a.jpg", settings="s2"))
    house.finish(claim)
    assert house.claim().settings_sha256 == "s2"


def test_a_picture_that_nobody_wants_any_more_when_it_is_finished_is_withdrawn(house) -> None:
    house.pending("a.jpg")
    claim = house.claim()
    house.want()
    house.finish(claim)
    assert house.state() is JobState.WITHDRAWN
    house.want(house.wanted("a.jpg"))
    assert house.state() is JobState.DONE


def test_leases_of_a_dead_process_are_there_for_the_next_one_from_all_sources(house, another_house) -> None:
    house.done("a.jpg")
    house.want(house.wanted("a.jpg", settings="s2"))
    house.ledger.photos.note_sha256("a.jpg", "h1")
    first = house.claim()
    house.ledger.leases.start(first.token)
    house.ledger.leases.record_artwork(first.token, "p2")
    another_house.pending("b.jpg")
    second = another_house.claim()
    house.reopen()
    one, two = house.ledger.leases.all()
    assert (one.token, one.job, one.output) == (first.token, first.job, "a--night.jpg")
    assert one.artwork_sha256 == "p2"
    assert (one.photo_sha256, one.settings_sha256) == ("h1", "s2")
    assert one.published_sha256 == "p1"
    assert (two.token, two.artwork_sha256) == (second.token, None)
    house.ledger.leases.release(two.token)
    assert another_house.states() == {"pending": 1}


def test_an_interruption_counts_only_if_work_had_begun(house) -> None:
    house.pending("a.jpg")
    for _ in range(5):
        assert house.ledger.leases.interrupt(house.claim().token, 1) is JobState.PENDING
    states = []
    for _ in range(2):
        token = house.claim().token
        house.ledger.leases.start(token)
        states.append(house.ledger.leases.interrupt(token, 2))
    assert states == [JobState.PENDING, JobState.QUARANTINED]
    assert "ended unexpectedly" in house.ledger.queries.failures()[0].reason
