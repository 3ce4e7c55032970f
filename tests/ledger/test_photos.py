"""What a scan does to photos and their jobs."""

from __future__ import annotations

import os

from pipeline.model import Photo


def test_a_photo_is_unknown_until_it_is_recorded_and_again_when_any_mark_of_its_file_changes(house) -> None:
    first = Photo("a.jpg", 1, 2, 3)
    assert house.ledger.photos.unknown([first]) == [first]
    house.scan(first)
    assert house.ledger.photos.unknown([first]) == []
    changed = [Photo("a.jpg", 9, 2, 3), Photo("a.jpg", 1, 9, 3), Photo("a.jpg", 1, 2, 9)]
    assert house.ledger.photos.unknown(changed) == changed


def test_marks_beyond_63_bits_and_names_beyond_unicode_survive(house) -> None:
    strange = Photo(os.fsdecode(b"caf\xe9/\xff.jpg"), 2**70, 2**65, 2**127)
    house.scan(strange)
    house.want(house.wanted(strange.path))
    assert house.ledger.photos.unknown([strange]) == []
    claim = house.claim()
    assert claim.photo == strange
    assert os.fsencode(claim.output) == b"caf\xe9/\xff--night.jpg"


def test_twins_in_two_unicode_forms_are_two_photos(house) -> None:
    house.pending("caf\u00e9.jpg", "cafe\u0301.jpg")
    assert house.states() == {"pending": 2}
    assert len({claim.output for claim in house.ledger.leases.claim(2, "name")}) == 2


def test_jobs_of_a_photo_that_is_gone_are_withdrawn_until_it_is_back(house) -> None:
    house.pending("a.jpg", "b.jpg")
    house.scan(house.photo("b.jpg"))
    assert house.states() == {"pending": 1, "withdrawn": 1}
    house.want(house.wanted("b.jpg"))
    house.scan(house.photo("a.jpg"), house.photo("b.jpg"))
    assert house.states() == {"pending": 2}


def test_done_jobs_of_a_photo_that_is_gone_stay_done(house) -> None:
    house.done("a.jpg")
    house.scan()
    house.want()
    assert house.states() == {"done": 1}


def test_a_photo_that_comes_back_changed_is_made_again(house) -> None:
    house.done("a.jpg")
    house.scan()
    house.scan(house.photo("a.jpg", version=1))
    assert house.states() == {"pending": 1}


def test_a_changed_photo_makes_its_done_jobs_pending_and_its_content_unknown(house) -> None:
    house.done("a.jpg")
    house.ledger.photos.note_sha256("a.jpg", "h1")
    house.scan(house.photo("a.jpg", version=1))
    claim = house.claim()
    assert claim.photo == house.photo("a.jpg", version=1)
    assert claim.photo_sha256 is None
    assert (claim.published_sha256, claim.published_key) == ("p1", "k1")


def test_recording_an_unchanged_photo_as_ready_changes_nothing(house) -> None:
    house.done("a.jpg")
    house.ledger.photos.record([house.photo("a.jpg")], [house.photo("a.jpg")], [])
    assert house.states() == {"done": 1}


def test_a_changing_photo_keeps_its_jobs_but_they_are_not_claimed_until_it_is_ready(house) -> None:
    house.pending("a.jpg")
    growing = house.photo("a.jpg", version=1)
    house.ledger.photos.record([growing], [], [])
    house.want()
    assert house.states() == {"pending": 1}
    assert house.ledger.leases.claim(1, "name") == []
    assert house.ledger.photos.unknown([growing]) == [growing]
    house.scan(growing)
    assert house.claim().photo == growing


def test_a_new_photo_that_is_not_ready_is_not_recorded(house) -> None:
    new = house.photo("a.jpg")
    house.ledger.photos.record([new], [], [])
    assert house.ledger.photos.unknown([new]) == [new]
    house.want(house.wanted("a.jpg"))
    assert house.states() == {}


def test_a_quarantined_photo_is_known_and_named_with_its_reason(house) -> None:
    bad = house.photo("a.jpg")
    house.clock.now += 5
    house.ledger.photos.record([bad], [], [(bad, "it is a text file")])
    assert house.ledger.photos.unknown([bad]) == []
    (problem,) = house.ledger.queries.photo_problems()
    assert (problem.path, problem.reason, problem.when) == ("a.jpg", "it is a text file", house.clock.now)
    assert house.ledger.queries.failures() == []


def test_a_quarantined_photo_that_is_gone_is_no_problem_any_more(house) -> None:
    bad = house.photo("a.jpg")
    house.ledger.photos.record([bad], [], [(bad, "it is a text file")])
    house.scan()
    assert house.ledger.queries.photo_problems() == []


def test_unfinished_jobs_of_a_quarantined_photo_are_quarantined_and_done_ones_stay_done(house) -> None:
    house.done("a.jpg")
    house.want(house.wanted("a.jpg"), house.wanted("a.jpg", "wave"))
    broken = house.photo("a.jpg", version=1)
    house.ledger.photos.record([broken], [], [(broken, "cut off")])
    assert house.states() == {"done": 1, "quarantined": 1}
    (failure,) = house.ledger.queries.failures()
    assert (failure.job.style, failure.reason) == ("wave", "cut off")


def test_a_job_wanted_of_a_quarantined_photo_is_quarantined_from_the_start(house) -> None:
    bad = house.photo("a.jpg")
    house.ledger.photos.record([bad], [], [(bad, "cut off")])
    house.want(house.wanted("a.jpg"))
    assert house.states() == {"quarantined": 1}


def test_a_quarantined_photo_that_changed_and_is_whole_is_free_again(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.quarantine_photo(house.claim().token, "can't be decoded")
    house.scan(house.photo("a.jpg"))
    assert house.states() == {"quarantined": 1}
    house.scan(house.photo("a.jpg", version=1))
    assert house.states() == {"pending": 1}
    assert house.ledger.queries.photo_problems() == []


def test_a_quarantined_photo_found_whole_as_it_is_is_free_again(house) -> None:
    house.pending("a.jpg")
    same = house.photo("a.jpg")
    house.ledger.photos.record([same], [], [(same, "cut off")])
    house.ledger.photos.record([same], [same], [])
    assert house.states() == {"pending": 1}


def test_a_changed_photo_gets_all_its_attempts_back(house) -> None:
    house.pending("a.jpg")
    house.ledger.leases.fail(house.claim().token, "not finite", costs_attempt=True, max_attempts=1)
    assert house.states() == {"quarantined": 1}
    house.scan(house.photo("a.jpg", version=1))
    assert house.claim().attempts == 0


def test_a_reason_with_a_strange_file_name_in_it_is_kept_readable(house) -> None:
    bad = house.photo("a.jpg")
    house.ledger.photos.record([bad], [], [(bad, os.fsdecode(b"\xff.jpg is cut off"))])
    assert house.ledger.queries.photo_problems()[0].reason == "?.jpg is cut off"


def test_content_noted_once_is_known_to_the_photos_other_claims(house) -> None:
    house.scan(house.photo("a.jpg"))
    house.want(house.wanted("a.jpg", "night"), house.wanted("a.jpg", "wave"), house.wanted("a.jpg", "zebra"))
    house.ledger.leases.claim(1, "name")
    house.claim()
    house.ledger.photos.note_sha256("a.jpg", "h1")
    assert [lease.photo_sha256 for lease in house.ledger.leases.all()] == ["h1", "h1"]
    assert house.claim().photo_sha256 == "h1"
