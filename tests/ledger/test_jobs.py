"""What the config asks for and what the user asks for again, and how long failed jobs wait."""

from __future__ import annotations

import pytest

from pipeline.model import Job, JobState
from tests.ledger.conftest import START


def test_new_jobs_get_their_names_in_the_order_of_jobs_whatever_the_order_they_come_in(house) -> None:
    house.scan(house.photo("a.JPG"), house.photo("a.jpg"))
    house.want(house.wanted("a.jpg"), house.wanted("a.JPG"))
    outputs = {claim.job.photo: claim.output for claim in house.ledger.leases.claim(2, "name")}
    assert outputs == {"a.JPG": "a--night.jpg", "a.jpg": "a--night-2.jpg"}


def test_the_same_jobs_again_change_nothing(house) -> None:
    house.done("a.jpg")
    house.pending("a.jpg", "b.jpg")
    before = house.job_rows()
    house.clock.now += 60
    house.want(house.wanted("a.jpg"), house.wanted("b.jpg"))
    assert house.job_rows() == before
    assert house.states() == {"done": 1, "pending": 1}


def test_changed_settings_make_a_done_job_pending_with_the_published_picture_on_record(house) -> None:
    house.done("a.jpg")
    house.want(house.wanted("a.jpg", settings="s2"))
    claim = house.claim()
    assert (claim.settings_sha256, claim.output, claim.published_sha256) == ("s2", "a--night.jpg", "p1")


