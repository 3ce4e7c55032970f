"""Pictures by their names."""

from __future__ import annotations

from pipeline.hashing import job_key
from pipeline.model import JobState

NAME = "not\udcffutf8.jpg"


def test_all_pictures_are_there_whether_they_were_made_or_not(house) -> None:
    house.pending(NAME, "b.jpg")
    house.finish(house.claim(), key="k9", sha256="p9")
    b, odd = house.ledger.pictures.all()
    assert (b.output, b.state, b.key, b.sha256, b.is_wanted) == ("b--night.jpg", JobState.DONE, "k9", "p9", True)
    assert (odd.job.photo, odd.state, odd.key, odd.sha256) == (NAME, JobState.PENDING, None, None)
    assert (odd.absence, odd.problem, odd.is_rejected) == (None, None, False)
    assert (b.engine_version, odd.engine_version) == ("1", "")


def test_the_key_of_a_picture_that_is_to_be_made_again_follows_from_what_it_was_made_of(house) -> None:
    house.pending("a.jpg")
    claim = house.claim()
    house.ledger.photos.note_sha256("a.jpg", "c1")
    house.finish(claim)
    house.ledger.jobs.redo([claim.job])
    (picture,) = house.ledger.pictures.all()
    assert (picture.state, picture.key) == (JobState.PENDING, job_key("c1", "s1"))


def test_other_sources_pictures_are_not_among_them(house, another_house) -> None:
    house.pending("a.jpg")
    assert another_house.ledger.pictures.all() == []
