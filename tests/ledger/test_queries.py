"""What the ledger tells."""

from __future__ import annotations

import pytest

from pipeline.model import JobState


def test_counts_name_every_state(house) -> None:
    assert house.ledger.counts() == dict.fromkeys(JobState, 0)
    house.pending("a.jpg")
    assert house.ledger.counts()[JobState.PENDING] == 1


def test_pictures_of_one_key_are_found_in_all_sources(house, another_house) -> None:
    house.done("a.jpg")
    another_house.done("a.jpg")
    assert [picture.output for picture in house.ledger.published_with_key("k1")] == ["a--night.jpg", "a--night-2.jpg"]
    assert house.ledger.published_with_key("k2") == []


def test_a_published_picture_is_found_while_its_photo_is_looked_at_again(house) -> None:
    house.done("a.jpg")
    house.scan(house.photo("a.jpg", version=1))
    assert [picture.sha256 for picture in house.ledger.published_with_key("k1")] == ["p1"]


def test_speed_is_unknown_before_the_first_timed_picture(house) -> None:
    house.done("a.jpg")
    assert house.ledger.speed() is None


def test_speed_is_that_of_the_timed_pictures(house) -> None:
    house.pending("a.jpg", "b.jpg")
    for claim, seconds in zip(house.ledger.claim(2, "name"), [1.0, 3.0], strict=True):
        house.ledger.complete(
            claim.token,
            key="k",
            output=claim.output,
            picture_sha256="p",
            engine_version="1",
            seconds=seconds,
            pixel_evaluations=1000.0,
        )
    assert house.ledger.speed() == pytest.approx(0.002)


def test_finished_jobs_come_in_the_order_of_jobs(house) -> None:
    house.done("c.jpg", "a.jpg", "b.jpg")
    assert [finished.job.photo for finished in house.ledger.finished()] == ["a.jpg", "b.jpg", "c.jpg"]