def test_changed_settings_give_a_job_that_was_given_up_all_its_attempts_back(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.fail(house.claim().token, "not finite", costs_attempt=True, max_attempts=1)
    house.want(house.wanted("a.jpg", settings="s2"))
    assert house.claim().attempts == 0


@pytest.mark.parametrize("before", ["done", "pending"])
def test_a_job_not_wanted_any_more_is_withdrawn_and_as_before_when_it_is_wanted_again(house, before: str) -> None:
    getattr(house, before)("a.jpg")
    house.want()
    assert house.states() == {"withdrawn": 1}
    withdrawn = house.job_rows()
    house.want()
    assert house.job_rows() == withdrawn
    house.want(house.wanted("a.jpg"))
    assert house.states() == {before: 1}


def test_a_done_job_wanted_again_with_other_settings_is_made_again(house) -> None:
    house.done("a.jpg")
    house.want()
    house.want(house.wanted("a.jpg", settings="s2"))
    assert house.states() == {"pending": 1}


def test_a_style_that_is_gone_withdraws_only_its_own_jobs(house) -> None:
    house.scan(house.photo("a.jpg"))
    house.want(house.wanted("a.jpg", "night"), house.wanted("a.jpg", "wave"))
    house.want(house.wanted("a.jpg", "wave"))
    assert house.states() == {"pending": 1, "withdrawn": 1}
    assert house.claim().job.style == "wave"


def test_jobs_of_a_quarantined_photo_are_not_withdrawn_for_want_of_mention(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.quarantine_photo(house.claim().token, "cut off")
    house.want()
    assert house.states() == {"quarantined": 1}


def test_a_name_is_not_given_out_again_after_its_job_was_withdrawn(house) -> None:
    house.scan(house.photo("a.jpg"), house.photo("a.png"))
    house.want(house.wanted("a.jpg"))
    house.want()
    house.want(house.wanted("a.png"))
    assert house.claim().output == "a--night-2.jpg"


def test_another_format_gives_the_next_picture_a_new_name_and_leaves_the_old_picture_alone(house) -> None:
    house.done("a.jpg")
    house.want(house.wanted("a.jpg"), suffix=".png")
    assert house.states() == {"done": 1}
    house.scan(house.photo("a.jpg", version=1))
    claim = house.claim()
    assert (claim.output, claim.published_sha256, claim.published_key) == ("a--night.png", None, None)
    house.ledger.leases.release(claim.token)
    assert house.claim().output == "a--night.png"


def test_another_name_template_renames_what_is_not_made_yet(house) -> None:
    house.pending("a.jpg")
    house.want(house.wanted("a.jpg", stem="night/a"))
    assert house.claim().output == "night/a.jpg"


def test_failed_jobs_are_tried_again_by_the_next_run_with_their_attempts_counted(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.fail(house.claim().token, "not finite", costs_attempt=True, max_attempts=2)
    assert house.ledger.leases.claim(1, "name") == []
    assert house.ledger.jobs.requeue_failed() == 1
    assert house.ledger.queries.failures() == []
    assert house.claim().attempts == 1


def test_redo_outdated_makes_again_what_another_engine_made_and_keeps_the_name(house) -> None:
    house.pending("a.jpg", "b.jpg")
    for claim, engine in zip(house.ledger.leases.claim(2, "name"), ["1", "2"], strict=True):
        house.finish(claim, key=claim.job.photo, sha256=claim.job.photo, engine=engine)
    assert house.ledger.jobs.redo_outdated("2") == 1
    claim = house.claim()
    assert (claim.job.photo, claim.output, claim.published_sha256) == ("a.jpg", "a--night.jpg", "a.jpg")
    assert claim.published_key is None
    assert house.ledger.queries.published_with_key("a.jpg") == []


def test_redo_makes_the_named_done_jobs_again(house) -> None:
    house.done("a.jpg", "b.jpg")
    house.pending("a.jpg", "b.jpg", "c.jpg")
    jobs = [Job("a.jpg", "night", "default"), Job("c.jpg", "night", "default"), Job("x.jpg", "night", "default")]
    assert house.ledger.jobs.redo(jobs) == 1
    assert house.states() == {"done": 1, "pending": 2}


def test_retry_forgives_failed_and_quarantined_jobs(house) -> None:
    house.pending("a.jpg", "b.jpg")
    for claim, attempts in zip(house.ledger.leases.claim(2, "name"), [1, 2], strict=True):
        house.ledger.leases.fail(claim.token, "not finite", costs_attempt=True, max_attempts=attempts)
    assert house.states() == {"failed": 1, "quarantined": 1}
    assert house.ledger.jobs.retry() == 2
    assert [claim.attempts for claim in house.ledger.leases.claim(2, "name")] == [0, 0]


def test_retry_of_one_photo_leaves_the_others(house) -> None:
    house.pending("a.jpg", "b.jpg")
    for claim in house.ledger.leases.claim(2, "name"):
        house.ledger.leases.quarantine_photo(claim.token, "cut off")
    assert house.ledger.jobs.retry(["b.jpg"]) == 1
    assert house.states() == {"pending": 1, "quarantined": 1}
    assert [problem.path for problem in house.ledger.queries.photo_problems()] == ["a.jpg"]


def test_retry_lets_intake_look_at_quarantined_photos_again(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.quarantine_photo(house.claim().token, "cut off")
    assert house.ledger.jobs.retry() == 1
    assert house.ledger.leases.claim(1, "name") == []
    assert house.ledger.photos.unknown([house.photo("a.jpg")]) == [house.photo("a.jpg")]
    house.scan(house.photo("a.jpg"))
    assert house.claim().job.photo == "a.jpg"


def test_retry_counts_a_photo_that_never_had_a_job(house) -> None:
    bad = house.photo("a.jpg")
    house.ledger.photos.record([bad], [], [(bad, "cut off")])
    assert house.ledger.jobs.retry(["other.jpg"]) == 0
    assert house.ledger.jobs.retry() == 1
    assert house.ledger.queries.photo_problems() == []


def test_twenty_thousand_jobs_are_recorded_and_recognized(house) -> None:
    photos = [house.photo(f"{number:05}.jpg") for number in range(10_000)]
    jobs = [house.wanted(photo.path, style) for photo in photos for style in ("night", "wave")]
    house.scan(*photos)
    house.want(*jobs)
    assert house.states() == {"pending": 20_000}
    before = house.job_rows()
    house.clock.now += 60
    house.want(*jobs)
    assert house.job_rows() == before
    assert house.ledger.photos.unknown(photos) == []


def test_two_sources_in_one_file_keep_apart_except_for_names(house, another_house) -> None:
    house.done("a.jpg")
    another_house.pending("a.jpg")
    another_house.scan(another_house.photo("a.jpg"), another_house.photo("b.jpg"))
    assert another_house.claim().output == "a--night-2.jpg"
    assert house.states() == {"done": 1}
    assert another_house.states() == {"leased": 1}
    assert house.ledger.photos.unknown([house.photo("b.jpg")]) == [house.photo("b.jpg")]
    house.want()
    another_house.ledger.jobs.redo_outdated("9")
    assert another_house.states() == {"leased": 1}


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
